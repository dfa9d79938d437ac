"""Each fault of the campaign once: the undisturbed results, or one clear line (its short form)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

PLACE = Path(__file__).resolve().parents[2] / "faults" / "campaign.py"
SPEC = importlib.util.spec_from_file_location("campaign", PLACE)
assert SPEC is not None and SPEC.loader is not None
campaign = importlib.util.module_from_spec(SPEC)
sys.modules["campaign"] = campaign
SPEC.loader.exec_module(campaign)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    families = campaign.lammps.FAMILIES
    yield campaign.Bench(tmp_path_factory.mktemp("faults"))
    campaign.lammps.FAMILIES = families


@pytest.mark.parametrize("name", campaign.FAULTS)
def test_a_fault_is_survived(bench, name):
    found = campaign.FAULTS[name](bench, np.random.default_rng(7))
    if found is None:
        pytest.skip("no right here to mount, or to act as another user, or no compiler")
    assert found.survived, found


def test_the_table_of_the_readme_is_that_of_the_campaign():
    told = (PLACE.parent / "README.md").read_text()
    assert campaign.table(PLACE.parent / "faults.csv") in told
    rows = list(campaign.csv.DictReader((PLACE.parent / "faults.csv").open(newline="")))
    assert {row["fault"] for row in rows} <= set(campaign.FAULTS)
