include { BUILD_DATASET   } from './build_dataset'
include { TRAIN_POTENTIAL } from './train_potential'
include { TEST_POTENTIAL  } from './test_potential'

// A data set for each U, an ensemble of potentials on it (or the user's own), and their errors.
workflow POTENTIAL {
    take:
    ch_u     // map: id, u_ev, seed
    seeds    // list of whole numbers
    frames   // list of paths
    ch_given // tuple: map (id, u_ev, seed), path of a potential; empty when potentials are to be trained
    trains   // whether to train
    material // path
    digests  // map: process to digest of the code it uses

    main:
    BUILD_DATASET(ch_u, frames, material, digests.build_dataset)
    ch_members = BUILD_DATASET.out.dataset
        .flatMap { meta, dataset -> seeds.collect { seed -> [[id: "${meta.id}_s${seed}", u_ev: meta.u_ev, seed: seed], dataset] } }
    TRAIN_POTENTIAL(ch_members.filter { _meta, _dataset -> trains }, material, digests.train_potential)
    potentials = TRAIN_POTENTIAL.out.potential.mix(ch_given)
    ch_dataset_of_u = BUILD_DATASET.out.dataset.map { meta, dataset -> [meta.u_ev, dataset] }
    ch_tests = potentials.map { meta, potential -> [meta.u_ev, meta, potential] }.combine(ch_dataset_of_u, by: 0)
        .map { _u_ev, meta, potential, dataset -> [meta, dataset, potential] }
    TEST_POTENTIAL(ch_tests, material, digests.test_potential)
    tables = BUILD_DATASET.out.tables.mix(TRAIN_POTENTIAL.out.tables, TEST_POTENTIAL.out.tables)

    emit:
    potentials // tuple: map (id, u_ev, seed), path
    tables     // path
}
