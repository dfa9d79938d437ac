include { firstFree    } from './new_labels'
include { filesIn; plainPath } from './paths'
include { GIVEN_FRAMES } from './given_frames'
include { REFERENCE    } from './reference'
include { LEARNING     } from './learning'
include { POTENTIAL    } from './potential'
include { STRUCTURES   } from './structures'
include { DYNAMICS     } from './dynamics'
include { AIMD         } from './aimd'
include { TRANSPORT    } from './transport'
include { REPORT       } from './report'

// The whole study: labels, potentials, dynamics, analysis, report.
workflow STUDY {
    take:
    plan // map of modules/plan.nf

    main:
    def settings = plan.settings
    def material = plan.material
    def digests = plan.digests

    // Labelled frames: path, one file a trajectory and U, [s1_000.u4.extxyz].
    GIVEN_FRAMES(plan.frames, material, digests)
    ch_frames = GIVEN_FRAMES.out.frames
    ch_tables = channel.empty()
    if (settings.label) {
        REFERENCE([id: 'cells', seed: settings.seed, first: firstFree(plan.frames, "s${settings.seed}_", 0)], plan.u_evs, material, digests)
        ch_frames = ch_frames.mix(REFERENCE.out.frames.flatten())
        ch_tables = ch_tables.mix(REFERENCE.out.tables)
    }
    LEARNING(settings.rounds, plan.frames, ch_frames.collect(sort: { path -> path.name }), plan.u_evs, plan.explorers, material, digests)

    // A data set and an ensemble of potentials for each U: [[id: u4_s1, u_ev: 4, seed: 1], u4_s1.pb].
    ch_u = channel.fromList(plan.has_potential ? plan.u_evs.collect { u_ev -> [id: "u${u_ev}", u_ev: u_ev, seed: settings.seed] } : [])
    POTENTIAL(ch_u, plan.seeds, LEARNING.out.frames, channel.fromList(plan.potentials), settings.compress, plan.trains, plan.start, plan.given_aimd,
        plan.hottest, settings.learning_curve, material, digests)
    // The first of each U leads: its cells are relaxed, its barriers found. The first few drive dynamics, and the others judge them.
    ch_leaders = POTENTIAL.out.potentials.filter { meta, _potential -> meta.seed == plan.members["${meta.u_ev}".toString()][0] }
    // An ensemble is whole once it has its number of members; it waits for no other U.
    ch_ensembles = POTENTIAL.out.potentials
        .map { meta, potential -> [groupKey("${meta.u_ev}".toString(), plan.members["${meta.u_ev}".toString()].size()), [meta, potential]] }
        .groupTuple().map { _u_ev, members -> members.sort { member -> member[0].seed } }
    // Driving potentials: [[id: u4_s1, u_ev: 4, seed: 1, first: 1], [u4_s1.pb, u4_s2.pb]], the driving one first.
    def driving = plan.goes_on ? (plan.runs ? 1 : settings.driving_potentials) : 0
    ch_drivers = ch_ensembles.flatMap { members -> members.take(driving).collect { member ->
        def others = members.findAll { other -> other != member }
        [member[0] + [first: members[0][0].seed], [member[1]] + others.collect { _meta, potential -> potential }] } }

    // Dynamics: U x temperature x replica x driving potential, [[id: u4_t298_r0, u_ev: 4, ...], u4_t298_r0.trajectory.npz].
    STRUCTURES(channel.fromList(plan.has_potential && plan.goes_on ? plan.replicas : []), material, digests)
    DYNAMICS(STRUCTURES.out.supercells, plan.in_mean, plan.at_rest, plan.rests, ch_drivers, POTENTIAL.out.abouts, plan.earlier as boolean,
        plan.conditions, settings.cell, settings.relax_first_principles, plan.relaxed, material, digests)
    ch_trajectories = DYNAMICS.out.trajectories.mix(channel.fromList(plan.runs))

    // First-principles dynamics beside the potential's: new where asked for, else what is there.
    AIMD(plan.new_aimd, plan.old_aimd, ch_leaders, material, digests)

    // Analysis, cost, report.
    ch_runs = DYNAMICS.out.tables.flatten().filter { path -> path.name.endsWith('.runs.parquet') }
    ch_parity = POTENTIAL.out.tables.flatten().filter { path -> path.name.endsWith('.parity.parquet') }
    TRANSPORT(ch_trajectories, DYNAMICS.out.annealed, ch_leaders, ch_runs, ch_parity, plan.replicas[0].replica, plan.earlier, material, digests)
    ch_tables = ch_tables.mix(LEARNING.out.tables, STRUCTURES.out.tables, POTENTIAL.out.tables, DYNAMICS.out.tables, AIMD.out.tables, TRANSPORT.out.tables)
    // Potentials to time (an earlier run's costs are taken as they are), compressed and not: [4, [u4_s1.pb, uncompressed_u4_s1.pb], u4.dataset].
    ch_costly = POTENTIAL.out.timed.filter { meta, _files -> meta.seed == plan.members["${meta.u_ev}".toString()][0] }
        .map { meta, frozen -> [meta.u_ev, frozen] }.join(POTENTIAL.out.datasets).filter { _costly -> !plan.earlier }
    def page = filesIn("${projectDir}/assets/page").findAll { path -> path.name ==~ /.*\.(css|js)/ }.collect { path -> plainPath(path) }
    REPORT(ch_tables, DYNAMICS.out.annealed, ch_costly, POTENTIAL.out.provenance, plan.published,
        file("${projectDir}/assets/report.html.j2"), page, plan.expected, STRUCTURES.out.supercells, STRUCTURES.out.occupancies,
        AIMD.out.trajectories.map { _meta, path -> path }, plan.replicas[0].replica, plan.earlier, material, digests)
    summary = REPORT.out.summary

    emit:
    summary // path of the report's headline as text
}
