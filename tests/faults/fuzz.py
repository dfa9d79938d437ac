#!/usr/bin/env python3
"""Damages valid inputs at random, reads them, and counts what becomes of them.

Whatever its bytes, an input is read as it was, or refused in one clear line that names it, within
30 seconds and 2 GB; numbers that damage turned into other numbers can't be seen where a format has
no checksum, and are counted apart. The same seed makes the same damage. For example:

  python tests/faults/fuzz.py --mutations 300
  python tests/faults/fuzz.py --only outcar --seed 1000 --mutations 5000 --keep /tmp/faults
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import named
from corpus import INPUTS
from judge import (
    EQUAL,
    FAULTS,
    HANG,
    LESS,
    LIMIT_S,
    OTHER,
    REFUSED,
    Case,
    Verdict,
    limit_memory,
)

CRASH = "crash"
COLUMNS = ("tried", REFUSED, EQUAL, OTHER, LESS, *FAULTS, CRASH)


def worker(name: str, seeds: range, folder: str, results: str) -> None:
    """Damage one input by many seeds; one line of JSON a seed, the seed itself before it."""
    os.nice(5)
    faulthandler.enable()
    case = Case(INPUTS[name], Path(folder) / name)
    limit_memory()
    with Path(results).open("a") as out:
        for seed in seeds:
            out.write(f"{seed}\n")
            out.flush()
            begin = time.monotonic()
            data, verdict = case.mutation(seed)
            wall = time.monotonic() - begin
            out.write(json.dumps([seed, verdict.what, verdict.words, round(wall, 3)]) + "\n")
            if verdict.what in FAULTS and os.environ.get("HAVEN_KEEP"):
                kept = Path(os.environ["HAVEN_KEEP"]) / f"{name}.{seed}.{case.path.name}"
                kept.write_bytes(data)


def run(name: str, seeds: range, folder: Path) -> list[tuple[int, str, str, float]]:
    """Return seed, verdict, words and seconds of every damage to one input.

    A process of its own reads them; one that dies, or is silent for twice the limit, is followed by
    another from the next seed on.
    """
    found: list[tuple[int, str, str, float]] = []
    start = seeds.start
    while start < seeds.stop:
        results = folder / f"{name}.{start}.jsonl"
        results.touch()
        rest = range(start, seeds.stop)
        code = followed(worker, (name, rest, str(folder), str(results)), results)
        lines = results.read_text().splitlines()
        found += [tuple(json.loads(line)) for line in lines if line.startswith("[")]
        if code == 0:
            break
        last = next((int(line) for line in reversed(lines) if line.isdecimal()), None)
        if last is None:
            raise SystemExit(f"{name}: its valid input can't be read")
        found.append((last, HANG if code == -9 else CRASH, f"exit {code}", 0.0))
        start = last + 1
    return found


def worker_named(every: int, start: int, folder: str, results: str) -> None:
    """Try every so many of the bad inputs by name, from a place on."""
    os.nice(5)
    cases: dict[str, Case] = {}
    with Path(results).open("a") as out:
        for name in INPUTS:
            cases[name] = Case(INPUTS[name], Path(folder) / name)
            out.write("\n")  # alive
            out.flush()
        limit_memory()
        for place, bad in enumerate(named.every()):
            if place < start or place % every:
                continue
            out.write(f"{place}\n")
            out.flush()
            verdict = named.tried(bad, cases[bad.case])
            out.write(json.dumps([place, verdict.what, verdict.words]) + "\n")


def run_named(folder: Path, every: int = 1) -> list[tuple[named.Bad, Verdict]]:
    """Return bad inputs by name, every so many of them, and what became of each."""
    all_of_them = list(named.every())
    found: list[tuple[named.Bad, Verdict]] = []
    start = 0
    while start < len(all_of_them):
        results = folder / f"named.{start}.jsonl"
        results.touch()
        code = followed(worker_named, (every, start, str(folder), str(results)), results)
        lines = results.read_text().splitlines()
        found += [(all_of_them[place], Verdict(what, words)) for place, what, words in
                  (json.loads(line) for line in lines if line.startswith("["))]
        if code == 0:
            break
        last = next((int(line) for line in reversed(lines) if line.isdecimal()), None)
        if last is None:
            raise SystemExit("the valid inputs can't be read")
        found.append((all_of_them[last], Verdict(HANG if code == -9 else CRASH, f"exit {code}")))
        start = last + 1
    return found


def followed(target: Callable[..., None], arguments: tuple[object, ...], results: Path) -> int:
    """Return the exit code of a worker; one that is silent for twice the limit is ended."""
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    size, since = -1, time.monotonic()
    while process.is_alive():
        process.join(0.1)
        if results.stat().st_size != size:
            size, since = results.stat().st_size, time.monotonic()
        if time.monotonic() - since > 2 * LIMIT_S + 30:
            process.kill()
            process.join()
    return process.exitcode or 0


def table(kinds: dict[str, Counter[str]]) -> None:
    """Print counts by kind of input."""
    print("| kind of input | " + " | ".join(COLUMNS) + " |")
    print("|--" * (len(COLUMNS) + 1) + "|")
    for kind, counts in [*kinds.items(), ("all", sum(kinds.values(), Counter()))]:
        print(f"| {kind} | " + " | ".join(str(counts[column]) for column in COLUMNS) + " |")


def said_of_named(found: list[tuple[named.Bad, Verdict]], show: int) -> bool:
    """Print what became of the bad inputs by name; return whether there is a fault."""
    kinds: dict[str, Counter[str]] = {}
    for bad, verdict in found:
        kinds.setdefault(bad.kind, Counter()).update([verdict.what, "tried"])
    for what in (*FAULTS, CRASH):
        some = [(bad, verdict) for bad, verdict in found if verdict.what == what]
        for bad, verdict in some[: show * 10]:
            print(f"{what}: {bad.kind}: {bad.name}: {verdict.words[:200]}", file=sys.stderr)
    table(kinds)
    return any(counts[what] for counts in kinds.values() for what in (*FAULTS, CRASH))


def main() -> None:
    """Run the campaign and print its table."""
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--named", action="store_true", help="bad inputs by name in their place")
    options.add_argument("--mutations", type=int, default=300, help="of each input")
    options.add_argument("--seed", type=int, default=0, help="the first one")
    options.add_argument("--only", default="", help="inputs whose name begins so, joined by commas")
    options.add_argument("--keep", help="folder for the damaged files of every fault")
    options.add_argument("--show", type=int, default=3, help="faults shown of each input")
    given = options.parse_args()
    if given.keep:
        Path(given.keep).mkdir(parents=True, exist_ok=True)
        os.environ["HAVEN_KEEP"] = given.keep
    if given.named:
        with tempfile.TemporaryDirectory() as folder:
            sys.exit(said_of_named(run_named(Path(folder)), given.show))
    chosen = [name for name in INPUTS if name.startswith(tuple(given.only.split(",")))]
    kinds: dict[str, Counter[str]] = {}
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            begin = time.monotonic()
            found = run(name, range(given.seed, given.seed + given.mutations), Path(folder))
            counts = Counter(what for _, what, _, _ in found)
            slowest = max(slowest, *(wall for *_, wall in found))
            total = kinds.setdefault(INPUTS[name].kind, Counter())
            total.update(counts)
            total["tried"] += len(found)
            said = ", ".join(f"{number} {what}" for what, number in counts.most_common())
            print(f"{name}: {said} ({time.monotonic() - begin:.0f} s)", file=sys.stderr)
            for what in (*FAULTS, CRASH):
                for seed, _, words, _ in [one for one in found if one[1] == what][: given.show]:
                    print(f"    {what}, seed {seed}: {words[:300]}", file=sys.stderr)
    table(kinds)
    print(f"\nslowest: {slowest:.1f} s; inputs {', '.join(chosen)}; seeds {given.seed} to "
          f"{given.seed + given.mutations - 1}")
    sys.exit(any(counts[what] for counts in kinds.values() for what in (*FAULTS, CRASH)))


if __name__ == "__main__":
    main()
