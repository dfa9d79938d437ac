// Frames of one run beyond the potentials' training, by the calibrated deviation, to be labelled.

process SELECT_BEYOND {
    tag "${meta.id}"
    label 'process_low'
    label 'process_fan_out'
    label 'env_run'

    input:
    tuple val(meta), path(trajectory)
    path parity, stageAs: 'parity/*' // tables of every potential of the study, or none
    val code

    output:
    path '*.beyond.extxyz', emit: beyond, optional: true
    tuple val("${task.process}"), path('*.beyond.extxyz'), topic: published, optional: true
    tuple val("${task.process}"), val('software'), eval('tool_versions.py ase numpy'), topic: versions

    script:
    def args = (task.ext.args ?: '') + (parity ? " --parity ${parity}" : '')
    """
    select_beyond.py --trajectory ${trajectory} --u_ev ${meta.u_ev} --temperature_k ${meta.temperature_k} --name ${meta.id} ${args}
    """

    stub:
    """
    touch ${meta.id}.beyond.extxyz
    """
}
