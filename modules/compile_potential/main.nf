// A given potential made ready: weights are frozen for the kind of machine that the dynamics will run on, a frozen one is compressed.

process COMPILE_POTENTIAL {
    tag "${meta.id}"
    label 'process_low'
    label 'process_gpu'
    label 'env_run'

    input:
    tuple val(meta), path(given, stageAs: 'given/*')
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.{pb,pth,pt2}"), emit: potential
    tuple val(meta), path("*${meta.id}.{pb,pth,pt2}"), emit: timed // with and without compression
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit tensorflow tensorflow-cpu torch'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    compile_potential.py --potential ${given} --material ${material} --name ${meta.id} ${args}
    """

    stub:
    """
    touch ${meta.id}.${given.extension == 'pt' ? 'pt2' : given.extension}
    """
}
