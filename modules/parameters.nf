// Parameters checked against nextflow_schema.json before any task starts; plugins can't be downloaded on closed clusters.

include { givenTwice } from './given_twice'
include { asList; asNumbers } from './numbers'
include { unknownName } from './parameter_names'
include { kindsOf; schemaGroups; schemaRules } from './schema'

/** Why an item of a value does not fit its rule; nothing if it does. */
def mistakeOfItem(item, rule) {
    def kinds = kindsOf(rule)
    def text = "${item}".toString()
    def numeric = kinds.any { kind -> kind in ['integer', 'number'] } && (text.isNumber() || !('string' in kinds))
    if (numeric && !text.isNumber()) { return 'must be a number' }
    if (numeric && !('number' in kinds) && !(text ==~ /[-+]?[0-9]+/)) { return 'must be a whole number, in digits alone' }
    def number = numeric ? text.toBigDecimal().doubleValue() : null
    if (kinds == ['boolean'] && !(text in ['true', 'false'])) { return 'must be true or false' }
    if (numeric && rule['minimum'] != null && number < rule['minimum']) { return "must be at least ${rule['minimum']}" }
    if (numeric && rule['exclusiveMinimum'] != null && number <= rule['exclusiveMinimum']) { return "must be above ${rule['exclusiveMinimum']}" }
    if (numeric && rule['maximum'] != null && number > rule['maximum']) { return "must be at most ${rule['maximum']}" }
    if (rule['enum'] && !(text in rule['enum'])) { return "must be one of ${rule['enum'].join(', ')}" }
    if (!numeric && rule['pattern'] && !(text ==~ rule['pattern'])) { return "must look like ${rule['examples'] ? rule['examples'][0] : rule['pattern']}" }
    if (rule['format'] && !file(text, glob: false).exists()) { return 'does not exist: check the path' }
    null
}

def mistakeOf(name, value, rule, required) {
    if (value == null) {
        def needed = rule['default'] != null && !('null' in kindsOf(rule)) // a switch has no default: it is off
        return required ? "--${name} is missing: ${rule['description']}" :
            needed ? "--${name} is null, but a run needs a value: give one${rule['unit'] ? ' (in ' + rule['unit'] + ')' : ''}, or leave it out" : null
    }
    def several = 'array' in kindsOf(rule)
    def items = several ? asList(value, rule) : [value]
    if (!('boolean' in kindsOf(rule)) && "${value}".toString() in ['true', 'false']) { // Nextflow's value of an option that has none
        return "--${name} needs a value: give ${rule['description']}, or leave it out"
    }
    if ("${value}".trim() == '' || items.any { item -> "${item}".trim() == '' }) {
        return "--${name} is empty: give ${rule['description']}, or leave it out"
    }
    def count = several && (items.size() < rule['minItems'] || items.size() > (rule['maxItems'] ?: items.size()))
    def numbers = several ? asNumbers(value) : []
    def twice = rule['uniqueItems'] ? numbers.find { item -> numbers.count(item) > 1 } : null
    if (twice != null) {
        return "--${name} is ${items.join(',')}, gives ${twice} twice"
    }
    def example = rule['examples'] && several ? [examples: rule['examples']] : [:]
    def why = count ? "needs ${rule['maxItems'] ?: 'at least ' + rule['minItems']} values" :
        items.findResult { item -> mistakeOfItem(item, (several ? rule['items'] : rule) + example) }
    def shown = "${value}".replaceAll(/[\x00-\x1f\x7f]+/, ' ')
    why ? "--${name} is ${shown}, ${why}${rule['unit'] ? ' (in ' + rule['unit'] + ')' : ''}" : null
}

/** Whole time steps in a time, rounded as the scripts of dynamics do. */
def stepsIn(time_ps, timestep_fs) { Math.rint("${time_ps}".toDouble() * (1000 / timestep_fs)).toLong() }

/** What no parameter says alone: in whole time steps a run holds a frame of all atoms and two of any kind, and the run of a cell two steps. */
def mistakesBetween(given) {
    def timestep_fs = "${given['timestep_fs']}".toDouble()
    def frame_steps = stepsIn(given['dump_ps'], timestep_fs)
    def all_every = "${given['all_every']}".toInteger()
    def needed = frame_steps * Math.max(all_every, 2)
    def lengths_ps = asNumbers(given['production_ps'])
    def temperatures = asNumbers(given['temperatures_k']).size()
    (frame_steps < 1 ? ["--dump_ps is ${given['dump_ps']}, less than a time step: make it at least --timestep_fs = ${timestep_fs} fs"] : []) +
    (lengths_ps.any { length_ps -> stepsIn(length_ps, timestep_fs) < needed } ?
        ["--production_ps is ${lengths_ps.join(',')}, shorter than ${all_every > 1 ? 'one frame of all atoms' : 'two frames'}, " +
            "--dump_ps times ${all_every > 1 ? '--all_every' : '2'} = ${(needed * timestep_fs / 1000).round(6)} ps in whole time steps: " +
            "make runs longer or frames denser"] : []) +
    ("${given['cell']}" == 'npt' && stepsIn(given['cell_ps'], timestep_fs) < 2 ?
        ["--cell_ps is ${given['cell_ps']}, shorter than two time steps: make it longer (--timestep_fs is ${timestep_fs} fs)"] : []) +
    (lengths_ps.size() in [1, temperatures] ? [] :
        ["--production_ps has ${lengths_ps.size()} values and --temperatures_k ${temperatures}: give one length for all, or one for each temperature"])
}

/** A sentence on words of the command line that belong to no option, which Nextflow leaves out; `true` is its own word, behind -stub. */
def strayWords(words) {
    def stray = words.findAll { word -> word != 'true' }
    def shown = stray.take(5).join(' ').replaceAll(/[\x00-\x1f\x7f]+/, ' ') + (stray.size() > 5 ? ' ...' : '')
    stray ? ["${shown} belong${stray.size() > 1 ? '' : 's'} to no option: lists take commas (300,350), what has spaces or stars takes quotes"] : []
}

/** Ends the run with all mistakes at once, or returns. */
def checkParameters(given, commandLine, words = []) {
    def rules = schemaRules()
    def required = schemaGroups().collectMany { group -> group['required'] ?: [] }
    def names = given.keySet().collect { name -> "${name}".toString() }
    def mistakes = names.findAll { name -> !rules.containsKey(name) }.collect { name -> unknownName(name, rules.keySet().toList()) }
    mistakes += rules.collect { name, rule -> mistakeOf(name, given.containsKey(name) ? given[name] : null, rule, name in required) }.findAll { why -> why }
    mistakes += givenTwice(commandLine) + strayWords(words)
    mistakes = mistakes ?: mistakesBetween(given)
    if (mistakes) {
        error("haven: error: ${mistakes.size() > 1 ? mistakes.size() + ' parameters are wrong:\n  ' : ''}" + mistakes.join('\n  '))
    }
}
