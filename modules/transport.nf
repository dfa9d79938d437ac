include { ANALYSE_STRUCTURE } from './analyse_structure'
include { ANALYSE_TRANSPORT } from './analyse_transport'
include { ANALYSE_HOPS      } from './analyse_hops'
include { FIND_BARRIERS     } from './find_barriers'
include { FIT_ARRHENIUS     } from './fit_arrhenius'
include { SELECT_BEYOND     } from './select_beyond'

// What the trajectories say: structure, transport with intervals, hops; barriers; the Arrhenius fit over all runs.
workflow TRANSPORT {
    take:
    ch_trajectories // tuple: map (id, u_ev, seed, replica, temperature_k), path
    ch_annealed    // tuple: map (id, u_ev, seed, replica), path
    ch_leaders      // tuple: map (id, u_ev, seed), path
    ch_runs         // path: tables runs, for the speed of the dynamics
    ch_parity       // path: tables parity, by which the deviation is calibrated
    leading         // number of the first replica, in which barriers are found
    earlier         // list of paths: an earlier run's tables and modes, which are joined with these
    material        // path
    digests         // map: process to digest of the code it uses

    main:
    ANALYSE_STRUCTURE(ch_trajectories, material, digests.analyse_structure)
    ANALYSE_TRANSPORT(ch_trajectories, material, digests.analyse_transport)
    ANALYSE_HOPS(ch_trajectories, material, digests.analyse_hops)
    SELECT_BEYOND(ch_trajectories, ch_parity.collect(sort: { path -> path.name }).ifEmpty([]), digests.select_beyond)
    ch_bands = ch_annealed.filter { meta, _structure -> meta.replica == leading }
        .map { meta, structure -> [meta.u_ev, meta, structure] }
        .combine(ch_leaders.map { meta, potential -> [meta.u_ev, potential] }, by: 0)
        .map { _u_ev, meta, structure, potential -> [meta, structure, potential] }
    FIND_BARRIERS(ch_bands, material, digests.find_barriers)
    ch_analysed = ANALYSE_TRANSPORT.out.tables.flatten().mix(ANALYSE_TRANSPORT.out.modes, ch_runs)
    FIT_ARRHENIUS([id: 'all'], ch_analysed.collect(sort: { path -> path.name }), earlier, digests.fit_arrhenius)
    tables = ANALYSE_STRUCTURE.out.tables.mix(ANALYSE_TRANSPORT.out.tables, ANALYSE_HOPS.out.tables,
        FIND_BARRIERS.out.tables, FIT_ARRHENIUS.out.tables)

    emit:
    tables // path
}
