// The note in a results folder that a run puts its files there, while it does: a second run beside it is refused.

include { pathOf; recordsOf } from './paths'

/** This run as its results name it while it goes on: when its process began tells it from a later one that was given the same number. */
def thisRun() {
    def host = ''
    try { host = java.net.InetAddress.getLocalHost().hostName }
    catch (Exception _unnamed) { host = '' }
    def start = workflow.start.truncatedTo(java.time.temporal.ChronoUnit.SECONDS)
    def handle = ProcessHandle.current()
    [run_name: "${workflow.runName}".toString(), start: "${start}".toString(), host: host, process: handle.pid(),
        began_ms: handle.info().startInstant().map { at -> at.toEpochMilli() }.orElse(0L)]
}

/** The run that noted itself in a file; none where there is no such file, or it is half written. */
def runIn(note) {
    try {
        def told = new groovy.json.JsonSlurper().parseText(note.text)
        [run_name: "${told.run_name}".toString(), start: "${told.start}".toString(), host: "${told.host}".toString(), process: told.process as Long,
            began_ms: told.began_ms as Long]
    }
    catch (Exception _damaged) { null }
}

/** Whether the process of a run of this machine is there; one that was killed, and whose parent has not asked how it ended, has no command any more. */
def stillThere(run) {
    def info = ProcessHandle.of(run.process).map { handle -> handle.info() }.orElse(null)
    info != null && (info.command().isPresent() || info.commandLine().isPresent()) &&
        info.startInstant().map { at -> Math.abs(at.toEpochMilli() - run.began_ms) < 5000 }.orElse(false)
}

/** Writes the note of a run into the results, and says whether it did: not where one is there and it shall be the first. */
def wroteNote(outdir, run, first) {
    def note = recordsOf(outdir).resolve('running.json')
    try {
        note.parent.mkdirs()
        def bytes = "${groovy.json.JsonOutput.toJson(run)}\n".toString().bytes
        first ? java.nio.file.Files.write(note, bytes, java.nio.file.StandardOpenOption.CREATE_NEW) : java.nio.file.Files.write(note, bytes)
        return true
    }
    catch (java.nio.file.FileAlreadyExistsException _there) {
        return false
    }
    catch (Exception _refused) {
        error("haven: error: --outdir ${outdir} ${pathOf(outdir).isFile() ? 'is a file' : 'can not be written'}: " +
            "give a folder, there or to be made, where you may write and the disk has room")
    }
}

/** Notes in the results that this run puts its files there; ends it where another one of this machine does, or where no file can be put there. */
def claimResults(outdir) {
    def mine = thisRun()
    if (wroteNote(outdir, mine, true)) { return }
    def other = runIn(recordsOf(outdir).resolve('running.json'))
    def told = other ? "run ${other.run_name} (process ${other.process} of ${other.host}, begun ${other.start})" : ''
    if (other && other.host == mine.host && stillThere(other)) {
        if (workflow.preview) { return } // puts no results there
        error("haven: error: --outdir ${outdir} is in use by ${told}: let it end, or give another --outdir")
    }
    if (other && other.host != mine.host) { // whether it was killed can't be seen from here
        System.err.println("haven: --outdir ${outdir} was left in use by ${told}: if that still goes on, end one of the two, whose files would mix")
    }
    wroteNote(outdir, mine, false)
}

/** Takes this run's own note away again. */
def releaseResults(outdir) {
    def note = recordsOf(outdir).resolve('running.json')
    if (runIn(note) == thisRun()) { note.delete() }
}
