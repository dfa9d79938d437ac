"""The short form of fuzz.py: damaged and bad inputs end in one line, or say what they said."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fuzz
import named
from corpus import INPUTS
from judge import FAULTS, REFUSED, Case
from mutations import ODD

PLACE = Path(__file__).resolve().parent
NAMED_EVERY = 17  # of the bad inputs by name; ``fuzz.py --named`` tries all


@pytest.mark.parametrize("name", INPUTS)
def test_no_damage_gives_a_traceback_a_hang_or_another_number(name, tmp_path):
    found = fuzz.run(name, range(6), tmp_path)
    faults = [one for one in found if one[1] in (*FAULTS, fuzz.CRASH)]
    assert len(found) == 6 and not faults, faults


def test_bad_inputs_by_name_are_refused_or_change_nothing(tmp_path):
    found = fuzz.run_named(tmp_path, NAMED_EVERY)
    faults = [(bad, verdict) for bad, verdict in found if verdict.what in (*FAULTS, fuzz.CRASH)]
    assert not faults, faults[:5]
    counts = Counter(verdict.what for _, verdict in found)
    assert counts[REFUSED] > 0.7 * len(found) > 100, counts


def test_there_are_as_many_bad_inputs_as_the_table_says():
    kinds = Counter(bad.kind for bad in named.every())
    assert sum(kinds.values()) > 600 and len(kinds) >= 15, kinds


# Hypothesis draws numbers and bytes that it finds in the code under test, too; choices it does not,
# so that the edits are the same whatever was imported before.
EDITS = st.lists(st.tuples(
    st.sampled_from([step / 997 for step in range(998)]), st.sampled_from(range(13)),
    st.one_of(st.lists(st.sampled_from(range(256)), max_size=6).map(bytes), st.sampled_from(ODD))),
    min_size=1, max_size=3)


@pytest.mark.parametrize("name", ["dump_units", "extxyz", "labels_own", "outcar", "vasprun",
                                  "espresso", "material", "cif"])
def test_no_edit_that_hypothesis_draws_gives_a_traceback_or_another_number(name, tmp_path):
    case = Case(INPUTS[name], tmp_path / name)

    @settings(max_examples=15, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(EDITS)
    def edited(edits):
        stages = []
        for place, lost, put in edits:
            data = stages[-1] if stages else case.bytes
            at = int(place * len(data))
            stages.append(data[:at] + put + data[at + lost:])
        verdict = case.staged(stages)
        assert verdict.what not in FAULTS, verdict

    edited()


def test_a_reader_that_takes_half_a_number_is_found(tmp_path, monkeypatch):
    """The judge itself: a reader that is made loose on purpose is caught within few damages."""
    from haven.trajectory.readers import xdatcar

    monkeypatch.setattr(xdatcar.plain, "rows", lambda lines, count, what="": __import__(
        "numpy").array([[float(word) for word in line.split()[:count]] for line in lines]))
    case = Case(INPUTS["xdatcar"], tmp_path / "x")
    whats = [case.mutation(seed)[1].what for seed in range(80)]
    assert any(what in FAULTS for what in whats)


def test_every_finding_has_the_test_that_is_named_for_it():
    lines = [line for line in (PLACE / "README.md").read_text().splitlines()
             if re.match(r"\| R\d+|\| [E-H] \|", line)]
    assert {f"R{n}" for n in range(1, 22)} <= {
        name for line in lines for name in re.findall(r"R\d+\b", line.split("|")[1])}
    for line in lines:
        tests = re.findall(r"`([\w/]+\.py)::(\w+)`", line)
        assert tests, line
        for path, name in tests:
            assert f"def {name}(" in (PLACE.parent / path).read_text(), (path, name)
