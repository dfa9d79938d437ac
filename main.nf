#!/usr/bin/env nextflow
// Haven: from first-principles labels to ionic conductivity, with error bars all the way.

include { givenAimd; givenRelaxed; wantedAimd } from './modules/aimd_inputs'
include { codeDigests } from './modules/digests'
include { chosenDrivers; drivingSeeds } from './modules/drivers'
include { checkImages; plainCause } from './modules/failures'
include { framePlaces; givenFrames } from './modules/frame_places'
include { expectedRuns; givenPotentials; givenTrajectories; modelsFolder } from './modules/inputs'
include { firstFree; refusePublished } from './modules/new_labels'
include { asList; asNumbers; plain } from './modules/numbers'
include { checkParameters; helpText } from './modules/parameters'
include { STRUCTURES } from './modules/structures'
include { GIVEN_FRAMES } from './modules/given_frames'
include { REFERENCE  } from './modules/reference'
include { LEARNING   } from './modules/learning'
include { POTENTIAL  } from './modules/potential'
include { DYNAMICS   } from './modules/dynamics'
include { AIMD       } from './modules/aimd'
include { TRANSPORT  } from './modules/transport'
include { REPORT     } from './modules/report'

workflow {
    if ("${params.help}".toBoolean()) {
        println(helpText(params))
        return
    }
    checkParameters(params)
    checkImages(params.image_folder, workflow.profile, ["${params.label}", "${params.aimd}", "${params.relax_first_principles}"].any { wanted -> wanted.toBoolean() } || "${params.rounds}".toInteger() > 0)

    def first_seed = "${params.seed}".toInteger()
    def given_runs = givenTrajectories(params.trajectories, first_seed)
    def models = modelsFolder(params.models, "${params.pretrained}".toBoolean())
    def u_evs = given_runs ? given_runs.collect { meta, _path -> meta.u_ev }.unique() : asNumbers(params.u_ev)
    def temperatures_k = given_runs ? given_runs.collect { meta, _path -> meta.temperature_k }.unique() : asNumbers(params.temperatures_k)
    def seeds = (0..<"${params.ensemble}".toInteger()).collect { member -> first_seed + member }
    def replicas = (0..<"${params.replicas}".toInteger()).collect { replica -> [id: "r${replica}", replica: replica, seed: first_seed + replica] }
    def material = file(params.material)
    def digests = codeDigests("${params.code_digest}".toBoolean())
    def has_potential = !given_runs || models
    def labels = "${params.label}".toBoolean()
    def labels_only = "${params.labels_only}".toBoolean()
    def goes_on = !labels_only && !"${params.potentials_only}".toBoolean()

    def given_potentials = givenPotentials(models, u_evs)
    def drivers = given_runs ? drivingSeeds(given_runs) : chosenDrivers("${params.driving_potentials}".toInteger(), u_evs, given_potentials, seeds)

    // With trajectories but no models, the run starts with the analysis.
    // Labelled frames: given ones, new ones, or both together.
    def frame_places = framePlaces(params.frames ? asList(params.frames) : [], material, !labels && !given_runs && !(models && goes_on))
    if (labels || "${params.rounds}".toInteger() > 0) {
        refusePublished(frame_places, file("${params.outdir}/frames"))
    }
    def given_frames = givenFrames(frame_places)
    GIVEN_FRAMES(given_frames, material, digests)
    ch_frames = GIVEN_FRAMES.out.frames
    ch_tables = channel.empty()
    if (labels) {
        REFERENCE([id: 'cells', seed: first_seed, first: firstFree(given_frames, "s${first_seed}_", 0)], u_evs, material, digests)
        ch_frames = ch_frames.mix(REFERENCE.out.frames.flatten())
        ch_tables = ch_tables.mix(REFERENCE.out.tables)
    }
    labelled = ch_frames.collect(sort: { path -> path.name })
    def explorers = (0..<"${params.explore_ensemble}".toInteger()).collect { member -> first_seed + member }
    LEARNING("${params.rounds}".toInteger(), given_frames, labelled, u_evs, explorers, material, digests)
    frames = LEARNING.out.frames
    ch_tables = ch_tables.mix(LEARNING.out.tables)

    // A data set and an ensemble of potentials for each U; the first seeds' potentials drive the dynamics.
    ch_u = channel.fromList(has_potential ? u_evs.collect { u_ev -> [id: "u${u_ev}", u_ev: u_ev, seed: first_seed] } : [])
    ch_given = channel.fromList(given_potentials)
    def start = params.init_models ? files("${params.init_models}/u*_s*.{pb,pth,pt}", checkIfExists: true) : []
    def given_aimd = givenAimd(params.aimd_trajectories, material, u_evs, first_seed)
    POTENTIAL(ch_u, seeds, frames, ch_given, !models && !labels_only, start, given_aimd, "${params.learning_curve}".toBoolean(), material, digests)
    ch_ensembles = POTENTIAL.out.potentials.map { meta, potential -> [meta.u_ev, meta, potential] }.groupTuple()
        .map { u_ev, metas, potentials -> [u_ev, metas.withIndex().sort { pair -> pair[0].seed }.collect { pair -> [pair[0], potentials[pair[1]]] }] }
    ch_leaders = ch_ensembles.map { _u_ev, members -> members[0] }
    def driving = given_runs ? 1 : "${params.driving_potentials}".toInteger()
    ch_drivers = ch_ensembles.flatMap { _u_ev, members -> members.take(goes_on ? driving : 0).collect { one ->
        [one[0] + [first: members[0][0].seed], [one[1]] + (members - [one]).collect { other -> other[1] }] } }

    // Dynamics: U x temperature x replica x driving potential.
    STRUCTURES(channel.fromList(has_potential && goes_on ? replicas : []), material, digests)
    def relaxes = "${params.relax_first_principles}".toBoolean()
    DYNAMICS(STRUCTURES.out.supercells, ch_drivers, temperatures_k, !given_runs, "${params.cell}", relaxes, relaxes ? [] : givenRelaxed(params.relaxed_cells, material, u_evs),
        material, digests)
    ch_trajectories = DYNAMICS.out.trajectories.mix(channel.fromList(given_runs))

    // First-principles dynamics beside the potential's: new where asked for, else what is there.
    def new_aimd = "${params.aimd}".toBoolean() && goes_on && !given_runs ? wantedAimd(asNumbers(params.aimd_u_ev), u_evs, plain(params.aimd_temperature_k),
        "${params.aimd_steps}".toBigDecimal() * "${params.aimd_timestep_fs}".toBigDecimal() / 1000, first_seed) : []
    def old_aimd = goes_on ? given_aimd.findAll { meta, _path -> !(meta.u_ev in new_aimd*.u_ev) } : []
    AIMD(new_aimd, old_aimd, ch_leaders, material, digests)

    // Analysis, cost, report.
    ch_runs = DYNAMICS.out.tables.flatten().filter { path -> path.name.endsWith('.runs.parquet') }
    TRANSPORT(ch_trajectories, DYNAMICS.out.annealed, ch_leaders, ch_runs, material, digests)
    ch_tables = ch_tables.mix(STRUCTURES.out.tables, POTENTIAL.out.tables, DYNAMICS.out.tables, AIMD.out.tables, TRANSPORT.out.tables)
    expected = expectedRuns(params, u_evs, goes_on ? temperatures_k : [], goes_on ? replicas : [], labels_only ? [] : seeds, drivers)
    ch_costly = ch_leaders.mix(POTENTIAL.out.uncompressed.filter { meta, _potential -> meta.seed == first_seed })
        .map { meta, potential -> [meta.u_ev, potential] }.groupTuple().join(POTENTIAL.out.datasets)
    REPORT(ch_tables, DYNAMICS.out.annealed, ch_costly, POTENTIAL.out.provenance, files("${params.reference}/*.csv"),
        file("${projectDir}/assets/report.html.j2"), expected, STRUCTURES.out.supercells, STRUCTURES.out.occupancies,
        AIMD.out.trajectories.map { _meta, path -> path }, material, digests)
    REPORT.out.summary.subscribe { path -> println(path.text) }

    workflow.onComplete = {
        def cause = plainCause("${workflow.errorReport ?: workflow.errorMessage ?: ''}")
        if (workflow.success) {
            println("Report: ${file(params.outdir).toAbsolutePath()}/report.html")
        }
        else if (cause) {
            System.err.println("\n${cause}")
        }
    }
}
