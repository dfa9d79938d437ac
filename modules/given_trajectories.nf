// Trajectories that a run is given to analyse.

include { drivingSeeds; ofSeed } from './drivers'
include { plain } from './numbers'
include { filesIn; plainPath } from './paths'

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
