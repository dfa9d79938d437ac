// One conventional cell relaxed from first principles at one U; every step is a labelled frame.

process RELAX_FIRST_PRINCIPLES {
    tag "${meta.id}"
    label 'process_long'
    label 'process_fan_out'
    label 'env_label'

    input:
    tuple val(meta), path(start)
    path material
    val code

    output:
    tuple val(meta), path("relaxed_*.u${meta.u_ev}.extxyz"), emit: steps
    path '*.parquet', emit: tables
    tuple val("${task.process}"), path("relaxed_*.u${meta.u_ev}.extxyz"), topic: published
    tuple val("${task.process}"), val('software'), eval('tool_versions.py gpaw ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    relax_first_principles.py --material ${material} --start ${start} --u_ev ${meta.u_ev} --seed ${meta.seed} ${args}
    """

    stub:
    """
    touch relaxed_default_s1.u${meta.u_ev}.extxyz u${meta.u_ev}_cell.lattice.parquet
    """
}
