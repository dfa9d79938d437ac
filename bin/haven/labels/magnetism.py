"""Magnetic moments of labelled frames: those of another state than most, and those that lack."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from haven.core.errors import log
from haven.labels.frames.reading import LabelledFrame, as_number, program_of

METALS = frozenset([*range(21, 31), *range(39, 49), *range(57, 81)])
CLOSED = frozenset([21, 30, 39, 40, 48, 57, 71, 72, 80])  # metals whose ions have no open d shell
LEAST_MOMENT = 0.1  # Bohr magneton: a spin-polarised calculation of a closed shell leaves less
FEW = 8  # frames of a composition: the moments of fewer are compared with those of all frames


def metal_moments(frame: LabelledFrame, elements: Collection[int] = METALS) -> np.ndarray:
    """Return the absolute magnetic moments of a frame's transition-metal atoms.

    Parameters
    ----------
    frame
        A labelled frame.
    elements
        Atomic numbers of the elements whose atoms count.

    Returns
    -------
    ndarray
        Shape (M,), Bohr magnetons; empty where the frame has no moments or no such atoms.
    """
    if frame.moments is None:
        return np.empty(0)
    metal = np.array([z in elements for z in frame.atoms.numbers])
    return np.abs(frame.moments[metal])


def composition(frame: LabelledFrame) -> str:
    """Return the formula of a frame in lowest terms."""
    return frame.atoms.symbols.formula.reduce()[0].format("hill")


def median_and_spread(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the median and the robust standard deviation about it."""
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(np.asarray(values) - middle)))


def other_moments(
    frames: Sequence[LabelledFrame], reasons: Sequence[str], difference: float
) -> dict[int, str]:
    """Return the frames in which a metal atom's moment is not a usual one of its element.

    An element may have several usual moments, such as those of Mn4+ and Mn3+ in one crystal. The
    sorted moments of a frame are compared with the medians of the sorted moments of all frames of
    its composition, so that the number of atoms with each of them counts too. Where the frames of
    a composition are fewer than `FEW`, each moment is compared with the nearest one in every frame
    of any composition, and is usual where it is near that of most.

    Parameters
    ----------
    frames, reasons
        Frames, and why those are left out that are; what is left out takes no part.
    difference
        Largest difference from the usual moment, Bohr magneton; six robust standard deviations
        where the differences spread more.
    """
    found: dict[int, str] = {}
    usable = [index for index, reason in enumerate(reasons) if not reason]
    for element in sorted(METALS & {int(z) for i in usable for z in frames[i].atoms.numbers}):
        own = {i: moments for i in usable
               if len(moments := np.sort(metal_moments(frames[i], {element})))}
        usual = _usual_moments(own, {i: composition(frames[i]) for i in own})
        away = {i: np.abs(moments - usual[i]) for i, moments in own.items()}
        if not away:
            continue
        spread = 1.4826 * float(np.median(np.concatenate(list(away.values()))))
        for index, apart in away.items():
            worst = int(apart.argmax())
            if apart[worst] > max(difference, 6 * spread):
                found.setdefault(index, "magnetic branch: a metal moment is "
                                 f"{own[index][worst]:.2f}, usual {usual[index][worst]:.2f}")
    return found


def _usual_moments(
    own: dict[int, np.ndarray], compositions: dict[int, str]
) -> dict[int, np.ndarray]:
    """Return for the sorted moments of each frame the usual ones; see `other_moments`."""
    groups: dict[str, list[np.ndarray]] = {}
    for index, moments in own.items():
        groups.setdefault(compositions[index], []).append(moments)
    padded = np.full((len(own), max(map(len, own.values()), default=0)), np.inf)
    for row, moments in zip(padded, own.values(), strict=True):
        row[:len(moments)] = moments
    sorted_ones: dict[tuple[str, int], np.ndarray] = {}
    usual: dict[int, np.ndarray] = {}
    for index, moments in own.items():
        group, count = groups[compositions[index]], len(moments)
        if len(group) < FEW:
            nearest = [padded[np.arange(len(own)), np.abs(padded - m).argmin(axis=1)]
                       for m in moments]
            usual[index] = np.median(nearest, axis=1)
            continue
        kind = (compositions[index], count)
        if kind not in sorted_ones:  # a larger cell has each moment of a smaller one several times
            places = (np.arange(count) + 0.5) / count
            sorted_ones[kind] = np.median(
                [some[(places * len(some)).astype(int)] for some in group], axis=0)
        usual[index] = sorted_ones[kind]
    return usual


def spin_of(frame: LabelledFrame) -> str | None:
    """Return whether a label is spin-polarised, 2, or not, 1; None where that is not known.

    Moments tell it, else the entry ``spin`` of the header. None too where it makes no difference:
    for elements with closed shells, and a spin-polarised label that ended without moments.
    """
    size = _largest_moment(frame)
    if size > LEAST_MOMENT:
        return "2"
    told = as_number(frame.info.get("spin"))
    same = not _open_shell(frame) or (told > 1 and frame.moments is not None)
    return None if same or np.isnan(told) else f"{told:g}"


def _open_shell(frame: LabelledFrame) -> bool:
    return not (METALS - CLOSED).isdisjoint(frame.atoms.numbers.tolist())


def _largest_moment(frame: LabelledFrame) -> float:
    """Return the largest moment of an atom or of the cell, Bohr magneton; 0 where none is told."""
    moments = np.zeros(1) if frame.moments is None else frame.moments
    return float(np.fmax(np.abs(moments).max(), abs(as_number(frame.info.get("magmom")))))


def without_moments(frames: Sequence[LabelledFrame], reasons: Sequence[str]) -> dict[int, str]:
    """Return the frames of a labeller that lack moments where its others have them, or the reverse.

    A labeller is the engine of Haven's own labels, and each file of all others. It writes moments,
    as some of its frames show, so that those without are not spin-polarised: another method. The
    rarer kind is named; where both are as many, that without moments. Files all of whose frames
    lack moments may be of a format that holds none: beside others with moments they are logged.
    """
    kinds: dict[str, dict[bool, list[int]]] = {}
    for index, frame in enumerate(frames):
        silent = frame.moments is None and {"magmom", "spin"}.isdisjoint(frame.info)
        if not reasons[index] and (_open_shell(frame) if silent
                                   else _largest_moment(frame) > LEAST_MOMENT):
            kinds.setdefault(_labeller(frame), {}).setdefault(silent, []).append(index)
    found: dict[int, str] = {}
    for both in kinds.values():
        lacking, having = both.get(True, []), both.get(False, [])
        if lacking and having:
            lost, reason = ((lacking, "no magnetic moments, the others have")
                            if len(lacking) <= len(having)
                            else (having, "magnetic moments, most others have none"))
            found |= dict.fromkeys(lost, f"other settings: {reason}")
    silent_files = [both[True] for both in kinds.values() if False not in both]
    if silent_files and len(silent_files) < len(kinds):
        log.warning("%d of %d frames tell neither magnetic moments nor whether they are "
                    "spin-polarised, as the others are (first %s): leave them out if they are not",
                    sum(map(len, silent_files)), len(frames), frames[silent_files[0][0]].where)
    return found


def _labeller(frame: LabelledFrame) -> str:
    engine = str(frame.info.get("engine", "imported"))
    own = frame.info.get("origin", "imported") != "imported" and engine != "imported"
    return f"engine {program_of(engine)}" if own else frame.source
