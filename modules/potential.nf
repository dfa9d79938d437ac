include { checkCovered      } from './coverage'
include { BUILD_DATASET     } from './build_dataset'
include { TRAIN_POTENTIAL   } from './train_potential'
include { COMPILE_POTENTIAL } from './compile_potential'
include { TEST_POTENTIAL    } from './test_potential'
include { MEASURE_LEARNING  } from './measure_learning'

// A data set for each U, an ensemble of potentials on it (or the user's own), and their errors.
workflow POTENTIAL {
    take:
    ch_u     // map: id, u_ev, seed
    seeds    // list of whole numbers
    frames   // list of paths
    ch_given // tuple: map (id, u_ev, seed), path of a potential, list of its potential.json; empty when potentials are to be trained
    compresses // whether given ones are compressed
    trains   // whether to train
    start    // list of paths: potentials whose weights to start from
    aimd     // list of pairs: map (id, u_ev, ...), path of a first-principles trajectory to test on
    hottest  // map: option to the highest temperature in K that the dynamics asks for
    shares   // whether to measure the error against the share of the data trained on
    material // path
    digests  // map: process to digest of the code it uses

    main:
    BUILD_DATASET(ch_u, frames, material, digests.build_dataset)
    ch_members = BUILD_DATASET.out.dataset
        .flatMap { meta, dataset ->
            checkCovered(dataset.resolve('dataset.json'), meta.id, hottest)
            seeds.collect { seed -> [[id: "${meta.id}_s${seed}", u_ev: meta.u_ev, seed: seed], dataset] }
        }
    TRAIN_POTENTIAL(ch_members.filter { _meta, _dataset -> trains }, start, material, digests.train_potential)
    ch_own = ch_given.branch { _meta, path, _about ->
        made: path.extension == 'pt' || (compresses && path.extension in ['pb', 'pth'])
        ready: true
    }
    COMPILE_POTENTIAL(ch_own.made.map { meta, path, _about -> [meta, path] }, material, digests.compile_potential)
    ch_compiled = COMPILE_POTENTIAL.out.potential.join(ch_own.made).map { meta, potential, _given, about -> [meta, potential, about] }
    ch_described = TRAIN_POTENTIAL.out.potential.join(TRAIN_POTENTIAL.out.provenance).mix(ch_compiled, ch_own.ready)
    potentials = ch_described.map { meta, potential, _about -> [meta, potential] }
    provenance = ch_described.map { _meta, _potential, about -> about }
    abouts = ch_described.map { meta, _potential, about -> [meta.u_ev, meta.seed, about] }
    ch_alone = ch_own.ready.map { meta, potential, _about -> [meta, [potential]] }
    timed = TRAIN_POTENTIAL.out.timed.mix(COMPILE_POTENTIAL.out.timed)
        .map { meta, frozen -> [meta, [frozen].flatten().sort { path -> path.name }] }
        .mix(ch_alone)
    datasets = BUILD_DATASET.out.dataset.map { meta, dataset -> [meta.u_ev, dataset] }
    ch_tests = ch_described.map { meta, potential, about -> [meta.u_ev, meta, potential, about] }.combine(datasets, by: 0)
        .map { _u_ev, meta, potential, about, dataset ->
            [meta, dataset, potential, about, aimd.findAll { one, _path -> one.u_ev == meta.u_ev }.collect { _one, path -> path }] }
    TEST_POTENTIAL(ch_tests, material, digests.test_potential)
    ch_whole = ch_members.join(TRAIN_POTENTIAL.out.potential).filter { meta, _dataset, _potential -> shares && meta.seed == seeds[0] }
    MEASURE_LEARNING(ch_whole, material, digests.measure_learning)
    tables = BUILD_DATASET.out.tables.mix(TRAIN_POTENTIAL.out.tables, TEST_POTENTIAL.out.tables, MEASURE_LEARNING.out.tables)

    emit:
    potentials   // tuple: map (id, u_ev, seed), path
    timed        // tuple: map (id, u_ev, seed), list of paths: the potential, and the same before compression
    provenance   // path, or an empty list
    abouts       // tuple: number u_ev, seed, path of the potential.json or an empty list
    datasets     // tuple: number u_ev, path
    tables       // path
}
