// Errors of a potential on its training frames, on held-out trajectories, and along given first-principles dynamics.

process TEST_POTENTIAL {
    tag "${meta.id}"
    label 'process_low'
    label 'env_run'

    input:
    tuple val(meta), path(dataset), path(potential), path(about), path(aimd) // about: its potential.json, or none; aimd: trajectories of its U
    path material
    val code

    output:
    path '*.parquet', emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit tensorflow tensorflow-cpu torch jax numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    test_potential.py --material ${material} --dataset ${dataset} --potential ${potential} --u_ev ${meta.u_ev} --seed ${meta.seed} \\
        ${about ? "--about ${about}" : ''} ${aimd ? "--aimd ${aimd}" : ''} ${args}
    """

    stub:
    """
    touch ${meta.id}.accuracy.parquet ${meta.id}.parity.parquet ${meta.id}.verdicts.parquet
    """
}
