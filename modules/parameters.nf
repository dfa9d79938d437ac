// Parameters checked against nextflow_schema.json before any task starts; plugins can't be downloaded on closed clusters.

include { asList } from './numbers'

def schemaGroups() { new groovy.json.JsonSlurper().parse(file("${projectDir}/nextflow_schema.json"))['$defs'].values() }

def mistakeOfItem(item, rule) {
    def numeric = rule['type'] in ['integer', 'number']
    if (numeric && !"${item}".isNumber()) { return 'must be a number' }
    def number = numeric ? "${item}".toBigDecimal() : null
    if (rule['type'] == 'integer' && !("${item}" ==~ /-?[0-9]+/)) { return 'must be a whole number, in digits alone' }
    if (rule['type'] == 'boolean' && !("${item}".toString() in ['true', 'false'])) { return 'must be true or false' }
    if (rule['minimum'] != null && number < rule['minimum']) { return "must be at least ${rule['minimum']}" }
    if (rule['exclusiveMinimum'] != null && number <= rule['exclusiveMinimum']) { return "must be above ${rule['exclusiveMinimum']}" }
    if (rule['maximum'] != null && number > rule['maximum']) { return "must be at most ${rule['maximum']}" }
    if (rule['enum'] && !("${item}".toString() in rule['enum'])) { return "must be one of ${rule['enum'].join(', ')}" }
    if (rule['pattern'] && !("${item}" ==~ rule['pattern'])) { return "must look like ${rule['example'] ?: rule['pattern']}" }
    if (rule['format'] && !file("${item}").exists()) { return 'does not exist: check the path' }
    null
}

def mistakeOf(name, value, rule, required) {
    if (value == null || "${value}" == '') {
        return required ? "--${name} is missing: ${rule['description']}" : null
    }
    def items = rule['type'] == 'array' ? asList(value) : [value]
    def count = rule['type'] == 'array' && (items.size() < rule['minItems'] || items.size() > (rule['maxItems'] ?: items.size()))
    def why = count ? "needs ${rule['maxItems'] ?: 'at least ' + rule['minItems']} values" : items.findResult { item -> mistakeOfItem(item, rule['items'] ?: rule) }
    why ? "--${name} is ${value}, ${why}${rule['unit'] ? ' (in ' + rule['unit'] + ')' : ''}" : null
}

/** What no parameter says alone: a run holds at least one frame of all atoms. */
def mistakesBetween(given) {
    def frame_ps = "${given['dump_ps']}".toBigDecimal() * "${given['all_every']}".toInteger()
    "${given['production_ps']}".toBigDecimal() < frame_ps ? ["--production_ps is ${given['production_ps']}, shorter than one frame of all atoms, --dump_ps times --all_every = ${frame_ps} ps: make runs longer or frames denser"] : []
}

/** Ends the run with all mistakes at once, or returns. */
def checkParameters(given) {
    def rules = schemaGroups().collectEntries { group -> group['properties'] }
    def required = schemaGroups().collectMany { group -> group['required'] }
    def mistakes = given.keySet().findAll { name -> !rules.containsKey("${name}".toString()) }.collect { name -> "--${name} is no parameter: --help lists them" }
    mistakes += rules.collect { name, rule -> mistakeOf(name, given.containsKey(name) ? given[name] : null, rule, name in required) }.findAll { why -> why }
    mistakes = mistakes ?: mistakesBetween(given)
    if (mistakes) {
        error("haven: error: ${mistakes.size()} parameter${mistakes.size() > 1 ? 's are' : ' is'} wrong:\n  " + mistakes.join('\n  '))
    }
}

/** All parameters with unit, default and meaning, as text. */
def helpText(given) {
    schemaGroups().collectMany { group ->
        ["\n${group['title']}"] + group['properties'].collect { name, rule ->
            "  --${name.padRight(32)} ${rule['description']}${rule['unit'] ? ', ' + rule['unit'] : ''} [${given.containsKey(name) ? given[name] : '-'}]" }
    }.join('\n')
}
