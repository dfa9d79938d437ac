// Which members of an ensemble drive dynamics, and how that shows in a run's name.

/** End of a run's name: its seed, unless it is driven by the first potential of its U. */
def ofSeed(seed, first) {
    seed == first ? '' : "_s${seed}"
}

/** U to the seeds of the potentials that drive, ascending, from given trajectories or potentials. */
def drivingSeeds(given) {
    given.groupBy { one -> "${one[0].u_ev}".toString() }.collectEntries { u_ev, some -> [u_ev, some.collect { one -> one[0].seed }.unique().sort()] }
}

/** The same for potentials, of which only the first `count` of each U drive; ends the run where there are fewer. */
def chosenDrivers(count, u_evs, given, seeds) {
    def known = given ? drivingSeeds(given) : u_evs.collectEntries { u_ev -> ["${u_ev}".toString(), seeds] }
    def few = known.find { _u_ev, own -> own.size() < count }
    if (few) {
        error("haven: error: --driving_potentials is ${count}, but U = ${few.key} eV has ${few.value.size()} " +
            "potential${few.value.size() > 1 ? 's' : ''}: ${given ? 'put more into --models' : 'raise --ensemble'}")
    }
    known.collectEntries { u_ev, own -> [u_ev, own.take(count)] }
}
