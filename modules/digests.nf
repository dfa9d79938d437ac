// What identifies the code of each process.

/** Script to the packages of bin/haven whose code it uses; tests/python/test_layers.py compares them with the imports. */
def packagesOf() {
    [
        analyse_run            : ['core', 'material', 'trajectory', 'transport', 'mechanism'],
        analyse_hops           : ['core', 'material', 'trajectory', 'mechanism'],
        analyse_structure      : ['core', 'material', 'trajectory', 'labels', 'mechanism'],
        analyse_transport      : ['core', 'material', 'trajectory', 'transport'],
        build_dataset          : ['core', 'material', 'trajectory', 'labels', 'potential'],
        build_structures       : ['core', 'material'],
        build_supercell        : ['core', 'material'],
        compile_potential      : ['core', 'material', 'potential'],
        explore                : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics'],
        find_barriers          : ['core', 'material', 'potential', 'mechanism'],
        fit_arrhenius          : ['core', 'trajectory', 'dynamics', 'transport'],
        import_frames          : ['core', 'material', 'trajectory', 'labels'],
        label_frames           : ['core', 'material', 'trajectory', 'labels'],
        make_material          : ['core', 'material'],
        measure_cost           : ['core', 'material', 'labels', 'potential', 'dynamics', 'cost'],
        measure_learning       : ['core', 'material', 'labels', 'potential'],
        minimise               : ['core', 'material', 'labels', 'potential', 'dynamics'],
        relax_cell             : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics'],
        relax_first_principles : ['core', 'material', 'trajectory', 'labels'],
        render_report          : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics', 'cost', 'transport', 'mechanism', 'report'],
        run_aimd               : ['core', 'material', 'trajectory', 'labels'],
        run_dynamics           : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics'],
        select_beyond          : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics'],
        select_frames          : ['core', 'material', 'labels', 'potential'],
        show_status            : ['core', 'potential', 'dynamics'],
        test_potential         : ['core', 'material', 'labels', 'potential'],
        train_potential        : ['core', 'material', 'labels', 'potential'],
        anneal                 : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics'],
        equilibrate_cell       : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics'],
        clean_work             : ['core', 'potential', 'dynamics'],
        tool_versions          : ['core'],
        export_trajectory      : ['core', 'trajectory'],
        make_crate             : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics', 'cost', 'transport', 'mechanism', 'report'],
        publish_results        : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics', 'cost', 'transport', 'mechanism', 'report'],
        start_nextflow         : ['core'],
        run_materials          : ['core', 'material', 'report'],
        compare_studies        : ['core', 'material', 'trajectory', 'labels', 'potential', 'dynamics', 'cost', 'transport', 'mechanism', 'report'],
    ]
}

/** Process name to a digest of the packages its script uses: only files directly in bin/ are in a task's hash by themselves. */
def codeDigests(wanted) {
    packagesOf().collectEntries { script, packages ->
        def own = wanted ? packages.collectMany { name -> files("${projectDir}/bin/haven/${name}/**.py") } : []
        def sources = wanted ? own + [file("${projectDir}/bin/haven/__init__.py")] : []
        def text = sources.sort { path -> path.toString() }.collect { path -> "${path.name}\n${path.text}" }.join('\n')
        [script, text.digest('SHA-256').take(16)]
    }
}
