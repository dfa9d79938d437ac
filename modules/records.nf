// What is kept of a run beside its results: Nextflow's own record, the versions of its tasks, and the description of all of it.

include { checkpointsOf; filesIn; pathOf; recordsOf } from './paths'

/** Processes under these names are steps on the way, whose files conf/modules.config does not publish. */
def unpublished() { ['BUILD_CELL', 'MINIMISE_CELL', 'RUN_CELL', 'TRAIN_EXPLORER'] }

/** Names of the files that a task put into the results, from what it told to the topic `published`: its process, then paths or lists of paths. */
def publishedNames(told) {
    told[0].tokenize(':')[-1] in unpublished() ? [] : told.drop(1).flatten().collect { path -> path.name }
}

/** The number of a run or launch beside earlier ones: its time in ms, but above theirs also where the clock was set back since. */
def orderAfter(earlier) { ([workflow.start.toInstant().toEpochMilli()] + earlier.collect { number -> number + 1 }).max() }

/** The number that a record of an earlier run has; none of one that is half written, or of an earlier version. */
def orderIn(path) {
    try { new groovy.json.JsonSlurper().parseText(path.text).order as Long }
    catch (Exception _damaged) { null }
}

/** What Nextflow says of this run, and the names of the files it published, as JSON in the results; named by the time it began, as its trace is. */
def recordRun(outdir, settings, published) {
    def began = workflow.start.format(java.time.format.DateTimeFormatter.ofPattern('yyyy-MM-dd_HH-mm-ss'))
    def beside = filesIn(recordsOf(outdir))
    def told = [
        order: orderAfter(beside.findAll { path -> path.name ==~ /run_.*\.json/ }.collect { path -> orderIn(path) }.findAll { number -> number != null }),
        traces: beside.collect { path -> path.name }.findAll { name -> name ==~ /trace_.*\.tsv/ },
        run_name: workflow.runName, session_id: "${workflow.sessionId}", resumed: workflow.resume, start: "${workflow.start}", complete: "${workflow.complete}",
        success: workflow.success, exit_status: workflow.exitStatus, error: workflow.errorMessage,
        command_line: workflow.commandLine, profile: workflow.profile,
        nextflow_version: "${workflow.nextflow.version}", haven_version: "${workflow.manifest.version}", commit: workflow.commitId, revision: workflow.revision,
        script_id: workflow.scriptId, container_engine: workflow.containerEngine, project_dir: "${workflow.projectDir}", launch_dir: "${workflow.launchDir}",
        work_dir: "${workflow.workDir.toUriString()}", stub: workflow.stubRun,
        parameters: settings.collectEntries { name, value -> ["${name}".toString(), value?.toString()] },
        files: published.unique().sort(),
    ]
    def target = recordsOf(outdir).resolve("run_${began}.json")
    target.parent.mkdirs()
    target.text = groovy.json.JsonOutput.prettyPrint(groovy.json.JsonOutput.toJson(told)) + '\n'
    target
}

/** Notes in the work folder that this run began, by which plan, and where its checkpoints are: `./haven status` speaks of the newest. */
def noteLaunch(settings, plan) {
    def folder = file("${workflow.workDir.toUriString()}/launches", glob: false)
    def noted = filesIn(folder).collect { path -> path.name.tokenize('_')[0] }.findAll { number -> number ==~ /\d{1,18}/ }
    def order = orderAfter(noted.collect { number -> number as Long })
    def told = [run_name: workflow.runName, order: order, began_s: workflow.start.toInstant().toEpochMilli() / 1000.0, plan: plan.name,
        records: "${recordsOf(settings.outdir).toAbsolutePath()}", checkpoints: checkpointsOf(settings.checkpoint_dir),
        stamp: workflow.start.format(java.time.format.DateTimeFormatter.ofPattern('yyyy-MM-dd_HH-mm-ss'))]
    folder.mkdirs()
    folder.resolve("${order}_${workflow.runName}.json").text = groovy.json.JsonOutput.toJson(told) + '\n'
}

/** The results described as a Workflow Run Crate, where this machine has Python and its packages; else how to do that later. */
def describeResults(outdir) {
    def folder = pathOf(outdir)
    if (folder.toUriString().startsWith('/')) {
        def made = new ProcessBuilder('python3', "${projectDir}/bin/make_crate.py", "${folder.toAbsolutePath()}").redirectErrorStream(true).start()
        def said = made.inputStream.text
        // what it has to say of files that earlier runs left there
        if (made.waitFor() == 0) { return said.readLines().findAll { line -> line.startsWith('haven:') }.join('\n') }
        return "haven: ${folder}/ro-crate-metadata.json was not written " +
            "(${said.readLines() ? said.readLines()[-1] : 'no message'}): ./haven crate ${folder} writes it"
    }
    "haven: ${folder.toUriString()} is no folder of this machine: copy it to one, and ./haven crate FOLDER describes it"
}
