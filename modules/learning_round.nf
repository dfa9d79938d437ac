include { BUILD_STRUCTURES as BUILD_STARTS  } from './build_structures'
include { BUILD_DATASET                     } from './build_dataset'
include { TRAIN_POTENTIAL as TRAIN_EXPLORER } from './train_potential'
include { EXPLORE                           } from './explore'
include { SELECT_FRAMES                     } from './select_frames'
include { LABEL_FRAMES                      } from './label_frames'
include { firstFree                         } from './new_labels'

// One learning round: an ensemble for each U explores new cells, what it disagrees on is labelled at every U.
workflow LEARNING_ROUND {
    take:
    round    // whole number
    given    // map: ready (list of paths), foreign (list of pairs: name, path); new frames get other names
    labelled // list of paths, labelled frames
    u_evs    // list of numbers
    seeds    // list of whole numbers, one a potential
    material // path
    digests  // map: process to digest of the code it uses

    main:
    BUILD_STARTS([id: "round${round}", seed: seeds[0], first: firstFree(given, "x${round}_s${seeds[0]}_", 1000 * round)], material, digests.build_structures)
    BUILD_DATASET(channel.fromList(u_evs.collect { u_ev -> [id: "u${u_ev}", u_ev: u_ev, seed: seeds[0]] }), labelled, material, digests.build_dataset)
    ch_members = BUILD_DATASET.out.dataset
        .flatMap { meta, dataset -> seeds.collect { seed -> [[id: "${meta.id}_s${seed}", u_ev: meta.u_ev, seed: seed], dataset] } }
    TRAIN_EXPLORER(ch_members, [], material, digests.train_potential)
    ch_ensembles = TRAIN_EXPLORER.out.potential
        .map { meta, potential -> [groupKey(meta.u_ev, seeds.size()), potential] }.groupTuple(sort: { path -> path.name })
        .map { u_ev, potentials -> [[id: "x${round}_u${u_ev}", u_ev: "${u_ev}", round: round, seed: seeds[0]], potentials] }
    EXPLORE(ch_ensembles, BUILD_STARTS.out.structures.collect(), material, digests.explore)
    SELECT_FRAMES(round, EXPLORE.out.candidates.collect(sort: { path -> path.name }), labelled, material, digests.select_frames)
    LABEL_FRAMES(SELECT_FRAMES.out.structures.flatten(), u_evs, material, digests.label_frames)
    frames = labelled.flatten().mix(LABEL_FRAMES.out.frames.flatten()).collect(sort: { path -> path.name })
    tables = EXPLORE.out.tables.mix(SELECT_FRAMES.out.tables)

    emit:
    frames // list of paths, one value: all labelled frames after the round
    tables // path
}
