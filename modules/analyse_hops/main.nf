// Hops of the mobile ions between sites and layers in one run.

process ANALYSE_HOPS {
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
    tuple val("${task.process}"), val('software'), eval('tool_versions.py numpy scipy pyarrow'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    analyse_hops.py --material ${material} --trajectory ${trajectory} --u_ev ${meta.u_ev} --temperature_k ${meta.temperature_k} \\
        --replica ${meta.replica} --seed ${meta.seed} --name ${meta.id} ${args}
    """

    stub:
    """
    touch ${meta.id}.hops.parquet ${meta.id}.interstitial.parquet ${meta.id}.tracks.parquet ${meta.id}.van_hove.parquet
    """
}
