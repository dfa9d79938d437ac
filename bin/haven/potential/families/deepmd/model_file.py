"""What a frozen potential says of itself, read from its file without loading a library."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, existing, log
from haven.potential.families.deepmd.family import SUFFIXES
from haven.potential.families.deepmd.systems import neighbours

if TYPE_CHECKING:
    from ase import Atoms

NETWORK = (  # option of a training, part of the model, key there, its default
    ("embedding", "descriptor", "neuron", None), ("axis_neurons", "descriptor", "axis_neuron", 4),
    ("type_one_side", "descriptor", "type_one_side", False),
    ("cutoff_angstrom", "descriptor", "rcut", None), ("fitting", "fitting_net", "neuron", None),
    ("fitting_activation", "fitting_net", "activation_function", "tanh"),
)


@dataclass(frozen=True)
class Description:
    """Elements by type, cutoff in Angstrom, and places for neighbours of each type."""

    type_map: tuple[str, ...]
    cutoff_angstrom: float
    sel: tuple[int, ...]


def describe(path: str | Path) -> Description | None:
    """Return what the training input inside a frozen potential says; None if it has none."""
    try:
        model = model_of(existing(path, "potential").read_bytes())
        if model is None:
            return None
        return Description(tuple(model["type_map"]), float(model["descriptor"]["rcut"]),
                           tuple(int(n) for n in model["descriptor"]["sel"]))
    except (ValueError, KeyError, TypeError):
        return None


def model_of(content: bytes) -> dict[str, Any] | None:
    """Return the model part of the training input inside a frozen potential; None without one.

    Raises
    ------
    ValueError, KeyError
        If the input is damaged.
    """
    found = re.search(rb'\{\s*"model"\s*:', content)
    if found is None:
        return None
    text = content[found.start() : found.start() + (1 << 20)].decode("utf-8", "ignore")
    return json.JSONDecoder().raw_decode(text)[0]["model"]


def check_network(path: str | Path, wanted: dict[str, Any]) -> None:
    """Refuse to start a training from the weights of another network.

    Parameters
    ----------
    path
        Frozen potential; one that does not say its network passes.
    wanted
        The model part of the training's input.
    """
    try:
        own = model_of(existing(path, "potential").read_bytes()) or {}
        pairs = [(name, own[part].get(key, default), wanted[part].get(key, default))
                 for name, part, key, default in NETWORK]
    except (ValueError, KeyError, TypeError):
        return
    if other := [f"{name} {mine}, not {asked}" for name, mine, asked in pairs if mine != asked]:
        raise HavenError(f"potential {path} has another network than the one to be trained "
                         f"({'; '.join(other)}): set the training like it")


def check_potential(path: str | Path, species: Sequence[str]) -> Description | None:
    """Refuse a file that is no potential, or a potential that lacks one of the elements."""
    source = existing(path, "potential")
    if source.suffix not in SUFFIXES:
        raise HavenError(f"{source} is no frozen potential: expected {', '.join(SUFFIXES)}")
    if source.is_file() and source.stat().st_size < 1000:
        raise HavenError(f"potential {source} is empty or cut off: freeze or copy it again")
    found = describe(source) if source.is_file() else None
    absent = [s for s in species if found is not None and s not in found.type_map]
    if found is not None and absent:
        raise HavenError(f"potential {source} knows {', '.join(found.type_map)}, not "
                         f"{', '.join(absent)}: it is of another material")
    return found


def check_ensemble(paths: Sequence[str | Path], species: Sequence[str]) -> list[Description | None]:
    """Refuse potentials as `check_potential` does, and those that cannot be run side by side.

    LAMMPS numbers the elements, and counts neighbours, as the first potential says.
    """
    found = [check_potential(path, species) for path in paths]
    first = found[0]
    for path, other in zip(paths, found, strict=True):
        for name, what in (("type_map", "elements by type"), ("cutoff_angstrom", "cutoff")):
            if first and other and getattr(first, name) != getattr(other, name):
                raise HavenError(f"potentials {paths[0]} and {path} differ in their {what} "
                                 f"({getattr(first, name)} and {getattr(other, name)}): an "
                                 "ensemble must be trained alike")
    return found


def crowded(atoms: Atoms, model: Description) -> float:
    """Return the largest share of a potential's places that neighbours of one kind take.

    Above 1 some neighbours are not seen, and forces jump as atoms come and go; it is said.
    """
    types = np.array([model.type_map.index(s) for s in atoms.get_chemical_symbols()])
    most = neighbours(atoms.positions[None], atoms.cell.array[None], types, len(model.type_map),
                      model.cutoff_angstrom)
    share = most / np.array(model.sel)
    if share.max() > 1:
        kind = int(share.argmax())
        log.warning("an atom has %d neighbours of %s within %g Angstrom, the potential has places "
                    "for %d: train it with such surroundings", most[kind], model.type_map[kind],
                    model.cutoff_angstrom, model.sel[kind])
    return float(share.max())
