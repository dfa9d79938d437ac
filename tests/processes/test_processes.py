"""Every process's script block on real miniature data, held against nf-test's snapshots."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cases import ROOT, Case, Ended, cases, differences, mutants, run, run_stubs, stubs

CASES = cases()
WRITES = os.environ.get("HAVEN_SNAPSHOTS") == "write"
NEEDS = {"LABEL_FRAMES": "gpaw", "RUN_AIMD": "gpaw", "RELAX_FIRST_PRINCIPLES": "gpaw"}


def here(some: list[Case]) -> list[Case]:
    """Return the cases whose software is installed, and which have a snapshot or are to get one."""
    return [case for case in some if (case.snapshot or WRITES)
            and importlib.util.find_spec(NEEDS.get(case.process, "sys"))]


def key_of(case: Case) -> str:
    return f"T{CASES.index(case)}_{case.process}"


def text_of(case: Case) -> str:
    return (ROOT / case.module / "main.nf").read_text()


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for runs; ./haven test keeps it where something failed."""
    return Path(os.environ.get("HAVEN_SCRATCH") or tmp_path_factory.mktemp("processes"))


@pytest.fixture(scope="session")
def ended(scratch: Path) -> Ended:
    """One run of all script blocks."""
    return run(scratch / "processes", {key_of(case): (case, text_of(case)) for case in here(CASES)})


def test_processes_have_a_test_of_their_script_block() -> None:
    there = {path.parent.name.upper() for path in (ROOT / "modules").glob("*/main.nf")}
    assert {case.process for case in CASES} == there


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.process)
def test_the_outputs_of_a_script_block_are_those_of_its_snapshot(case: Case, ended: Ended) -> None:
    if case not in here([case]):
        pytest.skip("no snapshot yet (HAVEN_SNAPSHOTS=write makes it), or its software is missing")
    assert ended.status[key_of(case)] == "COMPLETED", ended.said
    found = ended.lines[key_of(case)]
    if WRITES:
        case.write_snapshot(found)
    assert case.snapshot
    assert not differences(case.snapshot, found), "\n".join(found)


def test_a_mutant_of_each_process_fails(scratch: Path) -> None:
    """A command that lost an option which its script requires; a stub run sees nothing of it."""
    broken = {}
    for case in here(CASES):
        options = mutants(text_of(case))
        for option in REQUIRED:
            if option in options:
                broken[key_of(case)] = (case, options[option])
                break
    assert {case for case, _ in broken.values()} == set(here(CASES))
    mutated = run(scratch / "mutants", broken)
    alive = [key for key in broken if mutated.status[key] != "FAILED"]
    assert not alive, mutated.said


@pytest.fixture(scope="session")
def stubbed(scratch: Path) -> dict[str, str]:
    """One run of all stub blocks: what did not hold, by process and name of the test."""
    return run_stubs(scratch / "stubs", {f"S{number}_{stub.process}": stub
                                         for number, stub in enumerate(stubs())})


def test_stub_blocks_give_what_nf_test_asserts_of_them(stubbed: dict[str, str]) -> None:
    there = {path.parent.name.upper() for path in (ROOT / "modules").glob("*/main.nf")}
    assert {stub.process for stub in stubs()} == there
    lost = [f"{key}: {said}" for key, said in stubbed.items() if said]
    assert not lost, "\n".join(lost)


REQUIRED = ("--trajectory", "--material", "--tables")


def test_a_snapshot_is_compared_by_its_numbers() -> None:
    line = "  value double: 1.2 to 30, mean size 15.1"
    assert not differences([line], ["other", line.replace("15.1", "15.2")])
    assert differences([line], [line.replace("30", "33")]) == [line]
    assert differences([line], [line.replace("double", "int64")]) == [line]
    assert differences([line, line], [line]) == [line]
