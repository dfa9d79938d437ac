// What a run should compute, as a file.

include { writtenOnce } from './paths'

/** A file that says what should be computed, so that the report can name what is missing. */
def expectedRuns(given, u_evs, temperatures_k, replicas, seeds, drivers, rests) {
    def text = groovy.json.JsonOutput.prettyPrint(groovy.json.JsonOutput.toJson([u_ev: u_evs, temperature_k: temperatures_k,
        replica: replicas.collect { cell -> cell.replica }, seed: seeds, drivers: drivers, rests: rests,
        parameters: given.collectEntries { name, value -> ["${name}".toString(), value?.toString()] }]))
    writtenOnce('expected', text)
}
