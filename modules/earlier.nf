// Tables of an earlier run, to which replicas are added.

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
