// One report beside the published values, and every table joined over runs.

process RENDER_REPORT {
    tag "${meta.id}"
    label 'process_low'
    label 'env_run'

    input:
    val meta
    path tables, stageAs: 'parts/*'
    path earlier, stageAs: 'earlier/*'
    path reference, stageAs: 'reference/*'
    path template
    path page, stageAs: 'page/*'
    path expected
    path cells
    val code

    output:
    path 'report.html', emit: report
    path 'summary.txt', emit: summary
    path 'tables/*.{parquet,tex}', emit: tables
    path 'figures', emit: figures
    path 'parameters.json', emit: parameters
    tuple val("${task.process}"), path('report.html'), path('tables'), topic: published // a folder is put in place whole: no table of another run stays
    tuple val("${task.process}"), val('software'), eval('tool_versions.py numpy pandas pyarrow matplotlib jinja2'), topic: versions

    script:
    def args = (task.ext.args ?: '') + (earlier ? ' --earlier earlier' : '')
    def drawn = cells ? "--structures ${cells}" : ''
    """
    render_report.py --tables parts --reference reference --template ${template} --expected ${expected} ${drawn} ${args} > summary.txt
    """

    stub:
    """
    mkdir tables figures
    touch report.html summary.txt tables/verdicts.parquet
    cp ${expected} parameters.json
    """
}
