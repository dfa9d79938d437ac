// First-principles energy, forces, stress and moments of the frames of one starting structure, for each U.

process LABEL_FRAMES {
    tag "${structure.baseName} u${u_evs.join('/')}"
    label 'process_medium'
    label 'process_fan_out'
    label 'env_label'

    input:
    path structure
    val u_evs
    path material
    val code

    output:
    path 'frames/*.extxyz', emit: frames // one file a U, and one of the frames that did not converge
    tuple val("${task.process}"), path('frames/*.extxyz'), topic: published
    tuple val("${task.process}"), val('software'), eval('tool_versions.py gpaw ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    label_frames.py --material ${material} --structure ${structure} --u_ev ${u_evs.join(',')} ${args}
    """

    stub:
    """
    mkdir frames
    touch ${u_evs.collect { u_ev -> "frames/${structure.baseName}.u${u_ev}.extxyz" }.join(' ')}
    """
}
