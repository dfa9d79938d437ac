include { BUILD_SUPERCELL } from './build_supercell'

// Supercells for the dynamics, one for each replica of the disorder.
workflow STRUCTURES {
    take:
    ch_replicas // map: id, replica, seed
    material    // path
    digests     // map: process to digest of the code it uses

    main:
    BUILD_SUPERCELL(ch_replicas, material, digests.build_supercell)
    supercells = BUILD_SUPERCELL.out.supercell
    occupancies = BUILD_SUPERCELL.out.occupancies
    tables = BUILD_SUPERCELL.out.tables

    emit:
    supercells  // tuple: map (id, replica, seed), path
    occupancies // path of cells of every set of occupancies
    tables      // path
}
