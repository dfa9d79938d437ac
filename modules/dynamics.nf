include { ofSeed                 } from './drivers'
include { MINIMISE               } from './minimise'
include { RELAX_CELL             } from './relax_cell'
include { RELAX_FIRST_PRINCIPLES } from './relax_first_principles'
include { RUN_DYNAMICS           } from './run_dynamics'

// Relaxed cells; minimised supercells and their dynamics: U x temperature x replica x driving potential, each a task of its own.
workflow DYNAMICS {
    take:
    ch_supercells   // tuple: map (id, replica, seed), path
    ch_drivers      // tuple: map (id, u_ev, seed, first: seed of the leading potential), list of paths, the driving potential first
    temperatures_k  // list of numbers
    runs            // whether to run dynamics
    relaxes         // whether to relax a cell from first principles
    relaxed         // list of pairs: number u_ev, path of such a relaxation there is
    material        // path
    digests         // map: process to digest of the code it uses

    main:
    ch_cells = ch_supercells.combine(ch_drivers).map { cell, supercell, meta, potentials ->
        [[u_ev: meta.u_ev, seed: meta.seed, first: meta.first, replica: cell.replica, id: "u${meta.u_ev}_${cell.id}${ofSeed(meta.seed, meta.first)}"], supercell, potentials] }
    MINIMISE(ch_cells.map { meta, supercell, potentials -> [meta, supercell, potentials[0]] }, material, digests.minimise)
    ch_runs = MINIMISE.out.minimised.map { meta, structure -> [meta.u_ev, meta.seed, meta, structure] }
        .combine(ch_drivers.map { meta, potentials -> [meta.u_ev, meta.seed, potentials] }, by: [0, 1])
        .combine(channel.fromList(runs ? temperatures_k : []))
        .map { u_ev, seed, meta, structure, potentials, temperature_k ->
            [meta + [id: "u${u_ev}_t${temperature_k}_r${meta.replica}${ofSeed(seed, meta.first)}", temperature_k: temperature_k], structure, potentials] }
    RUN_DYNAMICS(ch_runs, material, digests.run_dynamics)
    trajectories = RUN_DYNAMICS.out.trajectory
    minimised = MINIMISE.out.minimised.filter { meta, _structure -> meta.seed == meta.first }
    RELAX_CELL(ch_drivers.filter { meta, _potentials -> meta.seed == meta.first }
        .map { meta, potentials -> [meta, potentials[0], relaxed.findAll { u_ev, _path -> u_ev == meta.u_ev }.collect { _u_ev, path -> path }] }, material, digests.relax_cell)
    RELAX_FIRST_PRINCIPLES(RELAX_CELL.out.cell.filter { _meta, _cell -> relaxes }, material, digests.relax_first_principles)
    tables = RUN_DYNAMICS.out.tables.mix(RELAX_CELL.out.tables, RELAX_FIRST_PRINCIPLES.out.tables)

    emit:
    minimised    // tuple: map (id, u_ev, seed, replica), path; of the leading potentials
    trajectories // tuple: map (id, u_ev, seed, replica, temperature_k), path
    tables       // path
}
