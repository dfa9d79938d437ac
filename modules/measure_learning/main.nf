// Error on held-out trajectories against the share of the data set that is trained on.

process MEASURE_LEARNING {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    label 'env_run'

    input:
    tuple val(meta), path(dataset), path(potential)
    path material
    val code

    output:
    path "${meta.id}.data_curve.parquet", emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit tensorflow tensorflow-cpu torch jax numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    measure_learning.py --material ${material} --dataset ${dataset} --potential ${potential} --u_ev ${meta.u_ev} --seed ${meta.seed} ${args}
    """

    stub:
    """
    touch ${meta.id}.data_curve.parquet
    """
}
