include { LEARNING_ROUND as ROUND_1 } from './learning_round'
include { LEARNING_ROUND as ROUND_2 } from './learning_round'
include { LEARNING_ROUND as ROUND_3 } from './learning_round'
include { LEARNING_ROUND as ROUND_4 } from './learning_round'
include { LEARNING_ROUND as ROUND_5 } from './learning_round'
include { LEARNING_ROUND as ROUND_6 } from './learning_round'

// Up to six learning rounds, each on the frames of the one before.
workflow LEARNING {
    take:
    rounds   // whole number
    given    // map: ready (list of paths), foreign (list of pairs: name, path); new frames get other names
    labelled // list of paths, labelled frames
    u_evs    // list of numbers
    seeds    // list of whole numbers, one a potential
    material // path
    digests  // map: process to digest of the code it uses

    main:
    frames = labelled
    tables = channel.empty()
    if (rounds >= 1) {
        ROUND_1(1, given, frames, u_evs, seeds, material, digests)
        frames = ROUND_1.out.frames
        tables = tables.mix(ROUND_1.out.tables)
    }
    if (rounds >= 2) {
        ROUND_2(2, given, frames, u_evs, seeds, material, digests)
        frames = ROUND_2.out.frames
        tables = tables.mix(ROUND_2.out.tables)
    }
    if (rounds >= 3) {
        ROUND_3(3, given, frames, u_evs, seeds, material, digests)
        frames = ROUND_3.out.frames
        tables = tables.mix(ROUND_3.out.tables)
    }
    if (rounds >= 4) {
        ROUND_4(4, given, frames, u_evs, seeds, material, digests)
        frames = ROUND_4.out.frames
        tables = tables.mix(ROUND_4.out.tables)
    }
    if (rounds >= 5) {
        ROUND_5(5, given, frames, u_evs, seeds, material, digests)
        frames = ROUND_5.out.frames
        tables = tables.mix(ROUND_5.out.tables)
    }
    if (rounds >= 6) {
        ROUND_6(6, given, frames, u_evs, seeds, material, digests)
        frames = ROUND_6.out.frames
        tables = tables.mix(ROUND_6.out.tables)
    }

    emit:
    frames // list of paths, one value
    tables // path
}
