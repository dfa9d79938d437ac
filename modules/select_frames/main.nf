// Of all candidates of a learning round, those unlike the labelled frames and unlike one another.

process SELECT_FRAMES {
    tag "round ${round}"
    label 'process_low'
    label 'env_run'

    input:
    val round
    path candidates
    path known, stageAs: 'known/*'
    path material
    val code

    output:
    path 'structures/*.extxyz', emit: structures, optional: true
    path "x${round}.selection.parquet", emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py ase numpy scipy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    select_frames.py --material ${material} --candidates ${candidates} --known known/* --round ${round} ${args}
    """

    stub:
    """
    mkdir structures
    touch "structures/\$(head -qn 1 ${candidates} | head -n 1).extxyz" x${round}.selection.parquet
    """
}
