#!/usr/bin/env python3
"""Does the order of the spins matter where Ti stands beside Ti? Label shipped frames in others.

The shipped labels fix the total moment at one a Ti, so that the two Ti of a cell of 20 atoms are
ferromagnetic. Five of the frames with a Ti-Ti distance below 3.2 Angstrom, spread evenly over that
distance, one a starting structure, are labelled again with the shipped settings: antiferromagnetic
(moments up and down, total fixed at 0), paired (no spin: both d electrons share orbitals, a closed
singlet), and ferromagnetic, which tells how well a label repeats. What --work holds is not computed
again, and the table is written anew after each frame. Costs are processor seconds of one core.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bin"))

from ase.io import read, write
from ase.neighborlist import neighbor_list

from haven.core.errors import log
from haven.labels.engines.base import LabelSettings
from haven.labels.engines.gpaw import Gpaw
from haven.labels.labelling import labelled
from haven.material.file import load_material

SHIPPED = ROOT / "assets" / "frames" / "li3ticl6"
NEAR_ANGSTROM = 3.2  # Ti closer to Ti than this shares d orbitals with it
FRAMES = 5
ORDERS = {  # moments of the two Ti to start from, Bohr magneton; their sum is kept
    "antiferromagnetic": (1.0, -1.0), "paired": (0.0, 0.0), "ferromagnetic": (1.0, 1.0),
}
GPA = 160.21766  # of one eV/Angstrom^3
COLUMNS = (
    "frame", "ti_ti_angstrom", "near_pairs", "u_ev", "order", "ti_moments",
    "energy_from_label_mev_per_atom", "force_from_label_mev_per_angstrom",
    "largest_force_from_label_mev_per_angstrom", "pressure_from_label_gpa",
    "scf_steps", "scf_way", "cpu_s",
)


def near_pairs(atoms: Any) -> np.ndarray:
    """Return the distances of Ti to Ti below the limit, each once, sorted, in Angstrom."""
    distances = neighbor_list("d", atoms[atoms.numbers == 22], NEAR_ANGSTROM)
    return np.sort(distances)[::2]  # each stands there from both ends


@cache
def chosen() -> list[tuple[str, int]]:
    """Return trajectory and place in the file of frames evenly spread over the distance."""
    near = []
    for path in sorted(SHIPPED.glob("*.u4.extxyz")):
        if not path.with_name(path.name.replace(".u4.", ".u0.")).exists():
            continue
        images: Any = read(path, ":")
        for place, atoms in enumerate(images):
            pairs = near_pairs(atoms)
            if len(pairs) and len(atoms) == 20:
                near.append((pairs[0], path.name.split(".")[0], place))
    near.sort()
    kept: list[tuple[str, int]] = []
    for start in np.linspace(0, len(near) - 1, FRAMES).round().astype(int):
        order = sorted(near, key=lambda one: abs(near.index(one) - start))
        kept.append(next((name, place) for _, name, place in order
                         if name not in {other for other, _ in kept}))
    return kept


def shipped_labels(name: str, place: int) -> dict[float, Any]:
    """Return the shipped label of a frame at each U."""
    at_four: Any = read(SHIPPED / f"{name}.u4.extxyz", place)
    without: Any = read(SHIPPED / f"{name}.u0.extxyz", ":")
    number = at_four.info["frame"]
    return {0.0: next(atoms for atoms in without if atoms.info["frame"] == number), 4.0: at_four}


def made(work: Path, order: str, name: str, place: int) -> dict[float, Any]:
    """Return the labels of a frame in an order that the folder has, at each U."""
    path = work / f"{order}.{name}.{place}.extxyz"
    images: Any = read(path, ":") if path.exists() else []
    return {float(atoms.info["u_ev"]): atoms for atoms in images}


def make(work: Path, order: str, name: str, place: int, u_evs: list[float]) -> Iterator[float]:
    """Label a frame in an order, write each label as it is made, and yield its U."""
    start = shipped_labels(name, place)[4.0].copy()
    start.info = {"trajectory": name, "frame": start.info["frame"], "order": order}
    moments = np.zeros(len(start))
    moments[start.numbers == 22] = ORDERS[order]
    start.set_initial_magnetic_moments(moments)
    material = load_material(ROOT / "assets" / "materials" / "li3ticl6.yml")
    engine = Gpaw(material, LabelSettings(), work / "gpaw.txt")
    have = made(work, order, name, place)
    for u_ev, result in engine.label(start, u_evs):
        if u_ev not in have:
            label = labelled(start, u_ev, result, engine.settings, engine.version)
            write(work / f"{order}.{name}.{place}.extxyz", label, format="extxyz", append=True)
            yield u_ev


def row(order: str, name: str, place: int, u_ev: float, label: Any) -> dict[str, object]:
    """Return how a label differs from the shipped one of its frame and U."""
    shipped = shipped_labels(name, place)[u_ev]
    pairs = near_pairs(label)
    force = label.get_forces() - shipped.get_forces()
    stress = label.get_stress() - shipped.get_stress()
    moments = label.get_magnetic_moments()[label.numbers == 22]
    change = label.get_potential_energy() - shipped.get_potential_energy()
    return {
        "frame": f"{name}:{place}", "ti_ti_angstrom": round(float(pairs[0]), 3),
        "near_pairs": len(pairs), "u_ev": f"{u_ev:g}", "order": order,
        "ti_moments": " ".join(f"{moment:.2f}" for moment in moments),
        "energy_from_label_mev_per_atom": round(1e3 * change / len(label), 3),
        "force_from_label_mev_per_angstrom": round(1e3 * float(np.sqrt((force**2).mean())), 1),
        "largest_force_from_label_mev_per_angstrom": round(
            1e3 * float(np.linalg.norm(force, axis=1).max()), 1),
        "pressure_from_label_gpa": round(-GPA * float(stress[:3].mean()), 3),
        "scf_steps": label.info["scf_steps"], "scf_way": label.info["scf_way"],
        "cpu_s": label.info["cpu_s"],
    }


def write_table(work: Path, out: Path) -> None:
    """Write a row for each label that the folder has."""
    frames = chosen()
    rows = [row(order, *frame, u_ev, label) for u_ev in (0.0, 4.0) for order in ORDERS
            for frame in frames for found, label in made(work, order, *frame).items()
            if found == u_ev]
    with out.open("w", newline="") as stream:
        stream.write("# made by tests/bench/spin_order.py: other orders of the spins against the "
                     "shipped, ferromagnetic labels; forces: root mean square of components, and "
                     "the longest difference of an atom\n")
        table = csv.DictWriter(stream, COLUMNS)
        table.writeheader()
        table.writerows(rows)


def main() -> None:
    """Label what is asked for and not there, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the labels")
    parser.add_argument("--orders", default=",".join(ORDERS), help="orders to label in")
    parser.add_argument("--u_ev", default="0,4", help="U to label with, eV")
    parser.add_argument("--most", type=int, default=99, help="frames to label in this call")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"), help="csv")
    given = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(message)s")
    given.work.mkdir(parents=True, exist_ok=True)
    u_evs = [float(u) for u in given.u_ev.split(",")]
    due = [(order, *frame) for order in given.orders.split(",") for frame in chosen()
           if not set(u_evs) <= set(made(given.work, order, *frame))]
    for one in due[:given.most]:
        for u_ev in make(given.work, *one, u_evs):
            log.info("%s %s:%d U = %g eV", *one, u_ev)
            write_table(given.work, given.out)
    write_table(given.work, given.out)


if __name__ == "__main__":
    main()
