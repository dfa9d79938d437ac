// Published values that the report puts beside Haven's: assets/reference, or a folder of the user's own.

include { filesIn; plainPath } from './paths'

/** Tables of a folder of published values; ends the run where it has none, or none that says which works they are from. */
def publishedTables(folder) {
    def tables = filesIn(folder).findAll { path -> path.name.endsWith('.csv') }
    def values = tables.findAll { path -> !(path.name in ['citations.csv', 'others.csv', 'studies.csv']) }
    if (!values || !('citations.csv' in tables*.name)) {
        def lacking = values ? 'citations.csv, which names the works that values are from' : 'table of values (.csv)'
        error("haven: error: --reference ${folder} has no ${lacking}: " +
            "copy ${projectDir}/assets/reference and add yours (README.md there tells the columns)")
    }
    tables.collect { path -> plainPath(path) }
}
