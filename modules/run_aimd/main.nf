// First-principles dynamics of one U and temperature; every step is a labelled frame.

process RUN_AIMD {
    tag "${meta.id}"
    label 'process_long'
    label 'process_fan_out'
    label 'env_label'

    input:
    tuple val(meta), path(start)
    path material
    val code

    output:
    tuple val(meta), path("aimd_*.u${meta.u_ev}.extxyz"), emit: trajectory
    path 'frames/*.extxyz', emit: frames, optional: true
    tuple val("${task.process}"), path("aimd_*.u${meta.u_ev}.extxyz"), topic: published
    tuple val("${task.process}"), path('frames/*.extxyz'), topic: published, optional: true
    tuple val("${task.process}"), val('software'), eval('tool_versions.py gpaw ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    run_aimd.py --material ${material} --start ${start} --u_ev ${meta.u_ev} --temperature_k ${meta.temperature_k} \\
        --replica ${meta.replica} --seed ${meta.seed} ${args}
    """

    stub:
    """
    touch aimd_t${meta.temperature_k}_r${meta.replica}.u${meta.u_ev}.extxyz
    """
}
