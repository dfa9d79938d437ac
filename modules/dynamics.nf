include { MINIMISE     } from './minimise'
include { RELAX_CELL   } from './relax_cell'
include { RUN_DYNAMICS } from './run_dynamics'

// Relaxed cells; minimised supercells and their dynamics: U x temperature x replica, each a task of its own.
workflow DYNAMICS {
    take:
    ch_supercells   // tuple: map (id, replica, seed), path
    ch_leaders      // tuple: map (id, u_ev, seed), path of the potential that drives
    ch_ensembles    // tuple: number u_ev, list of paths, the driving potential first
    temperatures_k  // list of numbers
    runs            // whether to run dynamics
    material        // path
    digests         // map: process to digest of the code it uses

    main:
    ch_pairs = ch_supercells.combine(ch_leaders).map { cell, supercell, meta, potential ->
        [[id: "u${meta.u_ev}_${cell.id}", u_ev: meta.u_ev, seed: meta.seed, replica: cell.replica], supercell, potential] }
    MINIMISE(ch_pairs, material, digests.minimise)
    minimised = MINIMISE.out.minimised
    ch_runs = minimised.map { meta, structure -> [meta.u_ev, meta, structure] }
        .combine(ch_ensembles, by: 0)
        .combine(channel.fromList(runs ? temperatures_k : []))
        .map { u_ev, meta, structure, potentials, temperature_k ->
            [meta + [id: "u${u_ev}_t${temperature_k}_r${meta.replica}", temperature_k: temperature_k], structure, potentials] }
    RUN_DYNAMICS(ch_runs, material, digests.run_dynamics)
    trajectories = RUN_DYNAMICS.out.trajectory
    RELAX_CELL(ch_leaders, material, digests.relax_cell)
    tables = RUN_DYNAMICS.out.tables.mix(RELAX_CELL.out.tables)

    emit:
    minimised    // tuple: map (id, u_ev, seed, replica), path
    trajectories // tuple: map (id, u_ev, seed, replica, temperature_k), path
    tables       // path
}
