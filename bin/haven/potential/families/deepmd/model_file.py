"""Elements, cutoff and network of a frozen potential, read from its file without a library."""

from __future__ import annotations

import json
import re
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, existing, log
from haven.potential.families.deepmd.archive import model_in
from haven.potential.families.deepmd.family import SUFFIXES
from haven.potential.families.deepmd.files import WEIGHTS, elements_of
from haven.potential.families.deepmd.graph import check_graph
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


def read_description(path: str | Path) -> Description | None:
    """Return the description of a frozen potential; None if its file holds none that can be read.

    The training input inside is asked first, then, of a TensorFlow graph, its own constants.
    """
    source = existing(path, "potential")
    if source.is_dir():
        return None
    try:
        model = network_in(source)
        if model is None:
            return graph_constants(source.read_bytes()) if source.suffix == ".pb" else None
        return Description(tuple(model["type_map"]), float(model["descriptor"]["rcut"]),
                           tuple(int(n) for n in model["descriptor"]["sel"]))
    except (ValueError, KeyError, TypeError):
        return None


def unpacked(source: Path) -> bytes:
    """Return a file's bytes; of an archive, as PyTorch writes, those of its small members."""
    if not zipfile.is_zipfile(source):
        return source.read_bytes()
    with zipfile.ZipFile(source) as archive:
        return b"\n".join(archive.read(member) for member in archive.infolist()
                          if member.file_size < 1 << 24 and "/data/" not in member.filename)


def graph_constants(content: bytes) -> Description | None:
    """Return elements and cutoff from the constants of a frozen TensorFlow graph.

    Raises
    ------
    HavenError
        If the graph is of a model that gives no energy.
    """
    def value(name: str) -> bytes | None:
        # NodeDef: name (field 1), operation; the constant's tensor is the attribute "value"
        place = content.find(b"\x0a" + bytes([len(name)]) + name.encode() + b"\x12\x05Const")
        if place < 0:
            return None
        at = content.find(b"\x0a\x05value\x12", place, place + 400)
        return content[at + 8 : at + 600] if at >= 0 else None

    kind, names, cutoff = (value(f"{word}") for word in (
        "model_attr/model_type", "model_attr/tmap", "descrpt_attr/rcut"))
    if kind is not None and (found := _text(kind)) and found != "ener":
        raise HavenError(f"it is a model of kind {found}, which gives no energy and forces")
    words = (_text(names) or "").split() if names is not None else []
    if not words or cutoff is None:
        return None
    number = _number(cutoff)
    return None if number is None else Description(tuple(words), number, ())


def _text(tensor: bytes) -> str | None:
    """Return the text of a constant: string_val (field 8) of a TensorProto of type string (7)."""
    at = tensor.find(b"\x08\x07\x12")
    at = tensor.find(b"\x42", at + 3) if at >= 0 else -1
    return tensor[at + 2 : at + 2 + tensor[at + 1]].decode("ascii", "replace") if at >= 0 else None


def _number(tensor: bytes) -> float | None:
    """Return the number of a constant: field 6 (double) or 5 (float) of a TensorProto."""
    for mark, form, size in ((b"\x08\x02\x12", "<d", 8), (b"\x08\x01\x12", "<f", 4)):
        at = tensor.find(mark)
        if at < 0:
            continue
        field = tensor.find(bytes([0x32 if size == 8 else 0x2A, size]), at + 3)
        return float(struct.unpack(form, tensor[field + 2 : field + 2 + size])[0]) if (
            field >= 0) else None
    return None


def by_library(path: Path) -> Description | None:
    """Return the description that DeePMD-kit gives of a potential; None where it is not installed.

    Slow, as it loads a library.

    Raises
    ------
    HavenError
        If the library cannot load it, with its reason.
    """
    try:
        from deepmd.infer import DeepPot
    except ImportError:
        return None
    try:
        model: Any = DeepPot(str(path))
        return Description(tuple(model.get_type_map()), float(model.get_rcut()), ())
    except ImportError:
        return None
    except Exception as error:  # the libraries raise whatever they do
        reason = " ".join(str(error).split())
        old = (": it was frozen by an older DeePMD-kit: dp convert-from brings it up to date"
               if "convert-from" in reason or "version" in reason else "")
        raise HavenError(f"DeePMD-kit can't load it ({reason[:200]}){old}") from error


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


def network_in(path: Path) -> dict[str, Any] | None:
    """Return the model part of the training input inside a potential's file; None without one.

    Raises
    ------
    ValueError, KeyError
        If the input is damaged.
    """
    return model_in(path) if path.suffix == ".pth" else model_of(unpacked(path))


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
        own = network_in(existing(path, "potential")) or {}
        pairs = [(name, own[part].get(key, default), wanted[part].get(key, default))
                 for name, part, key, default in NETWORK]
    except (ValueError, KeyError, TypeError):
        return
    if other := [f"{name} {mine}, not {asked}" for name, mine, asked in pairs if mine != asked]:
        raise HavenError(f"potential {path} has another network than the one to be trained "
                         f"({'; '.join(other)}): set the training like it")


def sel_to_go_on_with(
    path: Path, type_map: Sequence[str], most: Sequence[int], sel: Sequence[int]
) -> list[int]:
    """Return the places for neighbours of a training that starts from a potential.

    They are those of that potential, since its weights fit to no others.

    Parameters
    ----------
    path
        Frozen potential, or weights of a dpa4 network, which has no such places.
    type_map
        Elements of the training, by type.
    most
        The most neighbours of each element that an atom of the data has.
    sel
        Places where the potential does not say its own.

    Raises
    ------
    HavenError
        If the potential has other elements, or another order of them, which numbers them in the
        network, or too few places.
    """
    if path.suffix == WEIGHTS:
        elements, own = elements_of(path), ()
    else:
        found = read_description(path)
        elements, own = (found.type_map, found.sel) if found else ((), ())
    if elements and list(elements) != list(type_map):
        raise HavenError(f"potential {path} numbers its elements {', '.join(elements)}, the "
                         f"training {', '.join(type_map)}, and DeePMD-kit takes weights over by "
                         "number: write the material's formula in the potential's order, or train "
                         "without --init_models")
    for element, places, count in zip(type_map, own, most, strict=False):
        if places < count:
            raise HavenError(f"potential {path} has places for {places} neighbours of {element}, "
                             f"and an atom of the data has {count}: its weights fit to no more "
                             "places; train without --init_models")
    return list(own) or list(sel)


def check_potential(path: str | Path, species: Sequence[str]) -> Description | None:
    """Refuse a file that is no potential, or a potential that lacks one of the elements."""
    source = existing(path, "potential")
    if source.suffix not in SUFFIXES:
        raise HavenError(f"{source} is no frozen potential: expected {', '.join(SUFFIXES)}")
    if source.is_file() and source.stat().st_size < 1000:
        raise HavenError(f"potential {source} is empty or cut off: freeze or copy it again")
    check_graph(source)
    try:
        found = read_description(source)
        if found is None and source.is_file():
            found = by_library(source)
    except HavenError as error:
        raise HavenError(f"potential {source}: {error}") from error
    if found is None:
        log.warning("potential %s does not say its elements, and the library that could is not "
                    "installed: they are not checked", source)
    absent = [s for s in species if found is not None and s not in found.type_map]
    if found is not None and absent:
        raise HavenError(f"potential {source} knows {', '.join(found.type_map)}, not "
                         f"{', '.join(absent)}: it is of another material")
    return found


def check_ensemble(paths: Sequence[str | Path], species: Sequence[str]) -> list[Description | None]:
    """Refuse potentials as `check_potential` does, and those that cannot be run side by side.

    LAMMPS numbers the elements, and counts neighbours, as the first potential has them. A potential
    with another order of elements would take one element for another; one whose file does not say
    its order is refused, too, since its order cannot be checked.
    """
    found = [check_potential(path, species) for path in paths]
    first = found[0]
    silent = [str(path) for path, one in zip(paths, found, strict=True) if one is None]
    if silent and len(found) > 1:
        raise HavenError(f"potential {silent[0]} does not say the order of its elements: in an "
                         "ensemble it might be asked about others; install its library "
                         "(./haven setup --pytorch), or give it alone")
    for path, other in zip(paths, found, strict=True):
        for name, what in (("type_map", "elements by type"), ("cutoff_angstrom", "cutoff")):
            if first and other and getattr(first, name) != getattr(other, name):
                raise HavenError(f"potentials {paths[0]} and {path} differ in their {what} "
                                 f"({getattr(first, name)} and {getattr(other, name)}): an "
                                 "ensemble must be trained alike")
    return found


def crowded(atoms: Atoms, model: Description) -> float:
    """Return how full a potential's places for neighbours are: the largest share of any element.

    The share is 0 where the potential does not say how many places it has. Above 1 a warning is
    logged: some neighbours are ignored, and forces jump as atoms enter and leave the cutoff.
    """
    if not model.sel:
        return 0.0
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
