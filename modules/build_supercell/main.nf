// The large disordered cell of the dynamics; one replica of the disorder. A study's first (leads: true) also gives a small cell of every set of occupancies.

process BUILD_SUPERCELL {
    tag "${meta.id}"
    label 'process_low'
    label 'env_run'

    input:
    val meta
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.supercell.extxyz"), emit: supercell
    path "${meta.id}.supercell.{cif,data}", emit: exports
    path "${meta.id}.occupancies.extxyz", emit: occupancies, optional: true
    path "${meta.id}.structures.parquet", emit: tables
    tuple val("${task.process}"), path("${meta.id}.*.{extxyz,cif,data}"), topic: published
    tuple val("${task.process}"), val('software'), eval('tool_versions.py ase numpy'), topic: versions

    script:
    def args = (task.ext.args ?: '') + (meta.leads ? ' --every_set' : '')
    """
    build_supercell.py --material ${material} --replica ${meta.replica} --seed ${meta.seed} ${args}
    """

    stub:
    """
    touch ${meta.id}.supercell.extxyz ${meta.id}.occupancies.extxyz ${meta.id}.supercell.cif ${meta.id}.supercell.data ${meta.id}.structures.parquet
    """
}
