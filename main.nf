#!/usr/bin/env nextflow
// Haven: from first-principles labels to ionic conductivity, with error bars all the way.

include { checkImages; plainCause } from './modules/failures'
include { checkParameters } from './modules/parameters'
include { helpText } from './modules/schema'
include { claimResults; releaseResults } from './modules/in_use'
include { recordsOf } from './modules/paths'
include { planOf } from './modules/plan'
include { describeResults; noteLaunch; publishedNames; recordRun } from './modules/records'
include { runSheet } from './modules/sheet'
include { STUDY  } from './modules/study'
include { typedParameters } from './modules/typed_parameters'

workflow {
    if ("${params.help}".toBoolean()) {
        println(helpText(params))
        return
    }
    // Parameters, checked all at once, become one map of typed values; files and folders given make the plan of the run.
    checkParameters(params, workflow.commandLine, args)
    def settings = typedParameters(params)
    if (settings.input) {
        runSheet(settings)
        return
    }
    checkImages(settings, workflow.profile)

    def plan = planOf(settings)
    claimResults(settings.outdir)
    noteLaunch(settings, plan.expected)
    STUDY(plan)
    STUDY.out.summary.subscribe { path -> println(path.text) }
    channel.topic('versions').flatMap { process, _software, said -> // said: what bin/tool_versions.py prints, `python 3.11.2; ase 3.26.0`
        said.tokenize(';').collect { tool -> "${process.tokenize(':')[-1]}\t${tool.trim().replace(' ', '\t')}" } }.unique()
        .collectFile(name: 'versions.tsv', storeDir: recordsOf(settings.outdir), newLine: true, sort: true, seed: 'process\ttool\tversion')
    // Names of the files that this run puts into the results, where those of earlier runs may lie beside them.
    def published = []
    channel.topic('published').subscribe { told -> published.addAll(publishedNames(told)) }

    workflow.onComplete = {
        releaseResults(settings.outdir)
        def cause = plainCause("${workflow.errorReport ?: workflow.errorMessage ?: ''}")
        recordRun(settings.outdir, settings, published)
        def said = 'report.html' in published ? describeResults(settings.outdir) : null
        if (said) {
            System.err.println(said)
        }
        if (workflow.success) {
            println("Report: ${file(settings.outdir, glob: false).toAbsolutePath()}/report.html")
        }
        else if (cause) {
            System.err.println("\n${cause}")
        }
    }
}
