// Potentials that a run is given: to use instead of training, or to start trainings from.

include { plain } from './numbers'
include { filesIn; pathOf; plainPath } from './paths'

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

/** Potentials to start trainings from, `u4_s1.pb`; ends the run where the folder has none. */
def startsOf(folder) {
    def named = /(uncompressed_)?u[0-9.]+_s[0-9]+\.(pb|pth|pt)/
    def found = folder ? filesIn(folder).findAll { path -> path.name ==~ named }.collect { path -> plainPath(path) } : []
    if (folder && !found) {
        error("haven: error: --init_models ${folder} has no potential: name them u4_s1.pb, or weights u4_s1.pt")
    }
    found
}
