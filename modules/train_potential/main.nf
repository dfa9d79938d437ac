// One deep potential: trained, frozen, compressed.

process TRAIN_POTENTIAL {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    label 'env_run'

    input:
    tuple val(meta), path(dataset)
    path start, stageAs: 'start/*' // potentials whose weights to start from, or none
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.{pb,pth,pt2,hlo}"), emit: potential
    tuple val(meta), path("${meta.id}.potential.json"), emit: provenance
    tuple val(meta), path("*${meta.id}.{pb,pth,pt2,hlo}"), emit: timed // with and without compression
    tuple val(meta), path("${meta.id}.pt"), emit: weights, optional: true
    path "${meta.id}.learning_curve.parquet", emit: tables
    tuple val("${task.process}"), path("*${meta.id}.{pb,pth,pt,pt2,hlo}"), path("${meta.id}.potential.json"), topic: published
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit tensorflow tensorflow-cpu torch jax numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    train_potential.py --material ${material} --dataset ${dataset} --u_ev ${meta.u_ev} --seed ${meta.seed} ${start ? '--init_models start' : ''} ${args}
    """

    stub:
    """
    touch ${meta.id}.pb uncompressed_${meta.id}.pb ${meta.id}.potential.json ${meta.id}.learning_curve.parquet
    """
}
