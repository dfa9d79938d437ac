"""A miniature's physical numbers are those kept."""

from __future__ import annotations

import json

import pytest
from golden import KEPT, TOLERANCE, computed


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
