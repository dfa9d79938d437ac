// What a run is to do: parameters, and the files and folders they name, as one map.

include { givenAimd; givenRelaxed; wantedAimd } from './aimd_inputs'
include { checkCovered; hottestOf } from './coverage'
include { codeDigests } from './digests'
include { chosenDrivers; drivingSeeds } from './drivers'
include { expectedRuns } from './expected_runs'
include { cellsAtRest; checkPressure; earlierTables } from './earlier'
include { framePlaces; givenFrames; refusePublished } from './frame_places'
include { givenPotentials; modelsFolder; startsOf } from './given_potentials'
include { givenTrajectories } from './given_trajectories'
include { pathOf; plainPath } from './paths'
include { publishedTables } from './published'

/** Temperatures, each with the length of its runs: one for all, or one for each. */
def conditionsOf(temperatures_k, lengths_ps) {
    temperatures_k.withIndex().collect { temperature_k, place -> [temperature_k, lengths_ps.size() == 1 ? lengths_ps[0] : lengths_ps[place]] }
}

/**
 * The plan of a run; ends it where files that are given don't fit.
 *
 * Numbers of U and K are as Python writes them (4, not 4.0): they name files and join channels. Members:
 * settings (the parameters), material (path), digests (script to digest), u_evs, temperatures_k, seeds, explorers (lists of numbers),
 * conditions (pairs of temperature in K and length of its runs in ps), hottest (option to the highest temperature in K that the dynamics asks for),
 * replicas (list of maps: id, replica, seed, leads: whether it is the first), in_mean (numbers of those that give the mean cell that all keep),
 * at_rest (an earlier run's table of cells, which is kept instead, or an empty list), rests (which cells it has: list of texts, '4_1_600'),
 * earlier (list of an earlier run's tables and modes), published (tables of published values),
 * runs (given trajectories: pairs of map and path), potentials (given ones: map, path, list of its potential.json),
 * members (U as text to the seeds of its potentials, ascending), drivers (U as text to the seeds of those that drive), frames (map: ready, foreign),
 * start (potentials to fine-tune), old_aimd, new_aimd (pairs of map and path; maps), relaxed (pairs of U and path), expected (path),
 * and whether the run has_potential, trains, goes_on to dynamics.
 */
def planOf(settings) {
    def first = settings.seed
    def runs = givenTrajectories(settings.trajectories, first)
    def models = modelsFolder(settings.models, settings.pretrained)
    def u_evs = runs ? runs.collect { meta, _path -> meta.u_ev }.unique() : settings.u_ev
    def temperatures_k = runs ? runs.collect { meta, _path -> meta.temperature_k }.unique() : settings.temperatures_k
    def seeds = (0..<settings.ensemble).collect { member -> first + member }
    def replicas = (0..<settings.replicas).collect { place -> [place, settings.first_replica + place] }
        .collect { place, replica -> [id: "r${replica}", replica: replica, seed: first + replica, leads: place == 0] }
    def earlier = earlierTables(settings.earlier, settings.outdir)
    def material = plainPath(pathOf(settings.material))
    def goes_on = !settings.labels_only && !settings.potentials_only
    def potentials = givenPotentials(models, u_evs)
    def has_potential = !runs || models
    def anneals = goes_on && has_potential
    def hottest = hottestOf(settings, goes_on && !runs ? temperatures_k : [], anneals, anneals && !earlier)
    potentials.each { _meta, path, about -> about.each { json -> checkCovered(json, path.name, hottest) } }
    def drivers = runs ? drivingSeeds(runs) : chosenDrivers(settings.driving_potentials, u_evs, potentials, seeds)
    if (earlier && !runs && settings.cell != 'material') {
        checkPressure(settings.earlier, settings.pressure_gpa)
    }
    def at_rest = settings.cell == 'npt' && !runs ? earlier.find { path -> path.name == 'cells.parquet' } ?: [] : []
    def rests = at_rest ? cellsAtRest(settings.earlier, drivers, temperatures_k) : []

    // With trajectories but no models, the run starts with the analysis.
    // Labelled frames: given ones, new ones, or both together.
    def places = framePlaces(settings.frames ?: [], material, !settings.label && !runs && !(models && goes_on))
    if (settings.label || settings.rounds > 0) {
        refusePublished(places, pathOf("${settings.outdir}/frames"))
    }
    def given_aimd = givenAimd(settings.aimd_trajectories, material, u_evs, first)
    def new_aimd = settings.aimd && goes_on && !runs && !earlier ? wantedAimd(settings.aimd_u_ev, u_evs, settings.aimd_temperature_k,
        settings.aimd_steps * settings.aimd_timestep_fs / 1000, first) : []
    [
        settings       : settings,
        material       : material,
        digests        : codeDigests(settings.code_digest),
        u_evs          : u_evs,
        temperatures_k : temperatures_k,
        hottest        : hottest,
        conditions     : runs ? [] : conditionsOf(temperatures_k, settings.production_ps),
        seeds          : seeds,
        explorers      : (0..<settings.explore_ensemble).collect { member -> first + member },
        replicas       : replicas,
        in_mean        : (settings.cell_replicas > 0 ? replicas.take(settings.cell_replicas) : replicas)*.replica,
        at_rest        : at_rest,
        rests          : rests,
        earlier        : earlier,
        published      : publishedTables(settings.reference),
        runs           : runs,
        potentials     : potentials,
        members        : potentials ? drivingSeeds(potentials) : u_evs.collectEntries { u_ev -> ["${u_ev}".toString(), seeds] },
        drivers        : drivers,
        frames         : givenFrames(places),
        start          : startsOf(settings.init_models),
        given_aimd     : given_aimd,
        old_aimd       : goes_on && !earlier ? given_aimd.findAll { meta, _path -> !(meta.u_ev in new_aimd*.u_ev) } : [],
        new_aimd       : new_aimd,
        relaxed        : settings.relax_first_principles ? [] : givenRelaxed(settings.relaxed_cells, material, u_evs),
        expected       : expectedRuns(settings, u_evs, goes_on ? temperatures_k : [], goes_on ? replicas : [], settings.labels_only ? [] : seeds, drivers,
            rests),
        has_potential  : has_potential,
        trains         : !models && !settings.labels_only,
        goes_on        : goes_on,
    ]
}
