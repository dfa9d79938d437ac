// Activation energies and conductivity at 298 K from all runs.

process FIT_ARRHENIUS {
    tag "${meta.id}"
    label 'process_low'
    label 'env_run'

    input:
    val meta
    path tables, stageAs: 'tables/*'
    path earlier, stageAs: 'earlier/*'
    val code

    output:
    path '*.parquet', emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py numpy scipy pyarrow'), topic: versions

    script:
    def args = (task.ext.args ?: '') + (earlier ? ' --earlier earlier' : '')
    """
    fit_arrhenius.py --tables tables ${args}
    """

    stub:
    """
    touch arrhenius.parquet
    """
}
