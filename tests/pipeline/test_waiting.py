"""Who waits for whom: a run of dynamics for the cells of its own replicas, and for no others."""

from __future__ import annotations

import csv
from pathlib import Path

from runs import ROOT, nextflow

MAIN = """
include {{ DYNAMICS }} from '{root}/modules/dynamics'

workflow {{
    def digests = ['minimise', 'anneal', 'equilibrate_cell', 'run_dynamics', 'relax_cell',
        'relax_first_principles'].collectEntries {{ name -> [name, 'code'] }}
    def drivers = [0, 4].collect {{ u_ev ->
        [[id: "u${{u_ev}}_s1", u_ev: u_ev, seed: 1, first: 1], [file('potential.pb')]] }}
    def cells = [0, 1].collect {{ replica ->
        [[id: "r${{replica}}", replica: replica, seed: replica], file("r${{replica}}.extxyz")] }}
    DYNAMICS(channel.fromList(cells), [0, 1], [], [], channel.fromList(drivers),
        channel.of([0, 1, []], [4, 1, []]), false, [[300, 1], [600, 1]], 'npt', false, [],
        file('material.yml'), digests)
    DYNAMICS.out.trajectories.view {{ meta, _path -> "RAN ${{meta.id}}" }}
}}
"""


def study(folder: Path, root: Path) -> None:
    """Write a workflow of the dynamics alone, of two U, two temperatures and two replicas."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.nf").write_text(MAIN.format(root=root))
    (folder / "bin").symlink_to(root / "bin")  # Nextflow puts the main script's own on PATH
    for name in ("potential.pb", "r0.extxyz", "r1.extxyz", "material.yml"):
        (folder / name).write_text(name)


def times(trace: Path, ends: str) -> dict[str, str]:
    """Return when each task was submitted or complete."""
    with trace.open(newline="") as stream:
        return {row["name"].split(":")[-1]: row[ends]
                for row in csv.DictReader(stream, delimiter="\t")}


def test_dynamics_waits_for_the_cells_of_its_own_replicas_alone(copy: Path, tmp_path: Path) -> None:
    module = copy / "modules" / "equilibrate_cell" / "main.nf"
    text = module.read_text()
    assert text.count('stub:\n    """\n') == 1
    head = 'stub:\n    """\n'
    module.write_text(text.replace(head, head + "    [ ${meta.id} != u4_t600_r1 ] || sleep 15\n"
                                   "    [ ${meta.id} != u0_t600_r1 ] || exit 1\n"))
    folder = tmp_path / "run"
    study(folder, copy)
    (folder / "nextflow.config").write_text(
        "trace.fields = 'name,status,submit,complete'\n"
        "process { errorStrategy = 'ignore'\n executor = 'local' }\nexecutor.cpus = 8\n")
    run = nextflow(folder, "trace.tsv", "-stub", root=folder)
    assert run.status == 0, run.said
    began, ended = times(folder / "trace.tsv", "submit"), times(folder / "trace.tsv", "complete")
    slow = ended["EQUILIBRATE_CELL (u4_t600_r1)"]
    for name in ("u0_t300_r0", "u0_t300_r1", "u4_t300_r0", "u4_t300_r1"):
        assert began[f"RUN_DYNAMICS ({name})"] < slow, name
    for replica in (0, 1):
        assert began[f"RUN_DYNAMICS (u4_t600_r{replica})"] >= slow
    # a cell that failed leaves the other replica's, which both keep when all is done
    assert {"RAN u0_t600_r0", "RAN u0_t600_r1"} <= set(run.said.splitlines())
    assert run.said.count("RAN ") == 8


def test_replicas_added_later_leave_the_runs_there_are_as_they_are(tmp_path: Path) -> None:
    options = ("-profile", "test", "-stub", "--models", str(ROOT / "assets" / "models" / "small"),
               "--temperatures_k", "600", "--u_ev", "4", "-resume")
    first = nextflow(tmp_path, "first.tsv", *options, "--replicas", "2", root=ROOT)
    assert first.status == 0, first.said
    again = nextflow(tmp_path, "again.tsv", *options, "--replicas", "4", "--cell_replicas", "2",
                     root=ROOT)
    assert again.status == 0, again.said
    run = "STUDY:DYNAMICS:RUN_DYNAMICS (u4_t600_r{})".format
    assert {run(0), run(1)} <= again.names("CACHED")
    assert {run(2), run(3)} <= again.names("COMPLETED")
    cells = {name for name in again.tasks if ":EQUILIBRATE_CELL" in name}
    assert len(cells) == 2 and cells <= again.names("CACHED")  # those of the first two


def test_replicas_and_temperatures_are_added_to_an_earlier_run_of_which_results_alone_are_left(
        tmp_path: Path) -> None:
    study = ROOT / "assets" / "study" / "li3ticl6" / "main"
    options = ("-profile", "test", "-stub", "--models", str(ROOT / "assets" / "models" / "small"),
               "--temperatures_k", "500,700", "--u_ev", "4", "--first_replica", "3",
               "--replicas", "2", "--pressure_gpa", "0")
    run = nextflow(tmp_path, "added.tsv", *options, "--earlier", str(study), root=ROOT)
    assert run.status == 0, run.said
    done = {name.removeprefix("STUDY:") for name in run.names("COMPLETED")}
    assert {f"DYNAMICS:RUN_DYNAMICS (u4_t{t}_r{r})" for t in (500, 700) for r in (3, 4)} <= done
    # cells, costs and what is of the potential alone are taken from the earlier run, which has no
    # cell at 500 K
    assert {name for name in done if "EQUILIBRATE_CELL" in name} == {
        f"DYNAMICS:EQUILIBRATE_CELL (u4_t500_r{replica})" for replica in (3, 4)}
    for other in ("RELAX_CELL", "MEASURE_COST", "COMPARE_STRUCTURE"):
        assert not [name for name in done if other in name], other
    assert "TRANSPORT:FIND_BARRIERS (u4_r3)" in done and "STRUCTURES:BUILD_SUPERCELL (r3)" in done
    staged = [path.parent for path in (tmp_path / "work").glob("*/*/earlier/diffusion.parquet")]
    assert len(staged) == 2
    kept = list((tmp_path / "work").glob("*/*/cells/cells.parquet"))
    assert len(kept) == 2  # by each of the runs at 700 K
