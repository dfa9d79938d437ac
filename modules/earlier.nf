// Results of an earlier run, to which replicas, temperatures, U or driving potentials are added.

include { filesIn; pathOf; plainPath; realPath } from './paths'

/** An earlier run's folder of tables and its results folder: the user names either, or a folder that holds tables alone, which is both. */
def earlierFolders(named) {
    def tables = [pathOf("${named}/tables"), pathOf(named)]
        .find { place -> filesIn(place)*.name.containsAll(['runs.parquet', 'diffusion.parquet']) }
    if (!tables) {
        error("haven: error: --earlier ${named} has no tables runs.parquet and diffusion.parquet: name the results folder of a finished run")
    }
    [tables, tables.name == 'tables' ? tables.parent : tables]
}

/** An earlier run's tables and modes; ends the run where it would publish its own among them, which a resumed run would take for the earlier one's. */
def earlierTables(named, outdir) {
    if (!named) { return [] }
    def (tables, results) = earlierFolders(named)
    if (realPath(outdir) in [realPath(results), realPath(tables)]) {
        error("haven: error: --earlier ${named} is where this run puts its own results: give another --outdir")
    }
    def modes = [results, tables].collect { place -> filesIn(place.resolve('modes')).findAll { path -> path.name.endsWith('.modes.npz') } }
    (filesIn(tables).findAll { path -> path.name ==~ /[a-z0-9_]+\.parquet/ } + (modes.find { found -> found } ?: [])).collect { path -> plainPath(path) }
}

/** What parameters.json of an earlier run tells; an empty map where there is none. */
def toldBy(named) {
    def path = earlierFolders(named)[1].resolve('parameters.json')
    try {
        def told = path.exists() ? new groovy.json.JsonSlurper().parseText(path.text) : [:]
        told instanceof Map ? told : [:]
    }
    catch (Exception _damaged) { [:] }
}

/** Ends the run where its pressure in GPa is another than that of the earlier run, whose results would be joined with its own. */
def checkPressure(named, pressure_gpa) {
    def told = toldBy(named)['parameters']
    def earlier_gpa = told instanceof Map ? "${told['pressure_gpa']}" : ''
    if (earlier_gpa.isNumber() && earlier_gpa.toDouble() != pressure_gpa.toDouble()) {
        error("haven: error: --earlier ${named} is of --pressure_gpa ${earlier_gpa}, this run of ${pressure_gpa}: give the same, or leave --earlier out")
    }
}

/**
 * The cells that an earlier run has at rest, of those that this run's dynamics needs, as text: '4_1_600' for U in eV, seed of the driving
 * potential, temperature in K. Where its results do not tell its potentials or temperatures, it has those of this run.
 * `drivers`: U as text to the seeds of the potentials that drive.
 */
def cellsAtRest(named, drivers, temperatures_k) {
    def told = toldBy(named)
    def known_k = (told['cells_k'] ?: told['temperature_k'] ?: []).findAll { temperature_k -> temperature_k instanceof Number }*.toDouble()
    def known = told['drivers'] instanceof Map && told['drivers'] ? told['drivers'] : drivers
    drivers.collectMany { u_ev, seeds -> seeds.findAll { seed -> seed in (known[u_ev] ?: []) }.collectMany { seed ->
        temperatures_k.findAll { temperature_k -> !known_k || temperature_k.toDouble() in known_k }
            .collect { temperature_k -> [u_ev, seed, temperature_k].join('_') } } }
}
