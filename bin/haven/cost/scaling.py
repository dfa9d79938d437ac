"""How a step of dynamics grows with the atoms: a power law and a straight line, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from haven.core.types import Row

LEAST = 3  # sizes


def fit_scaling(
    atoms: Sequence[float], seconds: Sequence[float]
) -> dict[str, tuple[float, float, float]]:
    """Fit the time of a step to the size of the cell.

    The power law is a straight line through the logarithms. The line ``overhead + slope * atoms``
    weighs each time with its inverse square, so that relative errors count alike. Intervals are
    Student's, from the scatter about each fit; a machine that was slow for all sizes does not show
    in them.

    Parameters
    ----------
    atoms
        Sizes, shape (N,), at least `LEAST`.
    seconds
        Of a step, shape (N,).

    Returns
    -------
    dict
        ``exponent`` (1), ``overhead`` (s) and ``slope`` (s per atom), each with the ends of its
        95 % interval.
    """
    size, time = np.asarray(atoms, float), np.asarray(seconds, float)
    one = np.ones_like(size)
    power = _line(np.stack([one, np.log(size)], 1), np.log(time))
    line = _line(np.stack([one, size], 1) / time[:, None], one)
    return {"exponent": power[1], "overhead": line[0], "slope": line[1]}


def _line(design: np.ndarray, values: np.ndarray) -> list[tuple[float, float, float]]:
    """Return each coefficient of a least-squares fit with its 95 % interval."""
    from scipy.special import stdtrit

    free = len(values) - design.shape[1]
    best, *_ = np.linalg.lstsq(design, values, rcond=None)
    spread = ((values - design @ best) ** 2).sum() / free
    errors = np.sqrt(spread * np.diag(np.linalg.inv(design.T @ design)))
    half = float(stdtrit(free, 0.975)) * errors
    return [(float(b), float(b - h), float(b + h)) for b, h in zip(best, half, strict=True)]


def rows(cost: Sequence[Row]) -> list[Row]:
    """Return a row of table ``scaling`` for each network timed at three sizes or more.

    Parameters
    ----------
    cost
        Rows of table ``cost``; only dynamics counts. Times of one network, compressed or not, on
        the same cores belong together.
    """
    names = ("material", "u_ev", "engine", "model", "compressed", "cores")
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in cost:
        if row["method"] == "dlmd":
            key = (*(row[name] for name in names), str(row["device"]).split(", shared")[0])
            groups.setdefault(key, []).append(row)
    found = []
    for key, group in groups.items():
        sizes = [row["atoms"] for row in group]
        if len(set(sizes)) < LEAST:
            continue
        made = fit_scaling(sizes, [row["seconds_per_step"] for row in group])
        low, high = made["exponent"][1:]
        found.append({
            **dict(zip((*names, "device"), key, strict=True)),
            "sizes": len(set(sizes)), "atoms_least": min(sizes), "atoms_most": max(sizes),
            **_named("exponent", "exponent", made["exponent"]),
            **_named("overhead_s", "overhead", made["overhead"]),
            **_named("seconds_per_atom_step", "seconds_per_atom_step", made["slope"]),
            "verdict": "sublinear" if high < 1 else "superlinear" if low > 1 else "linear",
        })
    return found


def _named(name: str, stem: str, values: tuple[float, float, float]) -> Row:
    return dict(zip((name, f"{stem}_low_95", f"{stem}_high_95"), values, strict=True))
