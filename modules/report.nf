include { MEASURE_COST  } from './measure_cost'
include { RENDER_REPORT } from './render_report'

// Cost beside the labels' cost, and the one report.
workflow REPORT {
    take:
    ch_tables    // path
    ch_annealed // tuple: map (id, u_ev, seed, replica), path
    ch_costly    // tuple: number u_ev, list of paths of potentials to time, path of a data set
    provenance   // path of a potential.json, or an empty list
    reference    // list of paths
    template     // path
    page         // list of paths: style, script and library of the page
    expected     // path: what should have been computed
    ch_cells     // tuple: map (id, replica, seed), path of a supercell; the first is drawn
    ch_occupied  // path of cells of every set of occupancies
    ch_aimd      // path of a first-principles trajectory
    leading      // number of the first replica, whose cell is timed and drawn
    earlier      // list of paths: an earlier run's tables and modes, which are joined with these
    material     // path
    digests      // map: process to digest of the code it uses

    main:
    ch_costed = ch_annealed.filter { meta, _structure -> meta.replica == leading }
        .map { meta, structure -> [meta.u_ev, meta, structure] }
        .combine(ch_costly, by: 0)
        .map { _u_ev, meta, structure, potentials, dataset -> [meta, structure, potentials, dataset] }
    ch_measured = ch_tables.flatten().filter { path -> path.name ==~ /.*labels\.parquet/ }
        .mix(provenance.flatten().filter { path -> path }).collect(sort: { path -> path.name })
    MEASURE_COST(ch_costed, ch_measured.ifEmpty([]), ch_aimd.collect(sort: { path -> path.name }).ifEmpty([]), material, digests.measure_cost)
    ch_all = ch_tables.flatten().mix(MEASURE_COST.out.tables.flatten()).collect(sort: { path -> path.name })
    ch_drawn = ch_cells.filter { cell, _structure -> cell.replica == leading }.map { _cell, structure -> structure }
        .mix(ch_occupied).collect(sort: { path -> path.name }).ifEmpty([])
    RENDER_REPORT([id: 'report'], ch_all, earlier, reference, template, page, expected, ch_drawn, digests.render_report)
    report = RENDER_REPORT.out.report
    summary = RENDER_REPORT.out.summary

    emit:
    report  // path
    summary // path
}
