// Weights of an equivariant potential, frozen for the kind of machine that the dynamics will run on.

process COMPILE_POTENTIAL {
    tag "${meta.id}"
    label 'process_low'
    label 'process_gpu'
    label 'env_run'

    input:
    tuple val(meta), path(weights)
    val code

    output:
    tuple val(meta), path("${meta.id}.pt2"), emit: potential
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit torch'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    compile_potential.py --weights ${weights} --name ${meta.id} ${args}
    """

    stub:
    """
    touch ${meta.id}.pt2
    """
}
