// Files and folders that a user names: no character of a name reaches a shell, or is taken for a pattern.

/** A file or folder, by its name alone: brackets and stars in it are letters. */
def pathOf(place) { place instanceof java.nio.file.Path ? place : file("${place}", glob: false) }

/** Files directly in a folder, in the order of their names. */
def filesIn(folder) {
    def place = pathOf(folder)
    place.isDirectory() ? place.listFiles().findAll { path -> !path.isDirectory() }.sort { path -> path.name } : []
}

/** Letters, digits and marks that no shell reads; a name with others, or one like an option, is staged under another name. */
def isPlain(text) { text ==~ /[\p{L}\p{N}_.@%+=:,~ \/-]+/ }

/** The file itself, or a link to it where its path is not plain: Nextflow writes paths into scripts that a shell reads (and leaves backticks as they are). */
def plainPath(path) {
    if (isPlain(path.toString()) && !path.name.startsWith('-')) { return path }
    def digest = path.toString().digest('SHA-256')
    def kept = isPlain(path.name) && !path.name.startsWith('-')
    def folder = file("${workflow.workDir}/names/${digest.take(16)}")
    folder.mkdirs()
    def link = folder.resolve(kept ? path.name : "${digest.take(6)}_${path.name.replaceAll(/[^A-Za-z0-9._=+-]+/, '_')}")
    if (!link.exists()) { path.mklink(link) }
    link
}

/** A file of this text in the work folder, named by what it holds, so that a resumed run finds it again. */
def writtenOnce(stem, text) {
    def target = file("${workflow.workDir}/${stem}-${text.digest('SHA-256').take(16)}.json")
    target.parent.mkdirs()
    if (!target.exists()) { target.text = text }
    target
}
