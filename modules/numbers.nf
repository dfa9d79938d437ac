// Lists and numbers as a user writes them.

/** A list from `0,4`, `4` or `[0, 4]`; directions such as `[1,-1,0],[010]` keep their brackets, as in haven.core.options. */
def asList(value, rule = [:]) {
    if (value instanceof List) { return value }
    def text = "${value}".toString().trim()
    def dense = text.replace(' ', '')
    def item = rule['items'] ?: [:]
    if (item['pattern'] && !item['format'] && dense ==~ item['pattern']) { return [dense] }
    if (dense ==~ /\[[^\[\]]*\](,\[[^\[\]]*\])+/) { return dense.findAll(/\[[^\[\]]*\]/) }
    (text ==~ /\[[^\[\]]*,[^\[\]]*\]/ ? text[1..-2] : text).split(',', -1).collect { part -> part.trim() }
}

/** A number written as Python writes it, 4 for `4.0`: it names files and joins channels. */
def plain(text) {
    new BigDecimal("${text}".toBigDecimal().stripTrailingZeros().toPlainString())
}

def asNumbers(value) {
    asList(value).collect { item -> "${item}".isNumber() ? plain(item) : item }
}
