// Names of new labels beside given ones.

/** Number of the first new structure: `least`, or the next after those whose frames, `<prefix><number>.u4.extxyz`, are given. */
def firstFree(given, prefix, least) {
    def names = (given.ready + given.foreign.collect { _name, path -> path }).collect { path -> path.name }
        .findAll { name -> name ==~ "${prefix}[0-9]{1,9}\\..+" }
    ([least] + names.collect { name -> name.substring(prefix.length()).tokenize('.')[0].toInteger() + 1 }).max()
}
