// Files and folders that a user names: no character of a name reaches a shell, or is taken for a pattern.

/** A file or folder, by its name alone: brackets and stars in it are letters. */
def pathOf(place) { place instanceof java.nio.file.Path ? place : file("${place}", glob: false) }

/** Where a file or folder is once links are followed: those above it, where it is not there yet. Elsewhere than on a disk, its own path. */
def realPath(place) {
    def whole = pathOf(place).toAbsolutePath().normalize()
    if (whole.fileSystem != java.nio.file.FileSystems.getDefault() || whole.parent == null) { return whole }
    whole.exists() ? whole.toRealPath() : realPath(whole.parent).resolve(whole.name)
}

/** Files directly in a folder, in the order of their names. */
def filesIn(folder) {
    def place = pathOf(folder)
    place.isDirectory() ? place.listFiles().findAll { path -> !path.isDirectory() }.sort { path -> path.name } : []
}

/** All files under a folder, or the file itself; a link to a folder above is not followed, which would never end. */
def filesUnder(place, above = []) {
    def root = pathOf(place)
    if (!root.isDirectory()) { return [root] }
    def here = above + [root.toRealPath()]
    root.listFiles().sort { path -> path.name }.collectMany { path -> path.isDirectory() && path.toRealPath() in here ? [] : filesUnder(path, here) }
}

/** What changes with the files of a folder, of which a task's hash sees the folder's own date alone. */
def stateOf(place) {
    filesUnder(place).collect { path -> "${place.relativize(path)} ${path.size()} ${path.lastModified()}" }.join('\n').digest('SHA-256').take(16)
}

/** Folder of the checkpoints, as conf/modules.config (ext.checkpoints) tells it to the tasks; none where each keeps them in its own folder. */
def checkpointsOf(named) {
    def work = workflow.workDir.toUriString()
    named ? new File("${named}").absolutePath : work.startsWith('/') ? "${work}/checkpoints".toString() : null
}

/** Folder of the records of a run, in its results. */
def recordsOf(outdir) { pathOf("${outdir}/pipeline") }

/** Letters that a shell leaves alone, or that Nextflow escapes in the scripts that it writes for one (it leaves dollars and line ends as they are). */
def isPlain(text) { text ==~ /[\p{L}\p{N}_.@%+=:,~\/ '"()&;-]+/ && !text.startsWith('-') }

/** The file itself; where its path is not plain, the same file under a path that is. A soft link would not do: Nextflow stages what it leads to. */
def plainPath(path) {
    if (isPlain(path.toString()) && isPlain(path.name)) { return path }
    def digest = "${path} ${path.size()} ${path.lastModified()}".toString().digest('SHA-256')
    def name = isPlain(path.name) ? path.name : "${digest.take(6)}_${path.name.replaceAll(/[^A-Za-z0-9._=+-]+/, '_').replaceAll(/^-+/, '')}"
    def folder = file("${workflow.workDir}/names/${digest.take(16)}")
    def target = folder.resolve(name)
    if (target.exists()) { return target }
    folder.mkdirs()
    try {
        java.nio.file.Files.createLink(target, path.toRealPath())
    }
    catch (Exception _refused) { // a folder, another disk, or an object store
        path.copyTo(target)
    }
    target
}

/** A file of this text in the work folder, named by what it holds, so that a resumed run finds it again. */
def writtenOnce(stem, text) {
    def target = file("${workflow.workDir}/${stem}-${text.digest('SHA-256').take(16)}.json")
    target.parent.mkdirs()
    if (!target.exists()) { target.text = text }
    target
}
