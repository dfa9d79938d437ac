// What a run is given beside parameters: potentials, trajectories; what it should compute.

include { drivingSeeds; ofSeed } from './drivers'
include { plain } from './numbers'
include { filesIn; pathOf; plainPath; writtenOnce } from './paths'

/** Folder of potentials to use instead of training: the user's own or the shipped ones. */
def modelsFolder(given, pretrained) {
    if (given && pretrained) {
        error("haven: error: --models ${given} and --pretrained are both given: choose one")
    }
    pretrained ? "${projectDir}/assets/models" : given
}

/** The user's own potentials, `u<U>_s<seed>.pb` (any ending of a family; .pt is compiled first), for the U values of this run. */
def givenPotentials(folder, u_evs) {
    if (!folder) { return [] }
    def found = filesIn(folder).collect { path -> [path, path.name =~ /^u([0-9.]+)_s([0-9]+)\.(pb|pth|pt2|hlo|savedmodel|dp|pair|pt)\z/] }
        .findAll { _path, name -> name.find() }
        .collect { path, name -> [
            [id: "u${plain(name.group(1))}_s${name.group(2)}", u_ev: plain(name.group(1)), seed: name.group(2).toInteger()], plainPath(path),
            [pathOf("${folder}/${path.baseName}.potential.json")].findAll { about -> about.exists() }.collect { about -> plainPath(about) }] }
    def missing = u_evs - found.collect { meta, _path, _about -> meta.u_ev }
    if (missing) {
        error("haven: error: --models ${folder} has no potential for U = ${missing.join(', ')} eV: name them u4_s1.pb")
    }
    // weights compiled elsewhere may not run here: where both are there, the weights are taken
    def weights = found.findAll { _meta, path, _about -> path.extension == 'pt' }.collect { meta, _path, _about -> meta.id }
    def taken = found.findAll { meta, path, _about -> meta.u_ev in u_evs && !(path.extension == 'pt2' && meta.id in weights) }
    def twice = taken.groupBy { meta, _path, _about -> meta.id }.values().find { same -> same.size() > 1 }
    if (twice) {
        error("haven: error: --models ${folder} has one potential twice: ${twice.collect { _meta, path, _about -> path.name }.sort().join(' and ')}")
    }
    taken
}

/** The user's own trajectories, `u<U>_t<T>_r<replica>.trajectory.npz`; `_s<seed>` before the dot names the potential that drove. */
def givenTrajectories(folder, seed) {
    if (!folder) { return [] }
    def found = filesIn(folder).collect { path -> [path, path.name =~ /^u([0-9.]+)_t([0-9.]+)_r([0-9]+)(_s([0-9]+))?\.trajectory\.npz\z/] }
        .findAll { _path, name -> name.find() }
        .collect { path, name -> [[u_ev: plain(name.group(1)), temperature_k: plain(name.group(2)), replica: name.group(3).toInteger(),
            seed: name.group(5) ? name.group(5).toInteger() : seed], plainPath(path)] }
    if (!found) {
        error("haven: error: --trajectories ${folder} has no trajectory: name them u4_t298_r0.trajectory.npz")
    }
    def first = drivingSeeds(found)
    def named = found.collect { meta, path ->
        def end = ofSeed(meta.seed, first["${meta.u_ev}".toString()][0])
        [meta + [id: "u${meta.u_ev}_t${meta.temperature_k}_r${meta.replica}${end}"], path]
    }
    def twice = named.groupBy { meta, _path -> meta.id }.values().find { same -> same.size() > 1 }
    if (twice) {
        error("haven: error: --trajectories ${folder} has one run twice: ${twice.collect { _meta, path -> path.name }.join(' and ')}")
    }
    named
}

/** A file that says what should be computed, so that the report can name what is missing. */
def expectedRuns(given, u_evs, temperatures_k, replicas, seeds, drivers) {
    def text = groovy.json.JsonOutput.prettyPrint(groovy.json.JsonOutput.toJson([u_ev: u_evs, temperature_k: temperatures_k,
        replica: replicas.collect { cell -> cell.replica }, seed: seeds, drivers: drivers,
        parameters: given.collectEntries { name, value -> ["${name}".toString(), value?.toString()] }]))
    writtenOnce('expected', text)
}
