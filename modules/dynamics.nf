include { ofSeed                 } from './drivers'
include { ANNEAL                 } from './anneal'
include { EQUILIBRATE_CELL       } from './equilibrate_cell'
include { MINIMISE               } from './minimise'
include { RELAX_CELL             } from './relax_cell'
include { RELAX_FIRST_PRINCIPLES } from './relax_first_principles'
include { RUN_DYNAMICS           } from './run_dynamics'

// Relaxed cells; annealed supercells, their cells at rest, their dynamics: U x temperature x replica x driving potential, each a task of its own.
workflow DYNAMICS {
    take:
    ch_supercells   // tuple: map (id, replica, seed), path
    ch_drivers      // tuple: map (id, u_ev, seed, first: seed of the leading potential), list of paths, the driving potential first
    conditions      // list of pairs: temperature in K, length of the production in ps; empty where no dynamics is run
    cell            // npt | relaxed | material: the cell of the dynamics
    relaxes         // whether to relax a cell from first principles
    relaxed         // list of pairs: number u_ev, path of such a relaxation there is
    material        // path
    digests         // map: process to digest of the code it uses

    main:
    ch_cells = ch_supercells.combine(ch_drivers).map { supercell, path, meta, potentials ->
        [[u_ev: meta.u_ev, seed: meta.seed, first: meta.first, replica: supercell.replica, id: "u${meta.u_ev}_${supercell.id}${ofSeed(meta.seed, meta.first)}"], path, potentials[0]] }
    MINIMISE(ch_cells, material, digests.minimise)
    ch_driving = ch_drivers.map { meta, potentials -> [meta.u_ev, meta.seed, potentials] }
    ch_minimised = MINIMISE.out.minimised.map { meta, structure -> [meta.u_ev, meta.seed, meta, structure] }
    ANNEAL(ch_minimised.combine(ch_driving, by: [0, 1]).map { _u_ev, _seed, meta, structure, potentials -> [meta, structure, potentials[0]] }, material, digests.anneal)
    ch_runs = ANNEAL.out.annealed.map { meta, structure -> [meta.u_ev, meta.seed, meta, structure] }
        .combine(ch_driving, by: [0, 1])
        .combine(channel.fromList(conditions))
        .map { u_ev, seed, meta, structure, potentials, temperature_k, production_ps ->
            [meta + [id: "u${u_ev}_t${temperature_k}_r${meta.replica}${ofSeed(seed, meta.first)}", temperature_k: temperature_k], structure, potentials, production_ps] }
    // Replicas of one potential and temperature share the mean of their cells.
    EQUILIBRATE_CELL(ch_runs.filter { _meta, _structure, _potentials, _production_ps -> cell == 'npt' }.map { meta, structure, potentials, _production_ps -> [meta, structure, potentials[0]] },
        material, digests.equilibrate_cell)
    ch_at_rest = EQUILIBRATE_CELL.out.cell.map { meta, path -> [meta.u_ev, meta.seed, meta.temperature_k, path] }.groupTuple(by: [0, 1, 2])
        .map { u_ev, seed, temperature_k, paths -> [u_ev, seed, temperature_k, paths.sort { path -> path.name }] }
    ch_in_mean = ch_runs
        .map { meta, structure, potentials, production_ps -> [meta.u_ev, meta.seed, meta.temperature_k, meta + [production_ps: production_ps], structure, potentials] }
        .combine(ch_at_rest, by: [0, 1, 2])
        .map { _u_ev, _seed, _temperature_k, meta, structure, potentials, cells -> [meta, structure, potentials, cells] }
    ch_in_own = ch_runs.filter { _meta, _structure, _potentials, _production_ps -> cell != 'npt' }
        .map { meta, structure, potentials, production_ps -> [meta + [production_ps: production_ps], structure, potentials, []] }
    RUN_DYNAMICS(ch_in_mean.mix(ch_in_own), material, digests.run_dynamics)
    trajectories = RUN_DYNAMICS.out.trajectory.map { meta, path -> [meta.findAll { name, _value -> name != 'production_ps' }, path] }
    annealed = ANNEAL.out.annealed.filter { meta, _structure -> meta.seed == meta.first }
    RELAX_CELL(ch_drivers.filter { meta, _potentials -> meta.seed == meta.first }
        .map { meta, potentials -> [meta, potentials[0], relaxed.findAll { u_ev, _path -> u_ev == meta.u_ev }.collect { _u_ev, path -> path }] }, material, digests.relax_cell)
    RELAX_FIRST_PRINCIPLES(RELAX_CELL.out.cell.filter { _meta, _cell -> relaxes }, material, digests.relax_first_principles)
    tables = ANNEAL.out.tables.mix(EQUILIBRATE_CELL.out.tables, RUN_DYNAMICS.out.tables, RELAX_CELL.out.tables, RELAX_FIRST_PRINCIPLES.out.tables)

    emit:
    annealed     // tuple: map (id, u_ev, seed, replica), path; of the leading potentials
    trajectories // tuple: map (id, u_ev, seed, replica, temperature_k), path
    tables       // path
}
