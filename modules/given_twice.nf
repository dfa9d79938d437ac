// What is given twice, on the command line or in the file of -params-file: Nextflow keeps the last one and says nothing of the others.

def WORDS() { /(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/ }

/** Words of a command line that is quoted as for a shell, their quotes taken off. */
def wordsOf(commandLine) {
    (commandLine =~ WORDS()).collect { word -> "${word}".replaceAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/) { found -> found[1] ?: found[2] ?: found[3] ?: '' } }
}

def twiceIn(names) { names.countBy { name -> name }.findAll { _name, count -> count > 1 }.keySet() }

/** Keys of a JSON text, of all its objects together; no parameter is an object. */
def keysOfJson(text) {
    (text =~ /("(?:[^"\\]|\\.)*")(\s*:)?/).findAll { found -> found[2] }
        .collect { found -> new groovy.json.JsonSlurper().parseText("[${found[1]}]")[0] }
}

/** Key that a YAML text gives twice; nothing where there is none. */
def twiceInYaml(text) {
    def rules = new org.yaml.snakeyaml.LoaderOptions()
    rules.setAllowDuplicateKeys(false)
    try {
        new org.yaml.snakeyaml.Yaml(rules).load(text)
        return []
    }
    catch (org.yaml.snakeyaml.error.YAMLException wrong) {
        return ("${wrong.message}" =~ /found duplicate key (\S+)/).collect { found -> found[1] }
    }
}

/** A sentence for each parameter that is given twice in one place. */
def givenTwice(commandLine) {
    def words = wordsOf(commandLine)
    def options = words.findAll { word -> word ==~ /(?s)--\w.*/ }.collect { word -> word.substring(2).tokenize('=')[0] }
    def place = words.findIndexOf { word -> word == '-params-file' }
    def path = place < 0 ? env('NXF_PARAMS_FILE') : place + 1 < words.size() ? words[place + 1] : null
    def source = path ? file(path, glob: false) : null
    def keys = source == null || !source.exists() ? [] :
        source.name.endsWith('.json') ? twiceIn(keysOfJson(source.text)) : twiceInYaml(source.text)
    twiceIn(options).collect { name -> "--${name} is given twice on the command line: give it once" } +
        keys.collect { name -> "${name} is given twice in ${path}: give it once" }
}
