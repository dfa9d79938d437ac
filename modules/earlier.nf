// Tables of an earlier run, to which replicas or temperatures are added.

include { filesIn; pathOf; plainPath } from './paths'

/** An earlier run's tables and modes: those of its results folder, or of a folder of tables. */
def earlierTables(folder) {
    if (!folder) { return [] }
    def places = [pathOf("${folder}/tables"), pathOf(folder)]
    def held = places.collect { place -> filesIn(place).findAll { path -> path.name ==~ /[a-z0-9_]+\.parquet/ } }.find { found -> found } ?: []
    if (!held*.name.containsAll(['runs.parquet', 'diffusion.parquet'])) {
        error("haven: error: --earlier ${folder} has no tables runs.parquet and diffusion.parquet: name the results folder of a finished run")
    }
    (held + filesIn(pathOf("${folder}/modes")).findAll { path -> path.name.endsWith('.modes.npz') }).collect { path -> plainPath(path) }
}

/** Temperatures in K at which an earlier run has cells at rest; none where its results do not tell. */
def restsTold(folder) {
    try {
        def told = new groovy.json.JsonSlurper().parseText(pathOf("${folder}/parameters.json").text)
        (told['cells_k'] ?: told['temperature_k'] ?: []).collect { temperature_k -> temperature_k as double }
    }
    catch (Exception _lacking) { [] }
}

/** Those of the temperatures at which an earlier run has cells at rest; all of them where its results do not tell. */
def temperaturesAtRest(folder, temperatures_k) {
    def known = restsTold(folder)
    temperatures_k.findAll { temperature_k -> !known || (temperature_k as double) in known }
}
