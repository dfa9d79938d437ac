// What labels cover, read from the data set or from what lies beside a potential: the run ends early where it asks for more.

/**
 * The temperatures of a run's dynamics: option to the highest it asks for, in K; 0 where there is no such dynamics.
 * `temperatures_k`: of its runs; `anneals`, `relaxes`: whether supercells are annealed, and cells before they are relaxed, if for a time at all.
 */
def hottestOf(settings, temperatures_k, anneals, relaxes) {
    def hot = (anneals && settings.anneal_ps > 0) || (relaxes && settings.relax_anneal_ps > 0)
    [temperatures_k: temperatures_k.max() ?: 0, anneal_temperature_k: hot ? settings.anneal_temperature_k : 0]
}

/** Ends the run where a temperature is above that of every label; `about` is dataset.json or potential.json, `name` whose labels they are. */
def checkCovered(about, name, hottest) {
    def text = about.text.trim()
    def covers = text ? new groovy.json.JsonSlurper().parseText(text)['covers'] : null
    def limit_k = covers instanceof Map && covers['temperature_k'] instanceof Number ? covers['temperature_k'] : null
    def above = hottest.find { _option, temperature_k -> limit_k != null && temperature_k > limit_k }
    if (above) {
        error("haven: error: --${above.key} asks for ${above.value} K, above what the labels of ${name} cover " +
            "(dynamics at up to ${limit_k} K): lower it, or label hotter frames (--explore_temperatures_k)")
    }
}
