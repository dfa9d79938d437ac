// Names that are no parameters, and what was probably meant by them.

/** Single-letter changes that make one word of another (Levenshtein's distance). */
def changesBetween(one, other) {
    def last = (0..other.size()).toList()
    one.toList().eachWithIndex { letter, row ->
        def next = [row + 1]
        other.toList().eachWithIndex { mark, column ->
            next << [next[column] + 1, last[column + 1] + 1, last[column] + (letter == mark ? 0 : 1)].min()
        }
        last = next
    }
    last[-1]
}

/** What to do about a name that is no parameter: the one that was probably meant, or the list. */
def unknownName(name, known) {
    def near = known.collect { other -> [changesBetween(name.toLowerCase(), other.toLowerCase()), other] }.min { pair -> pair[0] }
    def meant = known.findAll { other -> name.size() > 3 && other.startsWith(name) }
    def hint = near[0] <= [2, name.size().intdiv(4)].max() ? [near[1]] : meant.take(3)
    "--${name} is no parameter: ${hint ? 'did you mean --' + hint.join(' or --') + '?' : '--help lists them'}"
}
