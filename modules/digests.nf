// What identifies the code of each process.

/** Modules of bin/haven that a Python file imports, itself and through others. */
def importedModules(name, seen) {
    def source = file("${projectDir}/bin/haven/${name}.py")
    if (name in seen || !source.exists()) { return seen }
    importsOf(source.text).inject(seen + [name]) { found, next -> importedModules(next, found) }
}

def importsOf(text) {
    def direct = text.findAll(/haven\.\w+/).collect { found -> found.tokenize('.')[1] }
    def listed = text.findAll(/from haven import [\w, ]+/).collect { found -> found.tokenize(', ').drop(3) }
    (direct + listed).flatten().unique()
}

/** Process name to a digest of every module of bin/haven its script imports: only files directly in bin/ are in a task's hash. */
def codeDigests(wanted) {
    files("${projectDir}/bin/*.py").collectEntries { script ->
        def modules = wanted ? importsOf(script.text).inject(['__init__']) { found, next -> importedModules(next, found) }.sort() : []
        def text = modules.collect { name -> file("${projectDir}/bin/haven/${name}.py").text }.join('\n')
        [script.baseName, text.digest('SHA-256').take(16)]
    }
}
