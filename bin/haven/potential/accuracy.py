"""How far a potential's predictions are from the labels."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from haven.core.errors import log
from haven.core.types import Table

UNIT = {"energy": "eV/atom", "force": "eV/Angstrom", "virial": "eV/atom"}
VOIGT = {"x": (0, 0), "y": (1, 1), "z": (2, 2)}


def metrics(reference: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Return how two arrays of one shape differ.

    ``count``, ``mae``, ``rmse``, ``max_error``, ``r2``; ``offset`` (mean error) and ``scatter``
    (standard deviation of the error about it), whose squares add up to that of ``rmse``.
    """
    error = np.asarray(predicted, float) - np.asarray(reference, float)
    spread = float(((reference - np.mean(reference)) ** 2).sum())
    squares = float((error**2).sum())
    return {
        "count": int(error.size), "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(squares / error.size)), "max_error": float(np.abs(error).max()),
        "r2": 1 - squares / spread if spread > 0 else None,
        "offset": float(error.mean()), "scatter": float(error.std()),
    }


def bootstrap_rmse(
    errors: Mapping[str, np.ndarray], seed: int, samples: int = 1000
) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the root mean square error, drawing whole trajectories.

    Parameters
    ----------
    errors
        Trajectory to the errors of its frames, any shape.
    seed
        Seed of the draws.
    samples
        Draws.

    Returns
    -------
    tuple
        Low and high end; None for both with fewer than three trajectories, which are too few for an
        interval.
    """
    if len(errors) < 3:
        return None, None
    squares = np.array([float((e**2).sum()) for e in errors.values()])
    counts = np.array([e.size for e in errors.values()])
    drawn = np.random.default_rng(seed).integers(len(errors), size=(samples, len(errors)))
    rmse = np.sqrt(squares[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.quantile(rmse, [0.025, 0.975])
    return float(low), float(high)


def bootstrap_mae(parity: Table, draws: int = 500) -> tuple[float, float]:
    """Return the 95 % interval of the mean absolute error, trajectories drawn with replacement.

    Parameters
    ----------
    parity
        Rows of the table ``parity`` of one quantity.
    draws
        Bootstrap samples; their seed is fixed.
    """
    error = (parity["predicted"] - parity["reference"]).abs()
    grouped = error.groupby(parity["trajectory"])
    sums, counts = grouped.sum().to_numpy(), grouped.count().to_numpy()
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(sums), size=(draws, len(sums)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def series(system: Mapping[str, Any], type_map: Sequence[str]) -> list[dict[str, Any]]:
    """Split one system's labels and predictions into series by quantity, element and component.

    Parameters
    ----------
    system
        ``reference`` and ``predicted``, each with ``energy`` (F,), ``force`` (F, A, 3) and perhaps
        ``virial`` (F, 3, 3), in eV and Angstrom; ``type`` (A,); ``trajectory``; ``frames`` (F,).
    type_map
        Elements by type.

    Returns
    -------
    list of dict
        ``quantity``, ``species``, ``component``, ``trajectory``, ``frames`` and the arrays
        ``reference`` and ``predicted``, shape (F, ...), per atom for energy and virial.
    """
    kinds, atoms = np.asarray(system["type"]), len(system["type"])
    label, guess = system["reference"], system["predicted"]
    found = []

    def add(quantity: str, species: str, component: str, pick: Any) -> None:
        found.append({
            "quantity": quantity, "species": species, "component": component,
            "trajectory": system["trajectory"], "frames": system["frames"],
            "reference": pick(label), "predicted": pick(guess),
        })

    add("energy", "all", "all", lambda d: d["energy"] / atoms)
    for kind in sorted(set(kinds.tolist())):
        for axis, letter in enumerate("xyz"):
            add("force", str(type_map[kind]), letter,
                lambda d, k=kind, a=axis: d["force"][:, kinds == k, a])
    if label.get("virial") is not None:
        for letter, (row, column) in VOIGT.items():
            add("virial", "all", letter, lambda d, r=row, c=column: d["virial"][:, r, c] / atoms)
    return found


def training_means(parts: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], float]:
    """Return the mean label of every kind of series, which is what the baseline predicts."""
    grouped: dict[tuple[str, str, str], list[np.ndarray]] = {}
    for part in parts:
        key = (part["quantity"], part["species"], part["component"])
        grouped.setdefault(key, []).append(np.ravel(part["reference"]))
    return {key: float(np.concatenate(values).mean()) for key, values in grouped.items()}


def comparable(parts: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return the series of each subset whose kind the training part has labels of, too.

    A potential was not fitted to a stress, or to the forces on an element, that no frame trained on
    has, and there is no mean to compare with. What is left out is logged.

    Parameters
    ----------
    parts
        Series of each subset, as `series` gives them; ``train`` is one of the subsets.
    """
    known = set(training_means(parts["train"]))
    kept: dict[str, list[dict[str, Any]]] = {}
    for subset, members in parts.items():
        of = [(part["quantity"], part["species"], part["component"]) for part in members]
        kept[subset] = [part for part, kind in zip(members, of, strict=True) if kind in known]
        for quantity, species in sorted({kind[:2] for kind in of if kind not in known}):
            log.warning("no accuracy of the %s%s of %s frames: no frame trained on has it",
                        quantity, "" if species == "all" else f" on {species}", subset)
    return kept


def accuracy_rows(
    parts: Sequence[Mapping[str, Any]], means: Mapping[tuple[str, str, str], float], seed: int
) -> list[dict[str, Any]]:
    """Return rows of table ``accuracy`` (without its keys) for the series of one subset.

    Every element and component is a row; so are each element with all components, each component
    with all elements, and all together.
    """
    wanted: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for part in parts:
        for species in {part["species"], "all"}:
            for component in {part["component"], "all"}:
                wanted.setdefault((part["quantity"], species, component), []).append(part)
    rows = []
    for (quantity, species, component), members in sorted(wanted.items()):
        reference = np.concatenate([np.ravel(m["reference"]) for m in members])
        predicted = np.concatenate([np.ravel(m["predicted"]) for m in members])
        away = np.concatenate([
            np.ravel(m["reference"]) - means[(m["quantity"], m["species"], m["component"])]
            for m in members
        ])
        errors: dict[str, list[np.ndarray]] = {}
        for member in members:
            error = np.ravel(member["predicted"] - member["reference"])
            errors.setdefault(member["trajectory"], []).append(error)
        low, high = bootstrap_rmse({k: np.concatenate(v) for k, v in errors.items()}, seed)
        rows.append({
            "quantity": quantity, "species": species, "component": component,
            **metrics(reference, predicted), "rmse_low_95": low, "rmse_high_95": high,
            "baseline_rmse": float(np.sqrt((away**2).mean())), "unit": UNIT[quantity],
        })
    return rows


def parity_rows(
    parts: Sequence[Mapping[str, Any]], most: int, seed: int
) -> list[dict[str, Any]]:
    """Return rows of table ``parity`` (without its keys), about ``most`` for each series kind.

    Energies and virials are drawn, at most ``most`` of each component. Forces are those of whole
    frames with all their atoms, so that each element counts as often as in the data and what is
    fitted to the rows does not depend on ``most`` but for chance; see `frames_for_forces`. For
    all potentials given the same seed the rows are of the same frames.
    """
    chosen = frames_for_forces(parts, most, seed)
    grouped: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for part in parts:
        key = (part["quantity"], part["species"], part["component"])
        for number, frame in enumerate(part["frames"]):
            if key[0] == "force" and (part["trajectory"], int(frame)) not in chosen:
                continue
            values = zip(np.ravel(part["reference"][number]), np.ravel(part["predicted"][number]),
                         strict=True)
            grouped.setdefault(key, []).extend(
                {"quantity": key[0], "species": key[1], "component": key[2],
                 "trajectory": part["trajectory"], "frame": int(frame), "number": index,
                 "reference": float(r), "predicted": float(p), "unit": UNIT[key[0]]}
                for index, (r, p) in enumerate(values))
    rows = []
    for (quantity, _, _), members in grouped.items():
        rng = np.random.default_rng(seed)
        some = (range(len(members)) if quantity == "force" or len(members) <= most
                else sorted(rng.choice(len(members), most, replace=False).tolist()))
        rows += [members[i] for i in some]
    return rows


def frames_for_forces(
    parts: Sequence[Mapping[str, Any]], most: int, seed: int
) -> set[tuple[str, int]]:
    """Return the frames whose forces table ``parity`` shows, as trajectory and number.

    They are drawn until they have ``most`` atoms for each element there is, on average over the
    elements; at least one is. Their order is that of a digest of seed and name: sets that differ in
    some frames, as those of two values of U may, have most of the frames drawn in common.

    Parameters
    ----------
    parts
        Of `series`.
    most
        Atoms of an element.
    seed
        Of the order.
    """
    atoms: Counter[tuple[str, int]] = Counter()
    elements: set[str] = set()
    for part in parts:
        if part["quantity"] == "force" and part["component"] == "x":
            elements.add(part["species"])
            for frame, values in zip(part["frames"], part["reference"], strict=True):
                atoms[part["trajectory"], int(frame)] += np.size(values)
    room = most * len(elements)
    chosen: set[tuple[str, int]] = set()
    for frame in sorted(atoms, key=lambda f: hashlib.sha256(
            f"{seed}:{f[0]}:{f[1]}".encode()).hexdigest()):
        room -= atoms[frame]
        if room < 0 and chosen:
            break
        chosen.add(frame)
    return chosen
