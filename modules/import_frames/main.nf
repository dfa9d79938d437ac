// Outputs of other programs as checked extxyz files, one for each U; refused by file and frame where they are wrong.

process IMPORT_FRAMES {
    tag "${states.size()} ${states.size() == 1 ? 'source' : 'sources'}"
    label 'process_low'
    label 'env_run'

    input:
    // names: the sources' own, a JSON list in their order; states: digests of what they hold
    tuple path(names), path(sources, stageAs: 'given/?/*'), val(states)
    path material
    val code

    output:
    path 'frames/*.extxyz', emit: frames, optional: true
    tuple val("${task.process}"), path('frames/*.extxyz'), topic: published, optional: true
    tuple val("${task.process}"), val('software'), eval('tool_versions.py ase dpdata numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    import_frames.py --material ${material} --names ${names} --given given ${args}
    """

    stub:
    """
    mkdir frames
    touch frames/given.u4.extxyz
    """
}
