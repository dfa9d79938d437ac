"""A miniature's physical numbers are those kept; the same seed trains the same potential."""

from __future__ import annotations

import json

import numpy as np
import pytest
from analytic import write_labelled
from golden import KEPT, TOLERANCE, computed
from trained import call

from haven.core import tables


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return computed(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("part", TOLERANCE)
def test_no_upgrade_changes_the_science(found, part):
    kept = json.loads(KEPT.read_text())
    assert set(kept["numbers"]) == set(TOLERANCE)
    for name, value in kept["numbers"][part].items():
        assert found[part][name] == pytest.approx(value, rel=TOLERANCE[part], abs=1e-12), (
            f"{part}: {name}, kept from {kept['versions']}")


def test_one_seed_trains_one_potential_and_another_seed_another(tmp_path):
    """To the last digit on one thread; several threads add in another order (1e-3 of an error)."""
    write_labelled(tmp_path / "frames", 3, 4, rattle=0.06)
    built = call("build_dataset.py", "--frames", tmp_path / "frames", "--u_ev", 4, "--test_share",
                 0.3, "--min_frames", 4, "--out", tmp_path)
    assert built.returncode == 0, built.stderr
    curves = []
    for place, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / place
        done = call("train_potential.py", "--dataset", tmp_path / "u4.dataset", "--u_ev", 4,
                    "--seed", seed, "--training_steps", 30, "--embedding", "4,8",
                    "--axis_neurons", 4, "--fitting", "8,8", "--cutoff_angstrom", 5,
                    "--precision", "float64", "--learning_rate_start", 0.01,
                    "--learning_rate_stop", 0.001, "--decay_steps", 10, "--type_one_side", "false",
                    "--compress", "false", "--out", out)
        assert done.returncode == 0, done.stderr
        curve = tables.read("learning_curve", out / f"u4_s{seed}.learning_curve.parquet")
        curves.append(curve.select_dtypes("number").drop(
            columns=[name for name in curve if name.endswith("_s") or name == "seed"],
            errors="ignore").to_numpy(float))
    np.testing.assert_array_equal(curves[0], curves[1])
    assert not np.array_equal(curves[0], curves[2])
