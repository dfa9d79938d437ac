// Labelled frames of one U, audited and split by trajectory into training and test systems.

process BUILD_DATASET {
    tag "${meta.id}"
    label 'process_low'
    label 'env_run'

    input:
    val meta
    path frames, stageAs: 'frames/*'
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.dataset"), emit: dataset
    path "${meta.id}.labels.parquet", emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    build_dataset.py --material ${material} --frames frames --u_ev ${meta.u_ev} --seed ${meta.seed} ${args}
    """

    stub:
    """
    mkdir ${meta.id}.dataset
    touch ${meta.id}.dataset/dataset.json ${meta.id}.labels.parquet
    """
}
