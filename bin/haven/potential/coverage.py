"""Temperatures and volumes that a potential's labels cover; it is not used beyond them.

A potential gives energies for any structure, but far from its labels they say nothing about the
crystal. Dynamics hotter than any that was labelled, and cells larger or smaller than any that was
labelled, are therefore refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError, brief, log
from haven.core.numbers import known
from haven.labels.frames.reading import LabelledFrame
from haven.labels.frames.vacuum import dense_volumes

KEY = "covers"  # of dataset.json and potential.json
HOT_SHARE = 0.1  # of the frames that must tell a temperature, so that the hottest says something
TOLD_SHARE = 0.9  # of the frames that may be of dynamics: of more silent ones some may be hotter
AT_REST = ("rattled", "strained", "relaxed")  # origins of Haven's frames that are of no dynamics
REACH = 0.5  # of the range of labelled volumes, by which a cell may lie beyond either end of it
LEAST_REACH = 0.05  # of the volume: by so much the volume of ten atoms swings at some 600 K anyway


@dataclass(frozen=True)
class Coverage:
    """What labels cover.

    Attributes
    ----------
    temperature_k
        Temperature of the hottest dynamics that frames are from; None where too few frames tell
        theirs, so that no temperature is refused.
    volume_low, volume_high
        Smallest and largest volume of a frame, Angstrom^3 an atom.
    source
        Whose labels, for messages.
    """

    temperature_k: float | None
    volume_low: float
    volume_high: float
    source: str = ""

    def volumes(self, atoms: int) -> tuple[float, float]:
        """Return the volumes, Angstrom^3, between which a cell of so many atoms may lie."""
        reach = max(REACH * (self.volume_high - self.volume_low), LEAST_REACH * self.volume_high)
        return (self.volume_low - reach) * atoms, (self.volume_high + reach) * atoms

    def check_temperature(self, temperature_k: float, option: str) -> None:
        """Refuse a temperature above that of every label.

        Parameters
        ----------
        temperature_k
            Of the dynamics.
        option
            Its parameter, for the message.

        Raises
        ------
        HavenError
            If it is higher than the labels' hottest, and that is known.
        """
        if self.temperature_k is not None and temperature_k > self.temperature_k:
            raise HavenError(
                f"--{option} {temperature_k:g} K is above what the labels of {self.source} cover "
                f"(dynamics at up to {self.temperature_k:g} K): lower it, or label hotter frames "
                "(--explore_temperatures_k) and train again")


def coverage_of(frames: Sequence[LabelledFrame]) -> dict[str, Any]:
    """Return what frames cover, as ``dataset.json`` says it under `KEY`.

    Parameters
    ----------
    frames
        Those that potentials are trained on. The hottest temperature counts where it is known of
        nearly all that may be of dynamics (`TOLD_SHARE`), and of enough (`HOT_SHARE`). Volumes are
        those of frames without vacuum, which in slabs is no volume of a crystal.
    """
    hot = [float(f.info["temperature_k"]) for f in frames
           if known(_number(f.info.get("temperature_k")))]
    moving = [f for f in frames if f.info.get("origin") not in AT_REST
              or known(_number(f.info.get("temperature_k")))]
    enough = (len(hot) >= HOT_SHARE * len(frames) and len(hot) >= TOLD_SHARE * len(moving)
              and len(hot) > 0)
    if hot and not enough:
        log.warning("%d of %d frames tell the temperature of their dynamics (temperature_k in the "
                    "header): too few to refuse dynamics hotter than the labels",
                    len(hot), len(frames))
    each = dense_volumes(frames)
    return {"temperature_k": max(hot) if enough else None,
            "frames_with_temperature": len(hot),
            "volume_low_angstrom3_per_atom": round(float(min(each)), 4),
            "volume_high_angstrom3_per_atom": round(float(max(each)), 4)}


def read_coverage(potential: str | Path) -> Coverage | None:
    """Return what a potential's labels cover, if the ``potential.json`` beside it says so.

    Parameters
    ----------
    potential
        Such as ``u4_s1.pb``, beside which ``u4_s1.potential.json`` lies.

    Raises
    ------
    HavenError
        If the coverage in that file is not made of numbers.
    """
    model = Path(potential)
    about = model.with_name(f"{model.stem}.potential.json")
    if not about.is_file():
        return None
    try:
        said = json.loads(about.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HavenError(f"{about} is no JSON: {brief(error, 120)}") from error
    covers = said.get(KEY) if isinstance(said, dict) else None
    return None if covers is None else _coverage(covers, about, model.name)


def _coverage(covers: Any, about: Path, source: str) -> Coverage:
    if not isinstance(covers, Mapping):
        raise HavenError(f"{about}: {KEY} must be a mapping of numbers")
    low, high = (_number(covers.get(f"volume_{end}_angstrom3_per_atom")) for end in ("low", "high"))
    hottest = covers.get("temperature_k")
    if not known(low, high) or not 0 < low <= high or (  # type: ignore[operator]
            hottest is not None and not known(_number(hottest))):
        raise HavenError(f"{about}: {KEY} has no volumes or no temperature that are numbers above "
                         f"0: {dict(covers)}; train the potential again, or take the entry out")
    return Coverage(_number(hottest), float(low), float(high), source)  # type: ignore[arg-type]


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None
