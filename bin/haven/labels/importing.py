"""Import of labelled frames: names, Hubbard U and trajectories of what other programs wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.errors import HavenError, existing, log
from haven.labels.frames import Frame, check_frames
from haven.labels.programs import Output, open_output
from haven.material.crystal import Material

if TYPE_CHECKING:
    from ase import Atoms

HUBBARD_IN_PATH = re.compile(r"(?:^|[./])u(\d+(?:\.\d+)?)(?=[./]|$)")


def named_hubbard(name: str) -> float | None:
    """Return the U that a path names: folder ``u4`` or file ``run.u4.OUTCAR``; the last one."""
    found = HUBBARD_IN_PATH.findall(name)
    return float(found[-1]) if found else None


MOST_DIGITS = 18  # of a frame's number, a whole number of 64 bits


def plain_name(name: str) -> str:
    """Return a path as one word, without the U it names: ``u4/run1/OUTCAR`` is ``run1``.

    ASE takes a file for VASP's by such a word in its name, so it must not stay.
    """
    bare = re.sub(r"\.(extxyz|xyz|traj|gpw|txt|out|log|xml|pwo)$", "",
                  HUBBARD_IN_PATH.sub("", name))
    bare = re.sub("OUTCAR|vasprun", "", bare)
    return re.sub(r"[^A-Za-z0-9-]+", "_", bare).strip("_") or "frames"


def import_source(path: Path, name: str, material: Material, out: Path) -> list[Path]:
    """Check the frames of one source and write them, one extxyz file for each U.

    Parameters
    ----------
    path
        File or folder, as `haven.labels.programs.open_output` takes it.
    name
        Its path as the user knows it.
    material
        Elements, and charges that a cell's atoms must balance.
    out
        Folder for ``<name>.u<U>.extxyz``.

    Returns
    -------
    list of Path
        The files written; none if the source is no program's output.

    Raises
    ------
    HavenError
        Naming source and frame: what `haven.labels.frames.read_file` refuses, an output cut off, a
        U that nothing tells or that name and output tell differently, elements that don't balance.
    """
    from ase.io import write

    output = open_output(existing(path, "labelled frames"), name)
    if output is None:
        log.warning("%s is passed over: no output of a program that is known", name)
        return []
    images = _images(output, name)
    frames: dict[float, list[Frame]] = {}
    for u_ev in sorted({_hubbard(atoms, output, name) for atoms in images}):
        frames[u_ev] = check_frames(images, Path(name), u_ev, material.species)
    every = [frame for group in frames.values() for frame in group]
    if output.numbered:
        for frame in every:
            _check_balance(frame, material)
    word, paths = plain_name(name), []
    for u_ev, group in frames.items():
        paths.append(out / f"{word}.u{u_ev:g}.extxyz")
        if paths[-1].exists():
            raise HavenError(f"{name}: frames named {word} at U = {u_ev:g} eV are there already: "
                             "rename one of the two sources, or empty the folder")
        write(paths[-1], [_described(frame, u_ev, output, name, len(every)) for frame in group],
              format="extxyz")
    log.info("%s: %s", name, ", ".join(f"{len(g)} frames at U = {u:g} eV"
                                       for u, g in frames.items()))
    return paths


def _images(output: Output, name: str) -> list[Atoms]:
    images: list[Atoms] = []
    try:
        images.extend(output.images)
    except HavenError:
        raise
    except Exception as error:  # the readers raise whatever they do
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise HavenError(f"{name}, frame {len(images)}: cannot be read, cut off or damaged "
                         f"({reason})") from error
    if not images:
        raise HavenError(f"{name} holds no frame with energy and forces: it is empty, cut off or "
                         "did not converge")
    return images


def _hubbard(atoms: Atoms, output: Output, name: str) -> float:
    """Return the U of a frame: what it says itself, else the output, else the path."""
    named, told = named_hubbard(name), atoms.info.get("u_ev", output.u_ev)
    if told is None and named is None:
        raise HavenError(f"{name} does not say its Hubbard U: put it into a folder u0, u4, ... or "
                         "name it so, such as run.u4.extxyz")
    if told is not None and named is not None and abs(float(told) - named) > 1e-6:
        raise HavenError(f"{name} was computed with U = {float(told):g} eV, its name says "
                         f"{named:g}: move it into the folder of its U")
    u_ev = float(told) if told is not None else float(named or 0)
    atoms.info["u_ev"] = u_ev
    return u_ev


def _check_balance(frame: Frame, material: Material) -> None:
    charge = sum(material.charges.get(s, 0) for s in frame.atoms.get_chemical_symbols())
    if abs(charge) > 1e-6:
        raise HavenError(f"{frame.where}: {frame.atoms.symbols.formula.format('hill')} has a net "
                         f"charge of {charge:+g}: is the order of the elements in type_map.raw "
                         "right?")


def _described(frame: Frame, u_ev: float, output: Output, name: str, count: int) -> Atoms:
    """Return a frame's atoms with what the data set needs to know of it.

    Frames that stand alone in their files belong to one trajectory where names differ in numbers
    only (``task.0001/OUTCAR``): neighbours in one dynamics must not end in both training and test.
    Of several numbers each gets six digits of the frame's: ``batch2/frame12`` is 2000012. Those for
    which it has no room stay in the trajectory's name.
    """
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = frame.atoms.copy()
    raw: Any = frame.atoms.calc  # whose stress has no Pulay stress added: the header keeps that
    labels = {"energy": frame.energy, "forces": frame.forces, "stress": raw.results.get("stress"),
              "magmoms": frame.moments, "magmom": frame.info.get("magmom")}
    atoms.set_initial_magnetic_moments(None)
    atoms.calc = SinglePointCalculator(
        atoms, **{key: value for key, value in labels.items() if value is not None})
    word = plain_name(name)
    parts, digits = re.split(r"(\d+)", word), ""
    for place in range(len(parts) - 2, 0, -2) if count == 1 else ():
        if len(digits) + max(len(parts[place]), 6) > MOST_DIGITS:
            break
        digits, parts[place] = parts[place].zfill(6) + digits, "N"
    own, number = "".join(parts), int(digits) if digits else frame.number
    atoms.info = {
        "trajectory": own, "frame": number, "origin": "imported", "engine": output.program,
        **frame.atoms.info, "u_ev": u_ev, "given": name}
    return atoms
