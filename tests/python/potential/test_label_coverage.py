"""A temperature or volume beyond the labels is refused in one line; within them all is well."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace
from typing import Any

import pytest
from analytic import crystal
from trained import ROOT, call

from haven.core.errors import HavenError
from haven.dynamics import cell
from haven.labels.frames.reading import read_folder
from haven.material.file import load_material
from haven.potential.coverage import KEY, Coverage, coverage_of, read_coverage

MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"


def frame(volume_scale, temperature_k=None, **more) -> Any:
    atoms = crystal(0)
    atoms.set_cell(atoms.cell.array * volume_scale ** (1 / 3), scale_atoms=True)
    info = {} if temperature_k is None else {"temperature_k": temperature_k}
    return SimpleNamespace(atoms=atoms, info={**info, **more})


def test_what_frames_cover():
    each = crystal(0).get_volume() / len(crystal(0))
    found = coverage_of([frame(1.0, 300), frame(1.1), frame(0.9, 600.0), frame(1.0, "hot")])
    assert found["temperature_k"] is None and found["frames_with_temperature"] == 2
    assert found["volume_low_angstrom3_per_atom"] == pytest.approx(0.9 * each, abs=1e-3)
    assert found["volume_high_angstrom3_per_atom"] == pytest.approx(1.1 * each, abs=1e-3)
    assert coverage_of([frame(1.0)])["temperature_k"] is None


@pytest.mark.parametrize("vacuum", [10.0, 15.0])
def test_vacuum_is_no_volume_of_a_crystal(vacuum):
    """The gap between slabs, and the box about an atom, would let a cell be of any volume."""
    slab, alone = frame(1.0), frame(1.0)
    slab.atoms.center(vacuum=vacuum / 2, axis=2)
    alone.atoms = alone.atoms[:1]
    alone.atoms.set_cell([vacuum] * 3)
    assert coverage_of([frame(0.9), frame(1.1), slab, alone]) == coverage_of(
        [frame(0.9), frame(1.1)])
    assert coverage_of([slab])["volume_high_angstrom3_per_atom"] > 25  # none is without


@pytest.mark.parametrize(("told", "silent", "at_rest", "limit"), [
    (9, 1, 0, 600), (8, 2, 0, None),  # those that tell theirs do not tell the others'
    (9, 1, 20, 600), (8, 2, 20, None),  # strained crystals are of no dynamics
    (2, 0, 20, None)])  # so few say nothing
def test_the_hottest_frame_counts_where_nearly_all_tell_their_temperature(
    told, silent, at_rest, limit, caplog
):
    frames = [*[frame(1.0, 600.0)] * told, *[frame(1.0)] * silent,
              *[frame(1.0, origin="strained")] * at_rest]
    assert coverage_of(frames)["temperature_k"] == limit
    assert ("tell the temperature of their dynamics" in caplog.text) == (limit is None)


def test_cells_may_lie_half_the_labels_range_beyond_them_and_no_less_than_a_little():
    low, high = Coverage(900, 19.0, 22.0).volumes(160)
    assert (low, high) == pytest.approx((160 * 17.5, 160 * 23.5))
    low, high = Coverage(900, 20.0, 20.0).volumes(10)  # frames of one volume
    assert (low, high) == pytest.approx((190, 210))
    material = load_material(MATERIAL)
    own = cell.labelled_volume(material, 160, Coverage(900, 19.0, 22.0))
    assert own == pytest.approx((160 * 17.5, 160 * 23.5))
    unknown = cell.labelled_volume(material, 160, None)
    assert unknown == pytest.approx((0.85 * 160 * 20.628, 1.15 * 160 * 20.628), rel=1e-3)


@pytest.mark.parametrize("temperature_k", [901.0, 1500.0])
def test_a_temperature_above_the_labels_is_refused(temperature_k):
    covered = Coverage(900.0, 19, 22, "u4_s1.pb")
    covered.check_temperature(900.0, "temperature_k")
    with pytest.raises(HavenError, match=rf"--temperature_k {temperature_k:g} K is above what the "
                       r"labels of u4_s1.pb cover \(dynamics at up to 900 K\): lower it"):
        covered.check_temperature(temperature_k, "temperature_k")
    Coverage(None, 19, 22).check_temperature(temperature_k, "temperature_k")


@pytest.mark.parametrize("covers", [
    [], {"temperature_k": "hot", "volume_low_angstrom3_per_atom": 1,
         "volume_high_angstrom3_per_atom": 2},
    {"temperature_k": 300}, {"volume_low_angstrom3_per_atom": 3,
                             "volume_high_angstrom3_per_atom": 2},
    {"volume_low_angstrom3_per_atom": float("nan"), "volume_high_angstrom3_per_atom": 2}])
def test_a_coverage_that_is_none_is_one_line(covers, tmp_path):
    (tmp_path / "u4_s1.potential.json").write_text(json.dumps({KEY: covers}))
    with pytest.raises(HavenError, match=r"u4_s1.potential.json: covers"):
        read_coverage(tmp_path / "u4_s1.pb")


def test_without_a_word_on_the_labels_nothing_is_judged(tmp_path):
    assert read_coverage(tmp_path / "u4_s1.pb") is None
    for said in ("{}", '{"covers": null}', "[]"):
        (tmp_path / "u4_s1.potential.json").write_text(said)
        assert read_coverage(tmp_path / "u4_s1.pb") is None


def test_shipped_potentials_say_what_their_frames_cover():
    frames = {u: read_folder(ROOT / "assets" / "frames" / "li3ticl6", u, ["Li", "Ti", "Cl"])
              for u in (0.0, 4.0)}
    for about in sorted((ROOT / "assets" / "models").rglob("*.potential.json")):
        said = json.loads(about.read_text())
        train = set(said["train_trajectories"])
        mine = [f for f in frames[said["u_ev"]] if f.trajectory in train]
        assert coverage_of(mine) == said[KEY], about


@pytest.mark.parametrize(("name", "options"), [
    ("anneal.py", ("--anneal_temperature_k", 1000)),
    ("equilibrate_cell.py", ("--temperature_k", 1000)),
    ("run_dynamics.py", ("--temperature_k", 1000, "--cell", "material")),
    ("relax_cell.py", ("--anneal_temperature_k", 1000))])
def test_every_stage_of_dynamics_refuses_it_before_it_runs(name, options, tmp_path):
    from ase.io import write

    models = ROOT / "assets" / "models" / "small"
    for ending in ("pb", "potential.json"):
        shutil.copy(models / f"u4_s1.{ending}", tmp_path)
    atoms = read_folder(ROOT / "assets" / "frames" / "li3ticl6" / "s1_000.u4.extxyz", 4.0,
                        ["Li", "Ti", "Cl"])[0].atoms
    write(tmp_path / "start.extxyz", atoms)
    model = "--potentials" if name == "run_dynamics.py" else "--potential"
    given = () if name == "relax_cell.py" else ("--structure", tmp_path / "start.extxyz")
    done = call(name, *given, model, tmp_path / "u4_s1.pb", "--u_ev", 4, *options,
                "--out", tmp_path / "out")
    assert done.returncode == 2
    option = options[0].removeprefix("--")
    assert (f"--{option} 1000 K is above what the labels of u4_s1.pb cover (dynamics at up to 900 "
            "K)") in done.stderr.splitlines()[-1]
    assert not list((tmp_path / "out").rglob("*.parquet"))
