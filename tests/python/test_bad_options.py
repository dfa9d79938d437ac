"""No number of a script is one that Python alone would take: NaN, 1_0, digits of other scripts."""

from __future__ import annotations

import argparse
import runpy
import sys

import pytest
from trained import ROOT

from haven.core import options
from haven.core.errors import HavenError

SCRIPTS = sorted(path.name for path in (ROOT / "bin").glob("*.py"))
INTERNAL = ("top",)  # given by the launcher, no option of a user
BAD = ("nan", "inf", "-inf", "1e999", "", " ", "1,000", "1_0", "0x10", "\u0661", "one", "1e", "--",
       "99999999999999999999", "\uff11", "1 0", "+-1")


def actions(script: str, monkeypatch: pytest.MonkeyPatch) -> list[argparse.Action]:
    """Return what a script may be given, as its own parser has it."""
    found: list[argparse.Action] = []

    class StoppedError(Exception):
        pass

    def stop(self: argparse.ArgumentParser, *_: object, **__: object) -> None:
        found.extend(self._actions)
        raise StoppedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.setattr(sys, "argv", [script])
    main = runpy.run_path(str(ROOT / "bin" / script), run_name="read")["main"]
    with pytest.raises(StoppedError):
        main([])
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_number_of_a_script_is_a_plain_one_in_a_range(script, monkeypatch):
    for action in actions(script, monkeypatch):
        assert action.type not in (int, float) or action.dest in INTERNAL, action.dest
        if not isinstance(action.default, (int, float)) or isinstance(action.default, bool):
            continue
        if action.type is not None and action.dest not in INTERNAL:
            for text in BAD:
                with pytest.raises(HavenError, match=rf"^--{action.dest} is "):
                    action.type(text)
            assert action.type(f" {action.default} ") == action.default


@pytest.mark.parametrize("text", [*BAD, "1,,2", "1;2", "1,nan", "1,", "[1,2]"])
def test_lists_of_numbers_are_plain_ones(text):
    if text not in ("1,000", "99999999999999999999"):
        with pytest.raises(HavenError, match=r"^--x is .*: give numbers with commas between"):
            options.numbers(text, None, "x")


DISTINCT = ("u_ev", "aimd_u_ev", "temperatures_k", "explore_temperatures_k", "directions",
            "cost_atoms", "cost_cores", "cost_networks", "frames")


def test_values_of_a_study_stand_once_in_their_list():
    """Each is a run of its own, which would count twice in every fit."""
    from haven.parameters import parameters, rule_of

    told = {one.name: one for listed in parameters().values() for one in listed}
    assert {name for name, one in told.items() if one.rule.distinct} == set(DISTINCT)
    for name, text in (("u_ev", "4,4.0"), ("temperatures_k", "700,650,700"),
                       ("directions", "[110],[101],[110]"), ("cost_cores", "1,2,1")):
        with pytest.raises(HavenError, match=rf"^--{name} is .*: it gives \S+ twice"):
            options.value_of(told[name], text)
        assert rule_of(told[name])["uniqueItems"]
    assert options.value_of(told["production_ps"], "40,40") == (40, 40)
    assert "uniqueItems" not in rule_of(told["supercell"])


@pytest.mark.parametrize("text", ["Fe", "Fe=", "=2", "Fe=2,Fe=3", "Fe=nan", "Fe=1_0", "Fe=\u0661",
                                  "Fe:2", "Fe=2;Mn=3", "Fe=2,,Mn=3", "Fe=inf"])
def test_numbers_by_element_are_plain_ones(text):
    from haven.material.cif.written import element_numbers

    with pytest.raises(HavenError, match=r"^--charges is "):
        element_numbers(text, "charges")
    assert element_numbers(" Fe = 2 , Mn=3.5", "charges") == {"Fe": 2, "Mn": 3.5}
