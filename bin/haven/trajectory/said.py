"""What a trajectory says of its run: a container by its keys, other files by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from haven.core.errors import HavenError
from haven.trajectory.all_atoms import temperature_in
from haven.trajectory.frame_checks import SAID_TWICE
from haven.trajectory.trajectory import read_meta

UNITS = {"temperature_k": "K", "u_ev": "eV", "replica": "", "seed": ""}
"""Keys of a run that a container holds as numbers, and their units."""
PHYSICAL = ("temperature_k", "u_ev")
"""Those of them that change what a result means."""


def said(path: Path, key: str) -> float | None:
    """Return the number that a container holds for a key of `UNITS`; None of other files.

    Raises
    ------
    HavenError
        If it holds something else than a number there.
    """
    if path.suffix != ".npz":
        return None
    value = read_meta(path).get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        raise HavenError(f"{path}: its {key} is {str(value)[:40]}: it must be a number"
                         + (f" of {UNITS[key]}" if UNITS[key] else ""))
    return None if value is None else float(value)


def check_said(path: Path, key: str, given: float) -> None:
    """Refuse a number that an option gives and the container contradicts.

    Raises
    ------
    HavenError
        If they differ; temperatures, by more than `SAID_TWICE`.
    """
    told = said(path, key)
    if told is not None and _differ(key, given, told):
        raise HavenError(f"{path} says that the {key} of its run was {_text(key, told)}, --{key} "
                         f"says {_text(key, given)}: leave the option out, or correct it")


def agreed(paths: Sequence[Path], key: str, given: float | None, usual: float) -> float:
    """Return a number of the run that files are pieces of, from the option or the containers.

    Parameters
    ----------
    paths
        Pieces of one run.
    key
        One of `UNITS`.
    given
        The option's value; None where it is left out. Replicas and seeds are names that it may
        give anew; a temperature or U must be the container's.
    usual
        What is meant where neither says it.

    Raises
    ------
    HavenError
        If a container contradicts the option, or another one.
    """
    if given is not None:
        for path in paths if key in PHYSICAL else ():
            check_said(path, key, given)
        return given
    told = {path: value for path in paths if (value := said(path, key)) is not None}
    if not told:
        return usual
    first, value = next(iter(told.items()))
    for path, other in told.items():
        if _differ(key, value, other):
            raise HavenError(f"{first} says that the {key} of its run was {_text(key, value)}, "
                             f"{path} says {_text(key, other)}: they are no pieces of one run")
    return value


def _differ(key: str, one: float, other: float) -> bool:
    return abs(one - other) > (SAID_TWICE * other if key == "temperature_k" else 0.0)


def _text(key: str, value: float) -> str:
    return f"{value:g} {UNITS[key]}".rstrip()


def temperature_of(path: Path, given: float | None = None) -> float | None:
    """Return the temperature of a file's run, K: the given one, the container's or the name's.

    None where nothing says it.

    Raises
    ------
    HavenError
        If a container contradicts the one that is given, or a name says two.
    """
    if given is not None:
        check_said(path, "temperature_k", given)
        return given
    told = said(path, "temperature_k")
    return temperature_in(path.name) if told is None else told
