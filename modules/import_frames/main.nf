// Outputs of other programs as checked extxyz files, one for each U; refused by file and frame where they are wrong.

process IMPORT_FRAMES {
    tag "${names[0]}"
    label 'process_low'
    label 'env_run'

    input:
    tuple val(names), path(sources, stageAs: 'given/?/*'), val(states) // states: digests of what the sources hold
    path material
    val code

    output:
    path 'frames/*.extxyz', emit: frames, optional: true
    tuple val("${task.process}"), val('python'), eval('python3 --version | cut -d" " -f2'), topic: versions

    script:
    def named = [names, sources instanceof List ? sources : [sources]].transpose().collect { name, source -> "'${name}=${source}'" }.join(' ')
    def args = task.ext.args ?: ''
    """
    import_frames.py --material ${material} ${args} ${named}
    """

    stub:
    """
    mkdir frames
    touch frames/given.u4.extxyz
    """
}
