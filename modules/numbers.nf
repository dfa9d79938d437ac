// Lists and numbers as a user writes them.

/** A list from `0,4`, `4` or `[0, 4]`; directions such as `[110],[010]` keep their brackets. */
def asList(value) {
    def text = "${value}"
    value instanceof List ? value : (text ==~ /\[[^\[\]]*,[^\[\]]*\]/ ? text[1..-2] : text).split(',', -1).collect { item -> item.trim() }
}

/** A number written as Python writes it, 4 for `4.0`: it names files and joins channels. */
def plain(text) {
    new BigDecimal("${text}".toBigDecimal().stripTrailingZeros().toPlainString())
}

def asNumbers(value) {
    asList(value).collect { item -> "${item}".isNumber() ? plain(item) : item }
}
