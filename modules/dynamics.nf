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
    in_mean         // list of numbers of replicas: the mean of their cells is the one that all keep
    at_rest         // path of an earlier run's table of cells, which are kept instead, or an empty list
    rests           // list of texts: which cells it has, '4_1_600' for U in eV, seed of the driving potential, temperature in K
    ch_drivers      // tuple: map (id, u_ev, seed, first: seed of the leading potential), list of paths, the driving potential first
    ch_abouts       // tuple: number u_ev, seed, path of the potential.json or an empty list: what its labels cover
    added           // whether replicas are added to an earlier run, whose relaxed cells are taken
    conditions      // list of pairs: temperature in K, length of the production in ps; empty where no dynamics is run
    cell            // npt | relaxed | material: the cell of the dynamics
    relaxes         // whether to relax a cell from first principles
    relaxed         // list of pairs: number u_ev, path of such a relaxation there is
    material        // path
    digests         // map: process to digest of the code it uses

    main:
    // Cells at rest and their anneals, for each driving potential.
    // ch_cells: [[u_ev, seed, first, replica, id: u4_r0], r0.supercell.extxyz, u4_s1.pb]
    ch_cells = ch_supercells.combine(ch_drivers).map { supercell, path, meta, potentials ->
        def id = "u${meta.u_ev}_${supercell.id}${ofSeed(meta.seed, meta.first)}"
        [[u_ev: meta.u_ev, seed: meta.seed, first: meta.first, replica: supercell.replica, id: id], path, potentials[0]] }
    MINIMISE(ch_cells, material, digests.minimise)
    // ch_driving: [4, 1 (seed), [u4_s1.pb, u4_s2.pb], u4_s1.potential.json]
    ch_driving = ch_drivers.map { meta, potentials -> [meta.u_ev, meta.seed, potentials] }.join(ch_abouts, by: [0, 1])
    ch_minimised = MINIMISE.out.minimised.map { meta, structure -> [meta.u_ev, meta.seed, meta, structure] }
    ANNEAL(ch_minimised.combine(ch_driving, by: [0, 1])
        .map { _u_ev, _seed, meta, structure, potentials, about -> [meta, structure, potentials[0], about] }, material, digests.anneal)

    // Runs: each annealed cell at each temperature, [meta of the cell + (id: u4_t298_r0, temperature_k), structure, potentials, about, production_ps].
    ch_runs = ANNEAL.out.annealed.map { meta, structure -> [meta.u_ev, meta.seed, meta, structure] }
        .combine(ch_driving, by: [0, 1])
        .combine(channel.fromList(conditions))
        .map { u_ev, seed, meta, structure, potentials, about, temperature_k, production_ps ->
            def id = "u${u_ev}_t${temperature_k}_r${meta.replica}${ofSeed(seed, meta.first)}"
            [meta + [id: id, temperature_k: temperature_k], structure, potentials, about, production_ps] }

    // Replicas of one potential and temperature share the mean of their cells (of the first ones', where their number is given), and
    // wait for no others. Where the anneal or the cell of one broke down, the rest go on without it when all is done.
    EQUILIBRATE_CELL(ch_runs.filter { run -> cell == 'npt' && run[0].replica in in_mean }
        .filter { run -> !([run[0].u_ev, run[0].seed, run[0].temperature_k].join('_') in rests) }
        .map { meta, structure, potentials, about, _production_ps -> [meta, structure, potentials[0], about] }, material, digests.equilibrate_cell)
    ch_at_rest = EQUILIBRATE_CELL.out.cell
        .map { meta, path -> [[meta.u_ev, meta.seed, meta.temperature_k], path] }
        .map { same, path -> [groupKey(same.join('_'), in_mean.size()), same, path] }
        .groupTuple(remainder: true)
        .map { _key, same, paths -> same[0] + [paths.sort { path -> path.name }] }
        .mix(ch_runs.map { run -> [run[0].u_ev, run[0].seed, run[0].temperature_k] }.unique()
            .filter { same -> same.join('_') in rests }.map { same -> same + [[at_rest]] })
    // ch_at_rest: [4, 1 (seed), 298, [u4_t298_r0.cells.parquet, u4_t298_r1.cells.parquet]]
    ch_in_mean = ch_runs
        .map { meta, structure, potentials, _about, production_ps ->
            [meta.u_ev, meta.seed, meta.temperature_k, meta + [production_ps: production_ps], structure, potentials] }
        .combine(ch_at_rest, by: [0, 1, 2])
        .map { _u_ev, _seed, _temperature_k, meta, structure, potentials, cells -> [meta, structure, potentials, cells] }
    ch_in_own = ch_runs.filter { _run -> cell != 'npt' }
        .map { meta, structure, potentials, _about, production_ps -> [meta + [production_ps: production_ps], structure, potentials, []] }
    RUN_DYNAMICS(ch_in_mean.mix(ch_in_own), material, digests.run_dynamics)
    // A run's length is no part of what its trajectory is joined by.
    trajectories = RUN_DYNAMICS.out.trajectory.map { meta, path -> [meta.findAll { name, _value -> name != 'production_ps' }, path] }
    annealed = ANNEAL.out.annealed.filter { meta, _structure -> meta.seed == meta.first }

    // Relaxed cells of the leading potentials, beside those from first principles of the same U.
    RELAX_CELL(ch_drivers.filter { meta, _potentials -> meta.seed == meta.first && !added }
        .map { meta, potentials -> [meta.u_ev, meta.seed, meta, potentials[0]] }.join(ch_abouts, by: [0, 1])
        .map { u_ev, _seed, meta, potential, about -> [meta, potential, about, relaxed.findAll { one -> one[0] == u_ev }.collect { one -> one[1] }] },
        material, digests.relax_cell)
    RELAX_FIRST_PRINCIPLES(RELAX_CELL.out.cell.filter { _meta, _cell -> relaxes }, material, digests.relax_first_principles)
    tables = ANNEAL.out.tables.mix(EQUILIBRATE_CELL.out.tables, RUN_DYNAMICS.out.tables, RELAX_CELL.out.tables, RELAX_FIRST_PRINCIPLES.out.tables)

    emit:
    annealed     // tuple: map (id, u_ev, seed, replica), path; of the leading potentials
    trajectories // tuple: map (id, u_ev, seed, replica, temperature_k), path
    tables       // path
}
