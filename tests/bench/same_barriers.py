#!/usr/bin/env python3
"""Follow the same jumps with two potentials, in one lattice, and compare their barriers.

What dispersion in the labels, or an equivariant network, does to barriers: each structure's atoms
are relaxed with either potential in the lattice they have; from both, jumps of the same ions to the
same empty sites are followed along each direction; those whose bands are sound with both count. A
row is written as soon as a jump is done, and jumps that the file holds are not followed again.

    tests/bench/same_barriers.py --first assets/models/small_d3bj --second assets/models/small \\
        --structures u0_r0.annealed.extxyz u4_r0.annealed.extxyz --out barriers.csv
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))
if TYPE_CHECKING:
    from haven.mechanism.paths import Jump

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 0.05  # eV/Angstrom, as the pipeline's
IMAGES = 7
HEAD = ("u_ev", "replica", "direction", "atom", "from_site", "to_site", "first", "second",
        "barrier_first_ev", "reverse_first_ev", "barrier_second_ev", "reverse_second_ev",
        "doubts_first", "doubts_second")


def follow_all(structure: Path, models: list[Path], each: int, out: Path) -> None:
    """Follow jumps of a structure ``u4_r0...`` with both potentials; add rows to ``out``.

    Parameters
    ----------
    structure
        Annealed supercell; its name begins with U and replica.
    models
        Two folders of potentials ``u4_s1.pb`` or ``u4_s1.pt2`` (`compile_potential.py`).
    each
        Jumps of a direction that count; twice as many are tried.
    out
        Table that rows are added to.
    """
    from haven.material.file import load_material
    from haven.mechanism import barriers, paths
    from haven.potential.families import calculator

    u_ev, replica = re.match(r"u([\d.]+)_r(\d+)", structure.name).groups()
    material = load_material(ROOT / "assets" / "materials" / "li3ticl6.yml")
    starts = []
    for folder in models:
        start, lattice, _ = paths.load_start(material, structure)
        names = [folder / f"u{u_ev}_s1{end}" for end in (".pb", ".pt2")]
        frozen = next((path for path in names if path.exists()), names[0])
        start.calc = calculator(frozen, start)
        if not barriers.start_verdict(start, TOLERANCE)["passed"]:
            raise SystemExit(f"{structure} can't be relaxed with {folder}")
        starts.append((start, lattice, paths.occupation(lattice, start, ["Li", "Ti"])))
    for want in paths.directions_wanted("[110],[101],[010]", [], 0, material):
        lists = [paths.candidates(lattice, start, taken, "Li", want)
                 for start, lattice, taken in starts]
        there = {(jump.atom, jump.first, jump.second) for jump in lists[1]}
        jumps = [jump for jump in lists[0] if (jump.atom, jump.first, jump.second) in there]
        done = {key(row): row for row in rows_of(out)}
        sound = 0
        for jump in jumps[: 2 * each]:
            mark = (u_ev, replica, str(jump.atom), str(jump.first), str(jump.second))
            row = done.get(mark) or compared(starts, jump, want.name, u_ev, replica)
            if mark not in done:
                add(out, row)
            sound += not row["doubts_first"] and not row["doubts_second"]
            if sound == each:
                break


def compared(starts: list, jump: Jump, direction: str, u_ev: str, replica: str) -> dict[str, str]:
    """Return the row of one jump: barriers with both potentials, both ways, and their doubts."""
    from haven.mechanism.bands import nudged_band
    from haven.mechanism.barriers import doubts_of, ends

    lattice = starts[0][1]
    row = {"u_ev": u_ev, "replica": replica, "direction": direction, "atom": str(jump.atom),
           "from_site": str(lattice.letters[jump.first]),
           "to_site": str(lattice.letters[jump.second]), "first": str(jump.first),
           "second": str(jump.second)}
    for name, (start, laid, taken) in zip(("first", "second"), starts, strict=True):
        end, doubts = ends(start, jump, laid, taken, TOLERANCE)
        barrier = reverse = ""
        if not doubts:
            band = nudged_band(start, end, jump.atom, IMAGES, TOLERANCE)
            doubts = doubts_of(band, jump, laid, taken)
            doubts += [] if band.converged else ["not_converged"]
            barrier = f"{band.energies.max():.4f}"
            reverse = f"{band.energies.max() - band.energies[-1]:.4f}"
        row |= {f"barrier_{name}_ev": barrier, f"reverse_{name}_ev": reverse,
                f"doubts_{name}": "+".join(doubts)}
        if doubts and name == "first":
            return row | {"barrier_second_ev": "", "reverse_second_ev": "",
                          "doubts_second": "not_followed"}
    return row


def key(row: dict[str, str]) -> tuple[str, ...]:
    """Return what tells a jump from others."""
    return tuple(row[name] for name in ("u_ev", "replica", "atom", "first", "second"))


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows there are."""
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def add(path: Path, row: dict[str, str]) -> None:
    """Add a row to the table."""
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, HEAD, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def main() -> None:
    """Follow the jumps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--first", type=Path, required=True, help="folder of potentials")
    parser.add_argument("--second", type=Path, required=True, help="folder of the others")
    parser.add_argument("--structures", type=Path, nargs="+", required=True)
    parser.add_argument("--each", type=int, default=4, help="sound jumps of each direction")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    for structure in args.structures:
        follow_all(structure, [args.first, args.second], args.each, args.out)


if __name__ == "__main__":
    main()
