"""The whole graph as a stub: every process there is runs, as often as the parameters ask."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from runs import ROOT, nextflow


def given(folder: Path) -> Path:
    """Return a folder of two first-principles trajectories of two frames."""
    place = folder / "aimd"
    place.mkdir()
    for u_ev in (0, 4):
        (place / f"aimd_t298_r0.u{u_ev}.extxyz").write_text("1\nLattice= timestep_fs=2.0\n" * 2)
    return place


def test_every_process_of_the_pipeline_has_its_place_in_the_graph(tmp_path: Path) -> None:
    foreign = tmp_path / "u4" / "OUTCAR"
    foreign.parent.mkdir()
    foreign.write_text("vasp")
    run = nextflow(tmp_path, "stub.tsv", "-profile", "test", "-stub", "--label", "true",
                   "--frames", f"{ROOT / 'assets' / 'frames' / 'li3ticl6'},{foreign.parent}",
                   "--rounds", "1", "--temperatures_k", "298,373", "--replicas", "2",
                   "--ensemble", "2", "--driving_potentials", "2", "--learning_curve", "true",
                   "--relax_first_principles", "true", "--aimd", "true",
                   "--aimd_trajectories", str(given(tmp_path)), root=ROOT)
    assert run.status == 0, run.said
    counts = Counter(name.split(" ")[0].split(":")[-1] for name in run.names("COMPLETED"))
    there = {path.parent.name.upper() for path in (ROOT / "modules").glob("*/main.nf")}
    there |= {"BUILD_STARTS", "TRAIN_EXPLORER", "BUILD_CELL", "MINIMISE_CELL", "RUN_CELL",
              "COMPARE_STRUCTURE"}
    assert set(counts) == there - {"COMPILE_POTENTIAL"}  # that one is of given weights
    # U = 4 is made, its given trajectory left alone; that of U = 0 is used as it is.
    assert counts["RUN_AIMD"] == counts["BUILD_CELL"] == counts["MINIMISE_CELL"] == 1
    assert counts["RUN_CELL"] == 2 and counts["COMPARE_STRUCTURE"] == 4
    assert counts["TRAIN_EXPLORER"] == 2 * 3 and counts["TRAIN_POTENTIAL"] == 2 * 2
    assert counts["RUN_DYNAMICS"] == counts["ANALYSE_TRANSPORT"] == 2 * 2 * 2 * 2
    assert counts["SELECT_BEYOND"] == counts["RUN_DYNAMICS"]
    assert counts["EQUILIBRATE_CELL"] == 2 * 2 * 2 * 2 and counts["ANNEAL"] == 2 * 2 * 2
    for path in (tmp_path / "work").glob("*/*/.command.sh"):  # the cells of both replicas
        if "touch u4_t373_r1_s2.trajectory.npz" in path.read_text():
            assert {cell.name for cell in path.parent.glob("cells/*")} == {
                "u4_t373_r0_s2.cells.parquet", "u4_t373_r1_s2.cells.parquet"}
    assert {"RUN_DYNAMICS (u4_t373_r1)", "RUN_DYNAMICS (u4_t373_r1_s2)"} <= {
        name.split(":")[-1] for name in run.names("COMPLETED")}
    assert counts["FIND_BARRIERS"] == counts["MEASURE_COST"] == counts["RELAX_CELL"] == 2
    assert counts["RELAX_FIRST_PRINCIPLES"] == 2
    assert counts["MINIMISE"] == 2 * 2 * 2 and counts["BUILD_SUPERCELL"] == 2
    assert counts["EXPLORE"] == 2 and counts["SELECT_FRAMES"] == counts["IMPORT_FRAMES"] == 1
    assert counts["RENDER_REPORT"] == counts["FIT_ARRHENIUS"] == 1
    # The fit has the runs' speeds, for the hours of its plan.
    fit, = [path.parent for path in (tmp_path / "work").glob("*/*/.command.sh")
            if "touch arrhenius.parquet" in path.read_text()]
    assert len(list(fit.glob("tables/*.runs.parquet"))) == counts["RUN_DYNAMICS"]
    assert (tmp_path / "results" / "report.html").exists()


def test_a_launch_folder_of_any_name_is_one_word_in_every_command(
    copy: Path, tmp_path: Path
) -> None:
    head = 'stub:\n    """\n'
    for module in (copy / "modules").glob("*/main.nf"):  # stubs that write down what they get
        text = module.read_text()
        assert text.count(head) == 1, module
        module.write_text(text.replace(
            head, head + "    printf '%s\\\\n' \"\\$HAVEN_CHECKPOINT_DIR\" "
            "${task.ext.args ?: ''} > told.txt\n"))
    folder = tmp_path / "a b's" / 'run "$(touch three)" & more'
    folder.mkdir(parents=True)
    run = nextflow(folder, "space.tsv", "-profile", "test", "-stub", "--label", "true",
                   "--frames", str(ROOT / "assets" / "frames" / "li3ticl6"), "--u_ev", "4",
                   "--temperatures_k", "298", "--learning_curve", "true", "--aimd", "true",
                   "--relax_first_principles", "true", root=copy)
    assert run.status == 0, run.said
    told = [path.read_text().splitlines() for path in (folder / "work").glob("*/*/told.txt")]
    assert len(told) == len(run.names("COMPLETED")) > 15
    assert {words[0] for words in told} == {str(folder / "work" / "checkpoints")}
    assert any(words[1:3] == ["--label_structures", "10"] for words in told)
    assert not list(tmp_path.rglob("three"))


def test_the_strict_parser_which_later_versions_of_nextflow_use_runs_it_too(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It loads every module; of one with includes of its own, only the first time."""
    monkeypatch.setenv("NXF_SYNTAX_PARSER", "v2")
    run = nextflow(tmp_path, "strict.tsv", "-profile", "test", "-stub", "--potentials_only", "true")
    assert run.status == 0, run.said
    assert any(name.split(":")[-1] == "RENDER_REPORT (report)" for name in run.names("COMPLETED"))
