// One deep potential: trained, frozen, compressed.

process TRAIN_POTENTIAL {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'
    label 'env_run'

    input:
    tuple val(meta), path(dataset)
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.pb"), emit: potential
    path "${meta.id}.potential.json", emit: provenance
    path "${meta.id}.learning_curve.parquet", emit: tables
    tuple val("${task.process}"), val('python'), eval('python3 --version | cut -d" " -f2'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    train_potential.py --material ${material} --dataset ${dataset} --u_ev ${meta.u_ev} --seed ${meta.seed} ${args}
    """

    stub:
    """
    touch ${meta.id}.pb ${meta.id}.potential.json ${meta.id}.learning_curve.parquet
    """
}
