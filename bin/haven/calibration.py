"""What an ensemble's disagreement and the distance from its data say of the true error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from haven.accuracy import bootstrap_rmse
from haven.kinds import Frame, Row

if TYPE_CHECKING:
    import numpy as np

BINS = 6
ATOM = ["trajectory", "frame", "species", "number"]


def atoms_of(parity: Frame) -> Frame:
    """Return the error of the force on each held-out atom, beside what foretells it.

    Parameters
    ----------
    parity
        Table ``parity``; the lowest seed of each U is the potential that drives the dynamics.

    Returns
    -------
    pandas.DataFrame
        ``u_ev``, those of `ATOM`, ``distance``, ``members``, ``error`` (norm of the driving
        potential's error, eV/Angstrom) and ``deviation`` (as LAMMPS has it: root mean square
        distance of the members' forces from their mean, eV/Angstrom; nan with one member).
    """
    import numpy as np
    import pandas as pd

    forces = parity[(parity["subset"] == "test") & (parity["quantity"] == "force")]
    done = []
    for u_ev, mine in forces.groupby("u_ev"):
        wide = mine.pivot_table(index=ATOM, columns=["component", "seed"], values="predicted")
        label = mine.pivot_table(index=ATOM, columns="component", values="reference")
        away = mine.groupby(ATOM)["distance"].first().reindex(wide.index)
        seeds = sorted(mine["seed"].unique())
        both = [c for c in "xyz" if c in label]
        guess = np.stack([wide[c][seeds].to_numpy() for c in both], axis=1)
        whole = np.isfinite(guess).all(axis=(1, 2))
        error = np.linalg.norm(guess[:, :, 0] - label[both].to_numpy(), axis=1)
        spread = ((guess - guess.mean(axis=2, keepdims=True)) ** 2).sum(axis=1).mean(axis=1) ** 0.5
        rows = pd.DataFrame({
            "u_ev": float(str(u_ev)), "distance": away.to_numpy(float), "members": len(seeds),
            "error": error, "deviation": spread if len(seeds) > 1 else np.nan,
        }, index=wide.index)
        done.append(rows[whole].reset_index())
    columns = ["u_ev", *ATOM, "distance", "members", "error", "deviation"]
    return pd.concat(done, ignore_index=True) if done else pd.DataFrame(columns=columns)


def _binned(atoms: Frame, by: str) -> Iterator[tuple[int, Frame]]:
    import numpy as np

    ranks = atoms[by].rank(method="first").to_numpy()
    which = np.minimum((BINS * (ranks - 1) / max(len(atoms), 1)).astype(int), BINS - 1)
    for number in range(BINS):
        part = atoms[which == number]
        if len(part):
            yield number, part


def calibration_rows(parity: Frame, material: str) -> list[Row]:
    """Return rows of table ``calibration``: true error in bins of deviation and of distance.

    Each bin holds a sixth of the atoms; intervals draw whole trajectories.
    """
    rows: list[Row] = []
    for u_ev, mine in atoms_of(parity).groupby("u_ev"):
        for by, unit in (("deviation", "eV/Angstrom"), ("distance", "neighbours")):
            some = mine[mine[by].notna()]
            for number, part in _binned(some, by):
                errors = {str(name): group["error"].to_numpy(float)
                          for name, group in part.groupby("trajectory")}
                low, high = bootstrap_rmse(errors, 0)
                rows.append({
                    "material": material, "u_ev": float(str(u_ev)), "against": by, "bin": number,
                    "members": int(part["members"].iloc[0]), "count": len(part),
                    "value": _rms(part[by].to_numpy(float)), "unit": unit,
                    "error_rmse_ev_per_angstrom": _rms(part["error"].to_numpy(float)),
                    "error_low_95": low, "error_high_95": high,
                })
    return rows


def _rms(values: np.ndarray) -> float:
    return float((values**2).mean() ** 0.5)


def sentences(parity: Frame) -> list[str]:
    """Return for each U what an ensemble's disagreement is worth, in a sentence."""
    from scipy.stats import spearmanr

    found = []
    for u_ev, mine in atoms_of(parity).groupby("u_ev"):
        members = int(mine["members"].iloc[0])
        where = f"U = {u_ev:g} eV"
        if members < 2:
            found.append(f"{where}: one potential only, so there is no disagreement to go by: "
                         "--ensemble 2 or more measures it.")
            continue
        factor = _rms(mine["error"].to_numpy()) / _rms(mine["deviation"].to_numpy())
        rank = float(spearmanr(mine["deviation"], mine["error"])[0])
        found.append(f"{where}: on {len(mine)} held-out atoms the true force error is "
                     f"{factor:.1f} times the deviation of the {members} potentials (root mean "
                     f"squares); their ranks correlate with {rank:.2f}.")
    return found
