// What identifies the code of each process.

include { filesIn } from './paths'

/** Script to the folders of bin/haven whose modules it imports, itself or through others. `python tests/python/imports.py digests` writes it. */
def foldersOf() {
    [
        analyse_hops          : ['core', 'core/reading', 'material', 'material/sites', 'trajectory', 'trajectory/container', 'trajectory/readers', 'mechanism'],
        analyse_run           : ['core', 'core/reading', 'material', 'material/sites', 'trajectory', 'trajectory/container', 'trajectory/readers', 'transport',
                                 'transport/command', 'transport/estimators', 'transport/fits', 'mechanism'],
        analyse_structure     : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'mechanism'],
        analyse_transport     : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'transport',
                                 'transport/command', 'transport/estimators', 'transport/fits'],
        anneal                : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs', 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics',
                                 'dynamics/annealing', 'dynamics/lammps', 'dynamics/runs'],
        build_dataset         : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs', 'potential'],
        build_structures      : ['core', 'core/reading', 'material'],
        build_supercell       : ['core', 'core/reading', 'material'],
        clean_work            : ['core', 'core/nextflow', 'potential', 'dynamics/progress'],
        compare_studies       : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'labels', 'labels/engines', 'labels/frames',
                                 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics', 'dynamics/lammps', 'dynamics/runs', 'cost',
                                 'transport', 'transport/fits', 'mechanism', 'report', 'report/claims', 'report/figures', 'report/numbers', 'report/page',
                                 'report/page/grids', 'report/several'],
        compile_potential     : ['core', 'core/reading', 'material', 'potential', 'potential/families', 'potential/families/deepmd'],
        equilibrate_cell      : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs', 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics',
                                 'dynamics/lammps', 'dynamics/runs'],
        explore               : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs', 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics',
                                 'dynamics/lammps', 'dynamics/runs'],
        export_trajectory     : ['core', 'trajectory', 'trajectory/container'],
        find_barriers         : ['core', 'core/reading', 'material', 'material/sites', 'potential', 'potential/families', 'potential/families/deepmd',
                                 'mechanism'],
        fit_arrhenius         : ['core', 'trajectory', 'trajectory/container', 'dynamics', 'transport', 'transport/estimators', 'transport/fits'],
        import_frames         : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs'],
        label_frames          : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs'],
        make_crate            : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'labels', 'labels/engines', 'labels/frames',
                                 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics', 'cost', 'transport', 'transport/fits', 'mechanism',
                                 'report', 'report/numbers', 'report/page', 'report/publishing'],
        make_material         : ['core', 'core/reading', 'material', 'material/cif'],
        measure_cost          : ['core', 'core/reading', 'material', 'labels', 'labels/engines', 'labels/frames', 'potential', 'potential/families',
                                 'potential/families/deepmd', 'dynamics/lammps', 'cost'],
        measure_learning      : ['core', 'core/reading', 'material', 'labels', 'labels/engines', 'labels/frames', 'potential', 'potential/families',
                                 'potential/families/deepmd'],
        minimise              : ['core', 'core/reading', 'material', 'labels', 'labels/engines', 'labels/frames', 'potential', 'potential/families',
                                 'potential/families/deepmd', 'dynamics', 'dynamics/lammps'],
        publish_results       : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'labels', 'labels/engines', 'labels/frames',
                                 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics', 'cost', 'transport', 'transport/fits', 'mechanism',
                                 'report', 'report/numbers', 'report/page', 'report/publishing'],
        relax_cell            : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs', 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics',
                                 'dynamics/annealing', 'dynamics/lammps', 'dynamics/runs'],
        relax_first_principles: ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs'],
        render_report         : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'labels', 'labels/engines', 'labels/frames',
                                 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics', 'dynamics/lammps', 'dynamics/runs', 'cost',
                                 'transport', 'transport/fits', 'mechanism', 'report', 'report/claims', 'report/figures', 'report/numbers', 'report/page',
                                 'report/page/grids'],
        run_aimd              : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs'],
        run_dynamics          : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs', 'potential', 'potential/families', 'potential/families/deepmd', 'dynamics',
                                 'dynamics/lammps', 'dynamics/runs'],
        run_materials         : ['core', 'core/reading', 'material', 'report/several'],
        select_beyond         : ['core', 'core/reading', 'material', 'trajectory', 'trajectory/container', 'trajectory/readers', 'labels', 'labels/engines',
                                 'labels/frames', 'labels/programs', 'potential', 'dynamics'],
        select_frames         : ['core', 'core/reading', 'material', 'labels', 'labels/engines', 'labels/frames', 'potential'],
        show_parameters       : ['core', 'core/nextflow'],
        show_status           : ['core', 'core/nextflow', 'potential', 'dynamics/progress'],
        start_nextflow        : ['core', 'core/nextflow'],
        test_potential        : ['core', 'core/reading', 'material', 'labels', 'labels/engines', 'labels/frames', 'potential', 'potential/families',
                                 'potential/families/deepmd'],
        tool_versions         : ['core'],
        train_potential       : ['core', 'core/reading', 'material', 'labels', 'labels/engines', 'labels/frames', 'potential', 'potential/families',
                                 'potential/families/deepmd'],
    ]
}

/** A file's name, and a digest of what it holds. */
def digestOf(path) { "${path.name} ${path.text.digest('SHA-256')}" }

/** Script to a digest of those folders' own files: only files directly in bin/ are in a task's hash by themselves. Each is read once. */
def codeDigests(wanted) {
    def folders = foldersOf()
    def held = !wanted ? [:] : folders.values().flatten().unique().collectEntries { name ->
        [name, filesIn("${projectDir}/bin/haven/${name}").findAll { path -> path.name.endsWith('.py') }.collect { path -> digestOf(path) }]
    }
    def of_all = wanted ? digestOf(file("${projectDir}/bin/haven/__init__.py")) : ''
    folders.collectEntries { script, names -> [script, "${of_all} ${names.collect { name -> [name, held[name]] }}".toString().digest('SHA-256').take(16)] }
}
