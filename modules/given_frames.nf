include { plainPath; stateOf; writtenOnce } from './paths'
include { IMPORT_FRAMES } from './import_frames'

// Labelled frames that the user gives: extxyz files as they are, outputs of other programs imported.
workflow GIVEN_FRAMES {
    take:
    given    // map: ready (list of paths), foreign (list of pairs: name, path)
    material // path
    digests  // map: process to digest of the code it uses

    main:
    // VASP's two outputs of one folder go together: vasprun.xml stands in for an OUTCAR that can't be read
    def together = given.foreign.groupBy { name, path -> path.name =~ /OUTCAR|^vasprun/ ? "${path.parent}" : name }.values()
    def batches = together.collate(50).collect { runs -> runs.collectMany { run -> run } }
    // Names travel in a file, ["mine/u4/OUTCAR", ["mine/a 'b'.xyz"]], those that --frames names itself in lists of their own:
    // a name is the user's, and no shell reads it.
    ch_foreign = channel.fromList(batches.collect { batch ->
        [writtenOnce('names', groovy.json.JsonOutput.toJson(batch.collect { name, path -> path in given.named ? [name] : name })),
         batch.collect { _name, path -> plainPath(path) }, batch.collect { _name, path -> stateOf(path) }] })
    IMPORT_FRAMES(ch_foreign, material, digests.import_frames)
    ch_all = channel.fromList(given.ready.collect { path -> plainPath(path) }).mix(IMPORT_FRAMES.out.frames.flatten())
    frames = given.foreign ? ch_all.ifEmpty { error('haven: error: no output given in --frames is of a program that is known: ' +
        'give extxyz files, or outputs of VASP, GPAW, Quantum ESPRESSO or CP2K') } : ch_all

    emit:
    frames // path
}
