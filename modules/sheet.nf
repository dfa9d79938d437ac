// A sheet of many materials (--input): a run of this pipeline for each of its rows.

/** Runs the pipeline for every row, and ends this run with an error where one of them ended with one. */
def runSheet(settings) {
    def words = ['python3', "${projectDir}/bin/run_materials.py", '--command_line', workflow.commandLine, '--project', "${workflow.projectName}", '0',
        '--input', settings.input, '--at_once', "${settings.at_once}", '--outdir', settings.outdir].collect { word -> "${word}".toString() }
    def child = new ProcessBuilder(words).inheritIO().start()
    workflow.onError = { child.destroy() } // a signal that ends this run ends those of the rows, too
    if (child.waitFor() != 0) {
        error("haven: error: --input ${settings.input}: not every row has its results; the lines above say why")
    }
}
