// Small disordered cells, displaced and strained, for labelling.

process BUILD_STRUCTURES {
    tag "${meta.id}"
    label 'process_low'
    label 'env_run'

    input:
    val meta // map: id, seed, first
    path material
    val code

    output:
    path 'structures/*.extxyz', emit: structures
    path '*.structures.parquet', emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    build_structures.py --material ${material} --seed ${meta.seed} --first ${meta.first} ${args}
    """

    stub:
    """
    mkdir structures
    touch structures/s${meta.seed}_${"${meta.first}".padLeft(3, '0')}.extxyz cells.structures.parquet
    """
}
