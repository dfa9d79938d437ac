include { stateOf       } from './frame_places'
include { IMPORT_FRAMES } from './import_frames'

// Labelled frames that the user gives: extxyz files as they are, outputs of other programs imported.
workflow GIVEN_FRAMES {
    take:
    given    // map: ready (list of paths), foreign (list of pairs: name, path)
    material // path
    digests  // map: process to digest of the code it uses

    main:
    ch_foreign = channel.fromList(given.foreign.collate(50).collect { batch -> batch.transpose() + [batch.collect { _name, path -> stateOf(path) }] })
    IMPORT_FRAMES(ch_foreign, material, digests.import_frames)
    ch_all = channel.fromList(given.ready).mix(IMPORT_FRAMES.out.frames.flatten())
    frames = given.foreign ? ch_all.ifEmpty { error("haven: error: no output given in --frames is of a program that is known: give extxyz files, or outputs of VASP, GPAW, Quantum ESPRESSO or CP2K") } : ch_all

    emit:
    frames // path
}
