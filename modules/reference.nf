include { BUILD_STRUCTURES } from './build_structures'
include { LABEL_FRAMES     } from './label_frames'

// New labelled frames: starting structures, then every U on the same frames.
workflow REFERENCE {
    take:
    settings // map: id, seed, first
    u_evs    // list of numbers
    material // path
    digests  // map: process to digest of the code it uses

    main:
    BUILD_STRUCTURES(settings, material, digests.build_structures)
    LABEL_FRAMES(BUILD_STRUCTURES.out.structures.flatten(), u_evs, material, digests.label_frames)
    frames = LABEL_FRAMES.out.frames
    tables = BUILD_STRUCTURES.out.tables

    emit:
    frames // path, one file a starting structure and U
    tables // path
}
