"""One seed trains one potential: the same numbers to the last digit, whatever else differs."""

from __future__ import annotations

import numpy as np
import pytest
from analytic import write_labelled
from trained import call

from haven.core import tables


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    write_labelled(folder / "frames", 3, 4, rattle=0.06)
    done = call("build_dataset.py", "--frames", folder / "frames", "--u_ev", 4, "--test_share",
                0.3, "--min_frames", 4, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder / "u4.dataset"


def errors(dataset, out, seed, threads=1):
    """Train 30 steps; return energy and force errors along the learning curve."""
    done = call("train_potential.py", "--dataset", dataset, "--u_ev", 4, "--seed", seed,
                "--training_steps", 30, "--embedding", "4,8", "--axis_neurons", 4, "--fitting",
                "8,8", "--cutoff_angstrom", 5, "--precision", "float64", "--learning_rate_start",
                0.01, "--learning_rate_stop", 0.001, "--decay_steps", 10, "--type_one_side",
                "false", "--compress", "false", "--threads", threads, "--out", out)
    assert done.returncode == 0, done.stderr
    curve = tables.read("learning_curve", out / f"u4_s{seed}.learning_curve.parquet")
    found = curve[[name for name in curve if "error" in name]].to_numpy(float)
    assert np.isfinite(found).any() and len(found) > 1
    return found


def test_one_seed_trains_one_potential_and_another_seed_another(built, tmp_path):
    first = errors(built, tmp_path / "a", 1)
    np.testing.assert_array_equal(first, errors(built, tmp_path / "b", 1))
    assert not np.array_equal(first, errors(built, tmp_path / "c", 2))


def test_threads_change_no_more_than_the_order_of_sums(built, tmp_path):
    """Sums in another order differ by 1e-12 at first and grow with the steps: 1e-3 is the bound."""
    one, two = errors(built, tmp_path / "a", 1), errors(built, tmp_path / "b", 1, threads=2)
    np.testing.assert_allclose(one, two, rtol=1e-3)
