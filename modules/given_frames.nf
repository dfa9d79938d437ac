include { IMPORT_FRAMES } from './import_frames'

/** What may be an output of a program, by its name. */
def isOutput(name) { name =~ /OUTCAR|^vasprun.*\.xml$|\.(extxyz|xyz|traj|gpw|txt|out|log|pwo)$/ && !name.endsWith('.failed.extxyz') }

/** All files under a folder, or the file itself. */
def filesUnder(place) {
    def root = file(place)
    root.isDirectory() ? files("${root}/**").sort { path -> "${path}".toString() } : [root]
}

/** Sources of labelled frames in one place: [extxyz files directly in it, [[name, path] of what is to be imported]]. */
def sourcesIn(place) {
    def root = file(place)
    def all = filesUnder(place)
    def ready = all.findAll { path -> path.name.endsWith('.extxyz') && (path == root || path.parent == root) }
    def folders = all.findAll { path -> path.name == 'type.raw' || path.name =~ /-pos-\d+\.xyz$/ }.collect { path -> path.parent }.unique()
    def loose = all.findAll { path -> !(path in ready) && isOutput(path.name) && !folders.any { folder -> path.startsWith(folder) } }
    def told = loose.findAll { path -> path.name.contains('OUTCAR') }.collect { path -> path.parent }
    def kept = loose.findAll { path -> !(path.name.startsWith('vasprun') && path.parent in told) }
    [ready, (folders + kept).collect { path -> ["${root.name}/${root.relativize(path)}".toString().replaceAll(/\/$/, ''), path] }]
}

// Labelled frames that the user gives: extxyz files as they are, outputs of other programs imported.
workflow GIVEN_FRAMES {
    take:
    places   // list of paths as text: folders and files
    material // path
    digests  // map: process to digest of the code it uses

    main:
    def found = places.collect { place -> sourcesIn(place) }
    if (places && !found.any { ready, foreign -> ready || foreign }) {
        error("haven: error: --frames ${places.join(',')} holds no labelled frames: give extxyz files, or outputs of VASP, GPAW, Quantum ESPRESSO or CP2K")
    }
    ch_foreign = channel.fromList(found.collectMany { _ready, foreign -> foreign }.collate(50).collect { batch -> batch.transpose() })
    IMPORT_FRAMES(ch_foreign, material, digests.import_frames)
    frames = channel.fromList(found.collectMany { ready, _foreign -> ready }).mix(IMPORT_FRAMES.out.frames.flatten())

    emit:
    frames // path
}
