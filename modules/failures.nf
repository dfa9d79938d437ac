// Failures in plain words: an image that is not there before the run, the cause after it.

/** Ends the run when an image file that the profiles apptainer and singularity need is not there. */
def checkImages(settings, profiles) {
    def folder = settings.image_folder
    def labels = settings.label || settings.aimd || settings.relax_first_principles || settings.rounds > 0
    def chosen = profiles.tokenize(',')
    def devices = settings.backend == 'pytorch' ? ['pytorch'] : chosen.contains('gpu') ? ['cpu', 'gpu'] : ['cpu']
    def files = chosen.any { profile -> profile in ['apptainer', 'singularity'] }
    def names = files ? devices.collect { device -> "haven-${device}".toString() } + (labels ? ['gpaw'] : []) : []
    def missing = names.findAll { name -> !file("${folder}/${name}.sif").exists() }
    if (missing) {
        error("haven: error: ${folder} has no ${missing.collect { name -> name + '.sif' }.join(', ')}: " +
            "make it with containers/build.sh ${missing.collect { name -> name - 'haven-' }.join(' ')}, or name the folder in --image_folder")
    }
}

/** One line that says why a run ended: the script's own, or the scheduler's with what to do; nothing if neither said any. */
def plainCause(report) {
    def lines = report.readLines().collect { line -> line.trim() }
    def refused = lines.findAll { line -> line.startsWith('sbatch: error:') }.collect { line -> line - 'sbatch: error:' }
    def slurm = refused ? "haven: error: SLURM took no task,${refused[0]}: check --slurm_queue, --slurm_gpu_queue, --slurm_gres, " +
        "--slurm_account against what sinfo lists" : null
    lines.find { line -> line.contains('haven: error:') } ?: slurm
}
