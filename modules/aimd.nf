include { BUILD_SUPERCELL as BUILD_CELL          } from './build_supercell'
include { MINIMISE as MINIMISE_CELL              } from './minimise'
include { RUN_DYNAMICS as RUN_CELL               } from './run_dynamics'
include { ANALYSE_STRUCTURE as COMPARE_STRUCTURE } from './analyse_structure'
include { RUN_AIMD                               } from './run_aimd'

// First-principles dynamics, new or given, and the potential's in the same cell, ten times as long.
workflow AIMD {
    take:
    wanted     // list of maps (id, u_ev, temperature_k, replica, seed, production_ps): runs to be made
    given      // list of pairs: such a map, path of a trajectory
    ch_leaders // tuple: map (id, u_ev, seed), path of a potential
    material   // path
    digests    // map: process to digest of the code it uses

    main:
    ch_new = channel.fromList(wanted)
    BUILD_CELL(ch_new.map { meta -> [id: "r${meta.replica}", replica: meta.replica, seed: meta.seed] }.unique(), material, digests.build_supercell)
    ch_potentials = ch_leaders.map { meta, potential -> [meta.u_ev, potential] }
    MINIMISE_CELL(ch_new.map { meta -> [meta.u_ev, meta] }.combine(ch_potentials, by: 0).combine(BUILD_CELL.out.supercell)
        .map { _u_ev, meta, potential, cell, supercell -> [meta + [id: "u${meta.u_ev}_${cell.id}", run: meta.id], supercell, potential] },
        material, digests.minimise)
    ch_starts = MINIMISE_CELL.out.minimised.map { meta, structure -> [meta.u_ev, meta + [id: meta.run], structure] }
        .mix(channel.fromList(given).map { meta, path -> [meta.u_ev, meta, path] })
    // Runs in this cell have a name of their own: their checkpoints lie beside those of production.
    RUN_CELL(ch_starts.combine(ch_potentials, by: 0)
        .map { _u_ev, meta, structure, potential -> [meta + [id: "aimd_cell_${meta.id}"], structure, potential, []] }, material, digests.run_dynamics)
    ch_beside = RUN_CELL.out.trajectory.map { meta, path -> [meta + [id: meta.id - 'aimd_cell_'], path] }
    RUN_AIMD(ch_beside.filter { meta, _path -> meta.run }, material, digests.run_aimd)
    trajectories = RUN_AIMD.out.trajectory.mix(channel.fromList(given))
    ch_compared = trajectories.map { meta, path -> [meta + [source: 'aimd'], path] }
        .mix(ch_beside.map { meta, path -> [meta + [source: 'dlmd_cell'], path] })
    COMPARE_STRUCTURE(ch_compared, material, digests.analyse_structure)
    tables = COMPARE_STRUCTURE.out.tables

    emit:
    trajectories // tuple: map (id, u_ev, temperature_k, replica, seed, production_ps), path
    tables       // path
}
