// What nextflow_schema.json says of the parameters, which haven.parameters writes.

def schemaGroups() { new groovy.json.JsonSlurper().parse(file("${projectDir}/nextflow_schema.json"))['$defs'].values() }

def schemaRules() { schemaGroups().collectEntries { group -> group['properties'] } }

def kindsOf(rule) { [rule['type']].flatten() }

/** All parameters with unit, range or choices, default and meaning, as text. */
def helpText(given) {
    schemaGroups().collectMany { group ->
        ["\n${group['title']}"] + group['properties'].collect { name, rule ->
            def spans = (rule['items'] ?: [:]) + rule
            def limits = [rule['unit'], spans['enum'] ? 'one of ' + spans['enum'].join(', ') : null,
                spans['exclusiveMinimum'] != null ? "above ${spans['exclusiveMinimum']}" : null,
                spans['minimum'] != null ? "at least ${spans['minimum']}" : null,
                spans['maximum'] != null ? "at most ${spans['maximum']}" : null].findAll { part -> part }
            def value = given.containsKey(name) ? given[name] : null
            "  --${name.padRight(34)} ${rule['description']}${limits ? ' (' + limits.join('; ') + ')' : ''} [${value == null ? '-' : value}]" }
    }.join('\n')
}
