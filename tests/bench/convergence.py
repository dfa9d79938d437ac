#!/usr/bin/env python3
"""Convergence of the shipped labels with plane-wave cutoff, k points, smearing, self-consistency.

Shipped frames are labelled again through `haven.labels.labelling`, one setting changed at a time;
what is there already in --work is not computed again, and the
table is written anew after each frame, so
that a stopped study goes on; rows of the table whose labels --work lacks stay. Costs are processor
seconds of one core. A frame's reference is its label with the finest setting of the same kind;
frames whose Ti moments differ from the reference's are on another electronic branch and their
forces are not compared.
"""

from __future__ import annotations

import argparse
import csv
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import log
from haven.labels.engines.base import CONVERGENCE, LabelSettings
from haven.labels.labelling import label_trajectory
from haven.material.file import load_material

ROOT = Path(__file__).resolve().parents[2]
FRAMES = {  # of 20 atoms: dynamics at 300 and 600 K, strained and rattled cells
    "a": ("d1_u4_t300_r0", 0), "b": ("s1_011", 1), "c": ("d1_u4_t600_r2", 1),
    "d": ("s1_008", 1), "e": ("s1_003", 1),
}
SHIPPED = LabelSettings()
TIGHT = {name: value / 10 for name, value in CONVERGENCE.items()}
SETTINGS = {  # kind, value and settings; the last of a kind is its reference
    **{f"cutoff_{ev}": ("cutoff", replace(SHIPPED, plane_wave_cutoff_ev=float(ev)))
       for ev in (300, 340, 400, 450, 500)},
    **{f"kspacing_{k}": ("kpoints", replace(SHIPPED, kpoint_spacing_per_angstrom=k))
       for k in (0.6, 0.54, 0.4)},
    **{f"smearing_{w}": ("smearing", replace(SHIPPED, smearing_ev=w, smearing_with_u_ev=w))
       for w in (0.2, 0.1, 0.05, 0.025, 0.0125)},
    "scf_shipped": ("scf", SHIPPED), "scf_tenth": ("scf", replace(SHIPPED, convergence=TIGHT)),
}
SAME = {("kspacing_0.6", 0.0), ("kspacing_0.6", 4.0), ("smearing_0.025", 0.0),
        ("smearing_0.1", 4.0), ("scf_shipped", 0.0), ("scf_shipped", 4.0)}  # as cutoff_340
ORDER = (  # what tells most comes first
    ("abcde", ("cutoff_340",)),
    ("abcde", ("kspacing_0.4",)),
    ("abcde", ("smearing_0.0125",)),
    ("abcde", ("cutoff_500",)),
    ("abcde", ("smearing_0.05", "smearing_0.1")),
    ("ab", ("cutoff_400", "cutoff_300")),
    ("abcde", ("kspacing_0.54",)),
    ("abcde", ("smearing_0.2",)),
    ("cde", ("cutoff_400", "cutoff_300")),
    ("abcde", ("cutoff_450", "scf_tenth")),
)
U_EVS = [0.0, 4.0]
COLUMNS: tuple[str, ...] = (
    "kind", "setting", "u_ev", "frame", "kpoints", "energy_ev_per_atom",
    "energy_from_reference_mev_per_atom", "force_from_reference_mev_per_angstrom",
    "stress_from_reference_kbar", "ti_moments", "same_branch", "scf_steps", "cpu_s",
)
KBAR = 1602.1766  # in eV/Angstrom^3


def rows(work: Path) -> list[dict[str, object]]:
    """Return one row for each frame, setting and U labelled in a folder."""
    from ase.io import read

    found = {}
    for path in sorted(work.glob("*/*.u*.extxyz")):
        images: Any = read(path, ":")
        for atoms in images:
            info = atoms.info
            found[path.parent.name, info["u_ev"], info["trajectory"], int(info["frame"])] = atoms
    table = []
    for name, (kind, _) in SETTINGS.items():
        best = [other for other, (same, _) in SETTINGS.items() if same == kind][-1]
        for u_ev in U_EVS:
            for frame in FRAMES.values():
                made = "cutoff_340" if (name, u_ev) in SAME else name
                atoms = found.get((made, u_ev, *frame))
                if atoms is not None:
                    table.append(row(name, kind, atoms, found.get((best, u_ev, *frame))))
    return table


def row(name: str, kind: str, atoms, best) -> dict[str, object]:
    """Return the row of one labelled frame beside its reference (None where not there yet)."""
    titanium = atoms.get_magnetic_moments()[atoms.numbers == 22]
    made = {
        "kind": kind, "setting": name.partition("_")[2], "u_ev": f"{atoms.info['u_ev']:g}",
        "frame": f"{atoms.info['trajectory']}:{atoms.info['frame']}",
        "kpoints": "x".join(str(int(k)) for k in atoms.info["kpoints"]),
        "energy_ev_per_atom": round(atoms.get_potential_energy() / len(atoms), 6),
        "ti_moments": " ".join(f"{moment:.2f}" for moment in titanium),
        "scf_steps": atoms.info["scf_steps"], "cpu_s": atoms.info["cpu_s"],
    }
    if best is None:
        return made
    moments = best.get_magnetic_moments()[best.numbers == 22]
    made["same_branch"] = bool(np.abs(titanium - moments).max() < 0.1)
    change = atoms.get_potential_energy() - best.get_potential_energy()
    made["energy_from_reference_mev_per_atom"] = round(1e3 * change / len(atoms), 3)
    if made["same_branch"]:
        force = atoms.get_forces() - best.get_forces()
        made["force_from_reference_mev_per_angstrom"] = round(1e3 * np.sqrt((force**2).mean()), 2)
        if all("stress" in label.calc.results for label in (atoms, best)):
            stress = atoms.get_stress() - best.get_stress()
            made["stress_from_reference_kbar"] = round(KBAR * stress[:3].mean(), 2)
    return made


def write_table(work: Path, out: Path) -> None:
    """Write the rows, and those of the table there that are of labels the folder lacks."""
    kept: dict[tuple[str, ...], dict[str, object]] = {}
    if out.exists():
        with out.open() as stream:
            kept = {tuple(r[c] for c in COLUMNS[:4]): dict(r)
                    for r in csv.DictReader(line for line in stream if line[0] != "#")}
    kept |= {tuple(str(r[c]) for c in COLUMNS[:4]): r for r in rows(work)}
    order = list(SETTINGS), [":".join(map(str, frame)) for frame in FRAMES.values()]
    prefix = {"kpoints": "kspacing"}

    def place(key: tuple[str, ...]) -> tuple[int, float, int]:
        name = f"{prefix.get(key[0], key[0])}_{key[1]}"
        return order[0].index(name), float(key[2]), order[1].index(key[3])

    with out.open("w", newline="") as stream:
        stream.write("# made by tests/bench/convergence.py: forces are root mean square "
                     "differences of components, stress the mean of the diagonal\n")
        table = csv.DictWriter(stream, COLUMNS)
        table.writeheader()
        table.writerows(kept[key] for key in sorted(kept, key=place))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the labels")
    parser.add_argument("--u_ev", default="0,4", help="U to label with, eV")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "bench" / "convergence.csv")
    given = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(message)s")

    from ase.io import read

    u_evs = [float(u) for u in given.u_ev.split(",")]
    material = load_material(ROOT / "assets" / "materials" / "li3ticl6.yml")
    for frames, settings in ORDER:
        for setting in settings:
            for key in frames:
                name, number = FRAMES[key]
                shipped: Any = read(ROOT / f"assets/frames/li3ticl6/{name}.u4.extxyz", number)
                bare = shipped.copy()
                bare.info = {"trajectory": name, "frame": number}
                log.info("%s", setting)
                label_trajectory([bare], material, u_evs, SETTINGS[setting][1],
                                 given.work / setting)
                write_table(given.work, given.out)


if __name__ == "__main__":
    main()
