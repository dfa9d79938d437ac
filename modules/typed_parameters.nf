// Parameters, checked before, as values of the types that nextflow_schema.json names.

include { asList; plain } from './numbers'
include { kindsOf; schemaRules } from './schema'

/** A value as its rule types it: true or false, a number as Python writes it, a list, or text. */
def typedValue(value, rule) {
    def kinds = kindsOf(rule)
    if (value == null) { return null }
    if ('array' in kinds) { return asList(value, rule).collect { item -> typedValue(item, rule['items']) } }
    def text = "${value}".toString()
    if (kinds == ['boolean']) { return text.toBoolean() }
    if (kinds == ['integer']) { return text.toInteger() }
    kinds == ['number'] ? plain(text) : text
}

/** All parameters, checked before, as one map of typed values. */
def typedParameters(given) {
    schemaRules().collectEntries { name, rule -> [name, typedValue(given.containsKey(name) ? given[name] : null, rule)] }
}
