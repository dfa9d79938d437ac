"""A pair potential for Li3TiCl6, the same in closed form as the labels of `analytic`."""

from __future__ import annotations

from pathlib import Path

from analytic import CHARGES, CONTACTS, CUTOFF, DAMPING, STIFFNESS


def write_pair(folder: Path, name: str = "u4_s1.pair", **changed: object) -> Path:
    """Write the potential into a folder and return its file; ``changed`` replaces entries."""
    told = {"cutoff_angstrom": CUTOFF, "damping_per_angstrom": DAMPING, "repulsion_ev": 0.22,
            "stiffness_angstrom": STIFFNESS, "charges": CHARGES, "radii_angstrom": CONTACTS}
    path = folder / name
    path.write_text("".join(f"{key}: {value}\n".replace("'", "") for key, value in
                            {**told, **changed}.items() if value is not None))
    return path
