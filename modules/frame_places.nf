// Where labelled frames lie, and what of them is ready.

include { filesUnder; pathOf; realPath } from './paths'

/** What may be an output of a program, by its name. */
def isOutput(name) { name =~ /OUTCAR|^vasprun.*\.xml([-._]\w+)?$|\.(extxyz|xyz|traj|gpw|txt|out|log|pwo)(\.(gz|bz2|xz))?$/ && !(name =~ /\.failed\.extxyz/) }

/** Path of a source from the folder given on, whose name may tell U. */
def nameUnder(folder, path) { "${folder.name}/${folder.relativize(path)}".toString() }

/** Sources of labelled frames in one place: [extxyz files directly in it whose names tell U, [[name, path] of what is to be imported]].
 *  A file that is given itself is one, whatever its name. */
def sourcesIn(place) {
    def root = pathOf(place)
    def all = filesUnder(place)
    def ready = all.findAll { path -> path.name ==~ /.+\.(u[0-9]+(\.[0-9]+)?|failed)\.extxyz/ && (path == root || path.parent == root) }
    def folders = all.findAll { path -> path.name in ['type.raw', 'data.mdb'] || path.name =~ /-pos-\d+\.xyz$/ }.collect { path -> path.parent }.unique()
    def loose = all.findAll { path -> !(path in ready) && (path == root || isOutput(path.name)) && !folders.any { folder -> path.startsWith(folder) } }
    [ready, (folders + loose).collect { path -> [nameUnder(path == root ? root.parent : root, path), path] }]
}

/** Places of labelled frames: the user's; of the folder of all shipped ones that of this material, if there is one. */
def framePlaces(given, material, needed) {
    def shipped = pathOf("${projectDir}/assets/frames")
    def places = given.collect { place -> pathOf(place) == shipped ? pathOf("${shipped}/${material.baseName}") : pathOf(place) }
        .findAll { place -> place.exists() }
    if (needed && !places) {
        error("haven: error: --frames is missing, and none of ${material.baseName} are shipped: give a folder of labelled frames, or --label true to make them")
    }
    places
}

/** Ends the run where new labels would be published into a folder of given ones: numbers of new structures would change with each resume. */
def refusePublished(places, published) {
    def inside = places.find { place -> realPath(place).startsWith(realPath(published)) }
    if (inside) {
        error("haven: error: --frames ${inside} is where this run puts its own new labels: give another --outdir")
    }
}

/** Sources of labelled frames in all places; ends the run where there are none, or two files of one name. */
def givenFrames(places) {
    def found = places.collect { place -> sourcesIn(place) }
    def files = places.collect { place -> pathOf(place) }.findAll { place -> !place.isDirectory() }
    def given = [ready: found.collectMany { ready, _foreign -> ready }, foreign: found.collectMany { _ready, foreign -> foreign }, named: files]
    if (places && !given.ready && !given.foreign) {
        error("haven: error: --frames ${places.join(',')} holds no labelled frames: give extxyz files, or outputs of VASP, GPAW, Quantum ESPRESSO or CP2K")
    }
    def twice = given.ready.groupBy { path -> path.name }.values().find { same -> same.size() > 1 }
    if (twice) {
        error("haven: error: --frames has ${twice[0].name} twice: rename or leave out ${twice.join(' or ')}")
    }
    given
}
