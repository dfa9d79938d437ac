// Radial distributions and coordination numbers of one run.

process ANALYSE_STRUCTURE {
    tag "${[meta.id, meta.source].findAll().join(' ')}"
    label 'process_low'
    label 'process_fan_out'
    label 'env_run'

    input:
    tuple val(meta), path(trajectory)
    path material
    val code

    output:
    path '*.parquet', emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py numpy ase pyarrow'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    analyse_structure.py --material ${material} --trajectory ${trajectory} --u_ev ${meta.u_ev} --temperature_k ${meta.temperature_k} \\
        --replica ${meta.replica} --seed ${meta.seed} --name ${meta.id} --source ${meta.source ?: 'dlmd'} ${args}
    """

    stub:
    """
    touch ${meta.id}${meta.source ? "_${meta.source}" : ''}.rdf.parquet
    """
}
