"""How the true error depends on an ensemble's disagreement and on the distance from its data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from haven.core.numbers import interval
from haven.core.types import Row, Table
from haven.potential.accuracy import bootstrap_rmse

if TYPE_CHECKING:
    import numpy as np

BINS = 6  # of equal numbers of atoms, by rank of deviation
ATOM = ["trajectory", "frame", "species", "number"]


def atoms_of(parity: Table) -> Table:
    """Return the force error of each held-out atom, with its distance from the data and deviation.

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


def _binned(atoms: Table, by: str) -> Iterator[tuple[int, Table]]:
    import numpy as np

    ranks = atoms[by].rank(method="first").to_numpy()
    which = np.minimum((BINS * (ranks - 1) / max(len(atoms), 1)).astype(int), BINS - 1)
    for number in range(BINS):
        part = atoms[which == number]
        if len(part):
            yield number, part


def calibration_rows(parity: Table, material: str) -> list[Row]:
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


def _sums(mine: Table) -> np.ndarray:
    """Return summed squares of error and deviation, one row a trajectory, shape (T, 2)."""
    squares = mine[["error", "deviation"]] ** 2
    return squares.groupby(mine["trajectory"].to_numpy()).sum().to_numpy(float)


def scale_rows(parity: Table, material: str, draws: int = 2000) -> list[Row]:
    """Return rows of table ``calibration_scale``: what to multiply an ensemble's deviation by.

    One factor for each U makes the mean squares of deviation and true error on held-out atoms
    equal, a linear variance scaling [1]_. The usual factor, the mean of the squared ratios, needs
    larger ensembles: that mean is far too large where few members agree by chance [2]_.

    Parameters
    ----------
    parity
        Table ``parity``.
    material
        For the rows.
    draws
        Bootstrap samples of the trajectories; their seed is fixed.

    Returns
    -------
    list of dict
        None for a U with one potential. The interval is missing below three trajectories, the
        left-out ratios below two.

    References
    ----------
    .. [1] Musil et al., J. Chem. Theory Comput. 15, 906 (2019), doi:10.1021/acs.jctc.8b00959
    .. [2] Imbalzano et al., J. Chem. Phys. 154, 074102 (2021), doi:10.1063/5.0036522
    """
    import numpy as np

    rows: list[Row] = []
    for u_ev, mine in atoms_of(parity).groupby("u_ev"):
        mine = mine[mine["deviation"].notna()]
        sums = _sums(mine)
        if not len(sums) or sums[:, 1].sum() == 0:
            continue
        pick = np.random.default_rng(0).integers(len(sums), size=(draws, len(sums)))
        drawn = sums[pick].sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.quantile(np.sqrt(drawn[:, 0] / drawn[:, 1]), [0.025, 0.975])
            rest = sums.sum(axis=0) - sums
            left_out = np.sqrt(sums[:, 0] / sums[:, 1] / (rest[:, 0] / rest[:, 1]))
        low, high = ends.tolist() if len(sums) > 2 else (None, None)
        best, worst = (left_out.min(), left_out.max()) if len(sums) > 1 else (None, None)
        rows.append({
            "material": material, "u_ev": float(str(u_ev)),
            "members": int(mine["members"].iloc[0]), "count": len(mine),
            "trajectories": len(sums), "scale": float(np.sqrt(sums[:, 0].sum() / sums[:, 1].sum())),
            "scale_low_95": low, "scale_high_95": high,
            "left_out_low": best, "left_out_high": worst,
        })
    return rows


def sentences(parity: Table) -> list[str]:
    """Return a sentence for each U on how well an ensemble's disagreement predicts errors."""
    scales = {row["u_ev"]: row for row in scale_rows(parity, "")}
    found = []
    for u_ev, mine in atoms_of(parity).groupby("u_ev"):
        where, row = f"U = {u_ev:g} eV", scales.get(float(str(u_ev)))
        if row is None:
            found.append(f"{where}: one potential only, so there is no disagreement to go by: "
                         "--ensemble 2 or more measures it.")
            continue
        rank = float(mine[["deviation", "error"]].rank().corr().iloc[0, 1])
        factor = interval(row["scale"], row["scale_low_95"], row["scale_high_95"])
        held = (f" Fitted without one of the {row['trajectories']} held-out trajectories, it "
                f"foretells that one's error to a factor of {row['left_out_low']:.2f} to "
                f"{row['left_out_high']:.2f}." if row["left_out_low"] is not None else "")
        found.append(f"{where}: on {row['count']} held-out atoms the true force error is {factor} "
                     f"times the deviation of the {row['members']} potentials (root mean squares); "
                     f"their ranks correlate with {rank:.2f}. Force errors of the runs are "
                     f"deviations times this factor.{held}")
    return found
