// First-principles runs: those that are there and those to be made.

include { plain } from './numbers'
include { filesIn; plainPath } from './paths'

/** First-principles trajectories there are, `<name>_t<T>_r<replica>.u<U>.extxyz`: the user's, or the shipped ones of this material. */
def givenAimd(folder, material, u_evs, seed) {
    filesIn(folder ?: "${projectDir}/assets/aimd/${material.baseName}").collect { path -> [path, path.name =~ /_t([0-9.]+)_r([0-9]+)\.u([0-9.]+)\.extxyz\z/] }
        .findAll { _path, name -> name.find() }
        .collect { path, name -> [plain(name.group(3)), plain(name.group(1)), name.group(2), path] }
        .findAll { u_ev, _temperature_k, _replica, _path -> u_ev in u_evs }
        .collect { u_ev, temperature_k, replica, path -> [aimdRun(u_ev, temperature_k, replica, seed) + [production_ps: tenfold(lengthOf(path.text))],
            plainPath(path)] }
}

/** Cells relaxed from first principles that there are, `relaxed_<name>.u<U>.extxyz`, each with its U: the user's, or the shipped ones of this material. */
def givenRelaxed(folder, material, u_evs) {
    filesIn(folder ?: "${projectDir}/assets/cells/${material.baseName}").collect { path -> [path, path.name =~ /^relaxed_[\s\S]*\.u([0-9.]+)\.extxyz\z/] }
        .findAll { _path, name -> name.find() }
        .collect { path, name -> [plain(name.group(1)), plainPath(path)] }
        .findAll { u_ev, _path -> u_ev in u_evs }
}

/** Picoseconds of a trajectory's text; 1 where it does not say its time step. */
def lengthOf(text) {
    def step = text.find(/timestep_fs=([0-9.]+)/) { _all, number -> number }
    step ? step.toBigDecimal() * (text.count('Lattice=') - 1) / 1000 : 1.0
}

/** Length of the potential's run beside a first-principles one; at least a few frames. */
def tenfold(length_ps) {
    [10 * length_ps, 0.2].max()
}

def aimdRun(u_ev, temperature_k, replica, seed) {
    [id: "u${u_ev}_t${temperature_k}_r${replica}", u_ev: u_ev, temperature_k: temperature_k, replica: replica, seed: seed]
}

/** First-principles runs to be made. */
def wantedAimd(wanted, u_evs, temperature_k, length_ps, seed) {
    def unknown = wanted - u_evs
    if (unknown) {
        error("haven: error: --aimd_u_ev has ${unknown.join(', ')} eV, which --u_ev (${u_evs.join(', ')}) lacks: the run's own potential prepares the start")
    }
    u_evs.findAll { u_ev -> u_ev in wanted }.collect { u_ev -> aimdRun(u_ev, temperature_k, 0, seed) + [production_ps: tenfold(length_ps)] }
}
