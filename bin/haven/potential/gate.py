"""Test of the trust gate on held-out atoms: what it flags and misses, and whether it may be used.

The trust gate compares an ensemble's disagreement with a window. This is of use only where the
disagreement is larger for atoms with larger true errors, which is measured here on labelled frames
that no potential was trained on. Where it is not so, no run is called trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from haven.core.numbers import known, percent
from haven.core.types import Row, Table
from haven.potential.calibration import ATOM, atoms_of

if TYPE_CHECKING:
    import numpy as np

WINDOW = 0.3  # eV/Angstrom: force error up to which an atom counts as within its training data
RANK_LEAST = 0.5  # Spearman's: of a normal pair, half of the worst quarter is then found as such
DETECT_LEAST = 0.5  # share of the atoms beyond the window that a gate has to flag
ENOUGH = 10  # atoms beyond the window below which the share flagged says little
FACTOR = 2.0  # true over calibrated error where the deviation is largest, at most, or its inverse
LEAST_TRAJECTORIES = 3  # fewer say nothing of other trajectories
TOP = 6  # the gate acts where the deviation is large: in the highest of so many parts
DRAWS = 1000  # bootstrap samples of the trajectories

TRUSTED, BEYOND, UNCALIBRATED = "trusted", "beyond", "uncalibrated"


@dataclass(frozen=True)
class Flagged:
    """How many held-out frames the gate puts beyond the window.

    Attributes
    ----------
    frames, of
        Frames whose worst atom's calibrated error is beyond the window, and all of them.
    atoms
        Mean number of atoms in one.
    """

    frames: int
    of: int
    atoms: float

    def share(self, atoms: int) -> tuple[float, float, float]:
        """Return the share of larger frames that would be beyond the window.

        A frame is judged by its worst atom, so the more atoms it has the more often it is beyond.

        Parameters
        ----------
        atoms
            Number in the larger frame.

        Returns
        -------
        tuple of float
            The share 1 - (1 - p)^n, with the share p of the held-out frames and n of them in a
            larger one, and the ends of its 95 % interval, which follow from the exact binomial
            interval of p.
        """
        from haven.core.statistics import share_interval

        ends = (self.frames / self.of, *share_interval(self.frames, self.of))
        value, low, high = (1 - (1 - end) ** (atoms / self.atoms) for end in ends)
        return value, low, high

    def share_words(self, atoms: int) -> str:
        """Return `share` in words, for a sentence."""
        value, low, high = self.share(atoms)
        return ("frames of as many atoms put together from held-out labels: "
                f"{percent(value)} [{percent(low)}, {percent(high)}]")


def flagged_frames(rows: Iterable[Mapping[str, object]]) -> dict[float, Flagged]:
    """Return the held-out frames beyond the window, from rows of ``trust_gate``, by U."""
    by_u: dict[float, dict[str, Mapping[str, object]]] = {}
    for row in rows:
        by_u.setdefault(float(str(row["u_ev"])), {})[str(row["level"])] = row
    counts = {u: {level: int(str(row["count"])) for level, row in mine.items()}
              for u, mine in by_u.items()}
    return {u: Flagged(sum(int(str(mine["frame"][name])) for name in ("flagged", "false_alarms")),
                       counts[u]["frame"], counts[u]["atom"] / counts[u]["frame"])
            for u, mine in by_u.items() if counts[u].get("atom") and counts[u].get("frame")}


@dataclass(frozen=True)
class Gate:
    """Whether a U's ensemble can judge the frames of a run, and by which limit.

    Attributes
    ----------
    scale
        Force error over deviation; None where nothing was held out or one potential is alone.
    allowed
        Whether a run may be called trusted by it.
    reason
        Why it may not be used, in words; empty where it may.
    window
        Force error up to which an atom counts as trained, eV/Angstrom.
    held_out
        What the gate says of held-out frames; None where nothing was held out.
    """

    scale: float | None
    allowed: bool
    reason: str
    window: float
    held_out: Flagged | None = None


def held_out(parity: Table) -> Table:
    """Return held-out atoms with their calibrated error, by cross-validation over trajectories.

    Parameters
    ----------
    parity
        Table ``parity``.

    Returns
    -------
    pandas.DataFrame
        Those rows of `haven.potential.calibration.atoms_of` that have a deviation, and
        ``calibrated`` (eV/Angstrom): the deviation times the root mean square of the true error
        over that of the deviation on all other trajectories; nan with one trajectory.
    """
    import numpy as np
    import pandas as pd

    atoms, parts = atoms_of(parity), []
    for _, mine in atoms[atoms["deviation"].notna()].groupby("u_ev"):
        squares = mine[["error", "deviation"]] ** 2
        own = squares.groupby(mine["trajectory"].to_numpy()).sum()
        rest = squares.sum() - own
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.sqrt(rest["error"] / rest["deviation"])
        parts.append(mine.assign(calibrated=mine["deviation"] * mine["trajectory"].map(factor)))
    return pd.concat(parts) if parts else atoms.assign(calibrated=np.nan).iloc[:0]


def gate_rows(parity: Table, material: str, window: float = WINDOW) -> list[Row]:
    """Return rows of table ``trust_gate``: how often the gate flags held-out atoms and frames.

    Parameters
    ----------
    parity
        Table ``parity``.
    material
        For the rows.
    window
        Force error up to which an atom counts as trained, eV/Angstrom.

    Returns
    -------
    list of dict
        Two for each U with an ensemble: of single atoms, and of frames by their worst atom, which
        is how runs are judged. Intervals draw whole trajectories; where none or all are flagged
        they are the exact binomial ones.
    """
    rows: list[Row] = []
    for u_ev, atoms in held_out(parity).groupby("u_ev"):
        frames = atoms.groupby([name for name in ATOM if name in ("trajectory", "frame")])
        worst = frames[["error", "deviation", "calibrated"]].max().reset_index()
        for level, mine in (("atom", atoms), ("frame", worst)):
            rows.append({"material": material, "u_ev": float(str(u_ev)), "level": level,
                         "members": int(atoms["members"].iloc[0]),
                         "window_ev_per_angstrom": window, **_measured(mine, window)})
    return rows


def _measured(mine: Table, window: float) -> Row:
    import numpy as np

    from haven.core.statistics import share_interval

    names, group = np.unique(mine["trajectory"].to_numpy(str), return_inverse=True)
    error, calibrated = (mine[c].to_numpy(float) for c in ("error", "calibrated"))
    above, flagged = error > window, calibrated > window
    ranks = mine[["deviation", "error"]].rank().to_numpy().T
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    parts = [above & flagged, above, flagged & ~above, ~above, ranks[0] * ranks[1], ranks[0]**2,
             ranks[1]**2]
    sums = np.array([np.bincount(group, part.astype(float), len(names)) for part in parts]).T
    pick = np.random.default_rng(0).integers(len(names), size=(DRAWS, len(names)))
    drawn, whole = sums[pick].sum(axis=1), sums.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rank = whole[4] / np.sqrt(whole[5] * whole[6])
        ends = drawn[:, 4] / np.sqrt(drawn[:, 5] * drawn[:, 6])
    enough = len(names) >= LEAST_TRAJECTORIES
    low, high = _quantiles(ends) if enough else (None, None)
    row: Row = {"trajectories": len(names), "count": len(mine),
                "rank_correlation": float(rank) if np.isfinite(rank) else None,
                "rank_low_95": low, "rank_high_95": high,
                "top_error_over_calibrated": _at_the_top(error, calibrated)}
    for name, hit, of in (("flagged", 0, 1), ("false_alarms", 2, 3)):
        hits, total = int(whole[hit]), int(whole[of])
        some = drawn[drawn[:, of] > 0]
        low, high = None, None
        if total and enough:
            low, high = (share_interval(hits, total) if hits in (0, total)
                         else _quantiles(some[:, hit] / some[:, of]))
        row |= {{"flagged": "above", "false_alarms": "within"}[name]: total, name: hits,
                f"share_{name}": hits / total if total else None,
                f"share_{name}_low_95": low, f"share_{name}_high_95": high}
    return row


def _quantiles(values: np.ndarray) -> tuple[float, float] | tuple[None, None]:
    import numpy as np

    values = values[np.isfinite(values)]
    if not len(values):
        return None, None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _at_the_top(error: np.ndarray, calibrated: np.ndarray) -> float | None:
    """Return true over calibrated error (root mean squares) where the deviation is largest."""
    import numpy as np

    order = np.argsort(calibrated)[-max(len(calibrated) // TOP, 1):]
    below = float((calibrated[order] ** 2).mean())
    if not below > 0:  # nan included
        return None
    return float(np.sqrt((error[order] ** 2).mean() / below))


def gates(parity: Table, window: float = WINDOW) -> dict[float, Gate]:
    """Return the gate of each U with held-out forces.

    Parameters
    ----------
    parity
        Table ``parity``.
    window
        Force error up to which an atom counts as trained, eV/Angstrom.
    """
    from haven.potential.calibration import scale_rows

    scales = {float(str(row["u_ev"])): row["scale"] for row in scale_rows(parity, "")}
    found = {float(str(u)): Gate(None, False, "one potential alone does not tell its error; "
                                 "--ensemble 2 or more does", window)
             for u in atoms_of(parity)["u_ev"].unique()}
    rows = gate_rows(parity, "", window)
    flagged = flagged_frames(rows)
    for u_ev, scale in scales.items():
        by_level = {row["level"]: row for row in rows if row["u_ev"] == u_ev}
        reason = "; ".join(_reasons(by_level["atom"]))
        found[u_ev] = Gate(float(str(scale)), not reason, reason, window, flagged.get(u_ev))
    return found


def _reasons(row: Row) -> list[str]:
    """Return why an ensemble may not call a run trusted; empty where it may."""
    if int(str(row["trajectories"])) < LEAST_TRAJECTORIES:
        return [f"{row['trajectories']} held-out trajectories are too few to calibrate it"]
    rank, top, share = (row[name] for name in (
        "rank_correlation", "top_error_over_calibrated", "share_flagged"))
    found = []
    if not (known(rank) and rank >= RANK_LEAST):  # type: ignore[arg-type,operator]
        text = f"{rank:.2f}" if known(rank) else "unknown"  # type: ignore[arg-type]
        found.append("on held-out atoms the ranks of deviation and true error correlate with "
                     f"{text}, and {RANK_LEAST:g} is needed")
    if not (known(top) and 1 / FACTOR <= top <= FACTOR):  # type: ignore[arg-type,operator]
        text = f"{top:.2g}" if known(top) else "unknown"  # type: ignore[arg-type]
        found.append("where the deviation is largest the true error is "
                     f"{text} times the calibrated one, and it must be within a factor of "
                     f"{FACTOR:g}")
    if int(str(row["above"])) >= ENOUGH and float(str(share)) < DETECT_LEAST:
        found.append(f"of {row['above']} held-out atoms beyond the window {percent(share)} are "
                     f"flagged, and {percent(DETECT_LEAST)} are needed")
    return found


def sentences(parity: Table, window: float = WINDOW) -> list[str]:
    """Return a sentence for each U with an ensemble on what the gate flags and misses."""
    found = []
    rows = gate_rows(parity, "", window)
    judged = gates(parity, window)
    for row in rows:
        if row["level"] != "atom":
            continue
        u_ev = float(str(row["u_ev"]))
        frame = next(r for r in rows if r["u_ev"] == u_ev and r["level"] == "frame")
        gate = judged[u_ev]
        words = (f"U = {u_ev:g} eV: the gate on {row['count']} held-out atoms: of {row['above']} "
                 f"with a true force error above {window:g} eV/Å it flags {row['flagged']}"
                 f"{_share(row, 'flagged')}, of {row['within']} others {row['false_alarms']}"
                 f"{_share(row, 'false_alarms')}. By frames, as runs are judged: "
                 f"{frame['flagged']} of {frame['above']}, false alarms {frame['false_alarms']} "
                 f"of {frame['within']}. ")
        found.append(words + ("It may call a run trusted." if gate.allowed else
                              f"Not calibrated well enough to call a run trusted: {gate.reason}."))
    return found


def _share(row: Row, name: str) -> str:
    value, low, high = (row[f"share_{name}{end}"] for end in ("", "_low_95", "_high_95"))
    if not known(value, low, high):  # type: ignore[arg-type]
        return ""
    return f" ({percent(value, 1)}, 95 %: {percent(low, 1)} to {percent(high, 1)})"
