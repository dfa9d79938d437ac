// Mean-square displacements, diffusion, Haven ratio and conductivity of one run, with intervals; and its modes, for joining runs.

process ANALYSE_TRANSPORT {
    tag "${meta.id}"
    label 'process_low'
    label 'process_fan_out'
    label 'env_run'

    input:
    tuple val(meta), path(trajectory)
    path material
    val code

    output:
    path '*.parquet', emit: tables
    path '*.modes.npz', emit: modes
    tuple val("${task.process}"), path("${meta.id}.modes.npz"), topic: published
    tuple val("${task.process}"), val('software'), eval('tool_versions.py numpy scipy pyarrow'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    analyse_transport.py --material ${material} --trajectory ${trajectory} --u_ev ${meta.u_ev} --temperature_k ${meta.temperature_k} \\
        --replica ${meta.replica} --seed ${meta.seed} --name ${meta.id} --no-pictures ${args}
    """

    stub:
    """
    touch ${meta.id}.msd.parquet ${meta.id}.diffusion.parquet ${meta.id}.conductivity.parquet ${meta.id}.modes.npz
    """
}
