"""What a user brings is enough: frozen potentials, or trajectories of several of them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from runs import ROOT, nextflow

sys.path.insert(0, str(ROOT / "bin"))
from haven.material.crystal import assemble, cation_lattice
from haven.material.file import load_material
from haven.trajectory.trajectory import write_npz


def walkers(path: Path, seed: int, frames: int = 600) -> None:
    """Write a run in whose layers lithium walks from site to site, faster for a higher seed."""
    rng = np.random.default_rng(seed)
    material = load_material(ROOT / "assets" / "materials" / "li3ticl6.yml")
    _, letters = cation_lattice(material, (2, 1, 2))
    species = np.where(letters == "2a", "Ti", np.where(letters == "4h", "Li", ""))
    atoms = assemble(material, (2, 1, 2), species)
    names = np.array(atoms.get_chemical_symbols())
    lithium = np.flatnonzero(names == "Li")
    steps = np.array([[0, 1 / 3, 0], [0.5, 1 / 6, 0], [0.5, -1 / 6, 0]]) @ material.cell
    chosen = steps[rng.integers(3, size=(frames, len(lithium)))]
    jumps = rng.choice([-1, 0, 1], p=[0.02 * seed, 1 - 0.04 * seed, 0.02 * seed],
                       size=(frames, len(lithium), 1)) * chosen
    positions = atoms.positions + rng.normal(0, 0.1, (frames, len(atoms), 3))
    positions[:, lithium] += np.cumsum(jumps, axis=0)
    still = np.zeros((frames, 3))
    write_npz(path, {
        "time_ps": np.arange(frames) * 1.0, "host_centre_angstrom": still,
        "mobile_angstrom": positions[:, lithium].astype(np.float32), "mobile_symbol": "Li",
        "barycentre_angstrom": still, "cell_angstrom": np.asarray(atoms.cell[:]),
        "all_time_ps": np.arange(0, frames, 10) * 1.0, "symbols": names, "mobile_index": lithium,
        "all_angstrom": positions[::10].astype(np.float32)}, {"material": material.name})


def test_trajectories_of_two_potentials_fill_the_error_budget(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    walkers(folder / "u4_t500_r0.trajectory.npz", 1)
    walkers(folder / "u4_t500_r0_s2.trajectory.npz", 2)
    run = nextflow(tmp_path, "given.tsv", "-profile", "test", "--trajectories", str(folder))
    assert run.status == 0, run.said
    assert "Missing runs" not in run.said
    tables = tmp_path / "results" / "tables"
    diffusion = pd.read_parquet(tables / "diffusion.parquet").query("axis == 'xyz'")
    tracer = diffusion.query("quantity == 'self'").set_index("seed")
    assert list(tracer["verdict"]) == ["diffusive"] * 2
    assert tracer.loc[2, "low_95"] > tracer.loc[1, "high_95"]
    budget = pd.read_parquet(tables / "error_budget.parquet").query("quantity == 'd_self at 500 K'")
    budget = budget.set_index("source")
    assert budget.loc["potential", "members"] == 2 and budget.loc["potential", "share"] > 0.5
    assert budget["standard_error"].isna().to_dict()["disorder"]
    rdf = pd.read_parquet(tables / "rdf.parquet")
    assert {1, 2} == set(rdf[rdf["source"] == "dlmd"]["seed"])
    said = set(pd.read_parquet(tables / "verdicts.parquet")["subject"])
    assert {"u4_t500_r0", "u4_t500_r0_s2"} <= said


def test_a_potential_alone_is_tested_and_nothing_is_trained(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(ROOT / "assets" / "models" / "u4_s1.pb", folder)
    run = nextflow(tmp_path, "given.tsv", "-profile", "test", "--models", str(folder),
                   "--u_ev", "4", "--potentials_only", "true")
    assert run.status == 0, run.said
    assert {name.split(" ")[0].split(":")[-1] for name in run.names("COMPLETED")} == {
        "BUILD_DATASET", "COMPILE_POTENTIAL", "TEST_POTENTIAL", "RENDER_REPORT"}
    tables = tmp_path / "results" / "tables"
    assert (pd.read_parquet(tables / "accuracy.parquet")["rmse"] > 0).all()
    said = pd.read_parquet(tables / "verdicts.parquet")["message"].str.cat()
    assert "nothing tells what this potential was trained on" in said


def test_new_labels_stand_beside_the_shipped_ones(tmp_path: Path) -> None:
    run = nextflow(tmp_path, "beside.tsv", "-profile", "test,label", "-stub", "--rounds", "2",
                   "--labels_only", "true", "--u_ev", "4")
    assert run.status == 0, run.said
    labelled = {name.split("(")[1].split(" ")[0] for name in run.names("COMPLETED")
                if "LABEL_FRAMES" in name}
    assert labelled == {"s1_014", "x1_s1_1012", "x2_s1_2000"}


def other_crystal(folder: Path) -> str:
    """Write the material file of a crystal of which nothing is shipped; return its path."""
    text = (ROOT / "assets" / "materials" / "li3ticl6.yml").read_text()
    (folder / "li3ycl6.yml").write_text(text.replace("Ti", "Y"))
    return str(folder / "li3ycl6.yml")


def test_another_crystal_is_not_joined_with_the_shipped_frames(tmp_path: Path) -> None:
    material = ("--material", other_crystal(tmp_path), "--u_ev", "4")
    run = nextflow(tmp_path, "given.tsv", "-profile", "test", "-stub", *material,
                   "--models", str(ROOT / "assets" / "models"), "--temperatures_k", "298")
    assert run.status == 0, run.said
    done = {name.split(" ")[0].split(":")[-1] for name in run.names("COMPLETED")}
    assert "RUN_DYNAMICS" in done and not done & {"BUILD_DATASET", "TRAIN_POTENTIAL"}
    assert "COMPILE_POTENTIAL" in done  # given ones are compressed, too


def test_weights_are_compiled_where_the_run_is(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("u0_s1.pt", "u0_s1.pt2", "u4_s1.pt2", "u4_s2.pt"):
        (folder / name).write_bytes(b"x")
    options = ("-profile", "test", "-stub", "--models", str(folder), "--temperatures_k", "298")
    run = nextflow(tmp_path, "weights.tsv", *options)
    assert run.status == 0, run.said
    done = {name.split(":")[-1] for name in run.names("COMPLETED")}
    assert {name for name in done if "COMPILE" in name} == {
        "COMPILE_POTENTIAL (u0_s1)", "COMPILE_POTENTIAL (u4_s2)"}
    assert {"TEST_POTENTIAL (u0_s1)", "TEST_POTENTIAL (u4_s1)", "TEST_POTENTIAL (u4_s2)",
            "RUN_DYNAMICS (u0_t298_r0)", "RUN_DYNAMICS (u4_t298_r0)"} <= done


def test_u_and_temperature_may_be_written_with_a_point(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(ROOT / "assets" / "models" / "u4_s1.pb", folder / "u4.0_s1.pb")
    run = nextflow(tmp_path, "point.tsv", "-profile", "test", "-stub", "--models", str(folder),
                   "--u_ev", "4.0", "--temperatures_k", "300.0", "--aimd", "true",
                   "--aimd_u_ev", "4.00", "--aimd_temperature_k", "298.0")
    assert run.status == 0, run.said
    assert {name.split(":")[-1] for name in run.names("COMPLETED")} >= {
        "BUILD_DATASET (u4)", "TEST_POTENTIAL (u4_s1)", "RUN_DYNAMICS (u4_t300_r0)",
        "RUN_AIMD (u4_t298_r0)"}
