/** What the outputs of a process hold, as lines for a snapshot: tests/processes/tell.py says them. */
class Told {

    /** Lines of all named outputs; out is nf-test's process.out. */
    static List<String> of(out, projectDir) {
        def given = out.findAll { name, _values -> !("${name}" ==~ /[0-9]+/) }.collectMany { name, values ->
            [values].flatten().findAll { value -> value instanceof CharSequence && "${value}".startsWith('/') }
                .collect { path -> "${name}=${path}".toString() } }
        def command = ['python3', "${projectDir}/tests/processes/tell.py".toString()] + given
        def said = new StringBuilder()
        def problems = new StringBuilder()
        def asked = command.execute()
        asked.waitForProcessOutput(said, problems)
        assert asked.exitValue() == 0 : problems.toString()
        said.toString().readLines()
    }

    /** The files' names alone, where what they hold is tested elsewhere. */
    static List<String> names(out, projectDir) {
        of(out, projectDir).findAll { line -> line ==~ /\w+: .*/ }
    }
}
