"""GPAW's text output as frames."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.errors import HavenError
from haven.core.reading import plain
from haven.labels.frames.net_charge import excess
from haven.labels.programs.numbered_lines import in_turn
from haven.labels.programs.runs import LabelRun, one_each

if TYPE_CHECKING:
    from ase import Atoms


BEGINS = r"^ *___ ___ ___ _ _ _ *$"
CHARGE = re.compile(r"(?mi)^\s*(?:total )?charge: *(-?\d+(?:\.\d*)?)(?=[\s,#}]|$)")
"""Of the input, of the density, in old and new wordings; in elementary charges."""
SETUP = re.compile(r"(?m)^ *([A-Z][a-z]?)(?:-setup)?:.*\n +name *:")
"""Where the list of an element's properties begins, which tells its Hubbard terms."""
HUBBARD = re.compile(r"Hubbard: \{U: ([-+]?\d+(?:\.\d*)?)")
UNKNOWN = re.compile(r"Hubbard|setups: .*:[spdf],")
"""Words of a text with U, in whatever wording."""


def gpaw_run(text: str) -> LabelRun:
    """Return the run in a text of GPAW; ``spin`` is 2 where it is spin-polarised, else 1."""
    spin = re.search(r"Spin-(paired|polarized) calculation", text)
    return LabelRun(list(gpaw_frames(text)), gpaw_hubbard(text),
                    {"spin": 1 + (spin.group(1) == "polarized")} if spin else {})


def gpaw_hubbard(text: str) -> dict[str, float] | None:
    """Return U in eV of each element that a run of GPAW says it acts on; {} without U.

    None where U acts but its value is not found, or is not one number for each element.
    """
    _, *parts = SETUP.split(text)
    told = [HUBBARD.findall(body) for body in parts[1::2]]
    if not any(told):
        return None if UNKNOWN.search(text) else {}
    return one_each(zip(parts[::2], told, strict=True))


def gpaw_frames(text: str) -> Iterator[Atoms]:
    """Yield the frames of a run of GPAW, with the free energy that the forces belong to."""
    from ase.io import iread

    check_gpaw(text)
    charge = excess(0.0, max(map(float, CHARGE.findall(text)), key=abs, default=0.0))
    for atoms in iread(io.StringIO(text), index=":", format="gpaw-out"):
        calculator: Any = atoms.calc
        if calculator is not None:
            parts = getattr(calculator, "energy_contributions", None) or {}
            if "free energy" not in parts:
                raise HavenError("its energy contributions are missing: the output is damaged")
            calculator.results["free_energy"] = parts["free energy"]
        atoms.info |= charge
        yield atoms


def gpw_frames(path: Path, images: Iterable[Atoms]) -> Iterator[Atoms]:
    """Yield the frames that ASE reads of a ``.gpw``, with the net charge among its parameters."""
    from ase.io import ulm

    for atoms in images:
        try:
            with ulm.Reader(path) as reader:
                parameters: dict[str, Any] = getattr(reader, "parameters").asdict()  # noqa: B009
        except (AttributeError, ulm.InvalidULMFileError):  # an old one, or without parameters
            parameters = {}
        atoms.info |= excess(0.0, float(parameters.get("charge") or 0.0))
        yield atoms


def check_gpaw(text: str) -> None:
    """Refuse an output of GPAW whose positions, cell or forces are not whole.

    Raises
    ------
    HavenError
        Naming what is damaged.
    """
    try:
        for block in re.findall(r"^Unit cell:.*\n.*\n((?:.*axis:.*\n)*)", text, re.M):
            axes = [line.split() for line in block.splitlines()]
            in_turn([words[0].rstrip(".") for words in axes], 3, "lattice vector")
            for words in axes:
                plain.row(" ".join(words[3:]), 5, f"axis {words[0]}")
        count = 0
        for title, least in (("Positions:", 5), ("Forces in eV/Ang:", 5)):
            for block in re.findall(rf"^{title}.*\n((?:\s*\d+\s+[A-Z].*\n)*)", text, re.M):
                lines = [line.split() for line in block.splitlines()]
                count = count or len(lines)
                in_turn([str(plain.whole(words[0]) + 1) for words in lines], count, "atom")
                for words in lines:
                    end = words[2:5] if title == "Positions:" else words[2:]
                    if len(words) < least:
                        raise ValueError(f"{title} has the line '{' '.join(words)[:40]}'")
                    plain.row(" ".join(end), 3, title)
    except ValueError as error:
        raise HavenError(f"{error}: it is damaged") from error
