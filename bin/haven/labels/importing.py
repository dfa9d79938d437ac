"""Import of labelled frames: names, Hubbard U and trajectories of what other programs wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError, brief, existing, log
from haven.labels.frames.consistency import MAX_STRESS_GPA
from haven.labels.frames.header_units import without_labels
from haven.labels.frames.reading import LabelledFrame, check_frames, told_hubbard
from haven.labels.programs import Output, open_output, unpacked
from haven.labels.programs.runs import LabelRun
from haven.labels.pulay import HEADER
from haven.material.crystal import Material
from haven.material.relaxation import at_fixed_cutoff

if TYPE_CHECKING:
    from ase import Atoms

PRINTED_U = 2e-3  # eV: how near values are that programs print with three decimals
HUBBARD_IN_PATH = re.compile(r"(?:^|[./])u(\d+(?:\.\d+)?)(?=[./]|$)")


def named_hubbard(name: str) -> float | None:
    """Return the U that a path names: folder ``u4`` or file ``run.u4.OUTCAR``; the last one."""
    found = HUBBARD_IN_PATH.findall(name)
    return float(found[-1]) if found else None


NO_OUTPUT = ("no output of a program that is known: give an OUTCAR or vasprun.xml of VASP, a "
             "text output of GPAW, Quantum ESPRESSO or CP2K, or frames as extxyz, .traj or .gpw")
NO_FOLDER = ("no folder of deepmd/npy, deepmd/raw, deepmd/lmdb or CP2K's dynamics: name the "
             "outputs that it holds")
MOST_DIGITS = 18  # of a frame's number, a whole number of 64 bits


def plain_name(name: str) -> str:
    """Return a path as one word, without the U it names: ``u4/run1/OUTCAR`` is ``run1``.

    The word OUTCAR is removed, since ASE takes any file with it in its name for one of VASP.
    """
    bare = re.sub(r"\.(gz|bz2|xz)$", "", name)
    bare = re.sub(r"\.(extxyz|xyz|traj|gpw|txt|out|log|xml|pwo)$", "",
                  HUBBARD_IN_PATH.sub("", bare))
    bare = re.sub("OUTCAR|vasprun", "", bare)
    return re.sub(r"[^A-Za-z0-9-]+", "_", bare).strip("_") or "frames"


@dataclass(frozen=True)
class Source:
    """One set of labels: a file or folder, and files of the same run that may stand in for it.

    Attributes
    ----------
    path
        File or folder, as `haven.labels.programs.open_output` takes it.
    name
        Its path as the user knows it.
    others
        (path, name) of further files of the same run, such as the vasprun.xml beside an OUTCAR.
    """

    path: Path
    name: str
    others: tuple[tuple[Path, str], ...] = ()


def group_sources(given: Sequence[tuple[Path, str]]) -> list[Source]:
    """Return the sources of some files and folders, VASP's two outputs of one folder as one."""
    def place(name: str) -> str:
        return name.rpartition("/")[0]

    told = {place(name) for _, name in given if "OUTCAR" in name.rpartition("/")[2]}
    several = Counter(place(name) for _, name in given if "OUTCAR" in name.rpartition("/")[2])
    beside: dict[str, list[tuple[Path, str]]] = {}
    for path, name in given:
        last = name.rpartition("/")[2]
        if last.startswith("vasprun") and place(name) in told and several[place(name)] == 1:
            beside.setdefault(place(name), []).append((path, name))
    used = {name for some in beside.values() for _, name in some}
    return [Source(path, name, tuple(beside.get(place(name), ()))
                   if "OUTCAR" in name.rpartition("/")[2] else ())
            for path, name in given if name not in used]


def import_all(
    given: Sequence[tuple[Path, str]], material: Material, out: Path, skip_bad: bool = False,
    max_stress_gpa: float = MAX_STRESS_GPA, searched: Collection[str] = (),
) -> list[Path]:
    """Import every source; see `import_source`.

    Parameters
    ----------
    given
        Path and name of each file or folder.
    skip_bad
        Whether to continue without sources that are refused; a warning names each of them.
    searched
        Names of those that a search of folders found, which nobody named.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    HavenError
        Naming every source that is refused, not the first alone.
    """
    written: list[Path] = []
    refused: list[str] = []
    sources = group_sources(given)
    for source in sources:
        try:
            written += import_source(source.path, source.name, material, out, source.others,
                                     max_stress_gpa, source.name in searched)
        except HavenError as error:
            refused.append(str(error))
    if not refused:
        return written
    if skip_bad:
        for reason in refused:
            log.warning("left out: %s", reason)
        if not written:
            raise HavenError(f"none of {len(sources)} sources can be taken: {refused[0]}")
        return written
    for path in written:  # all or none: a later call would find them there already
        path.unlink()
    if len(refused) == 1:
        also = "" if len(sources) == 1 else "; --skip_bad goes on without it"
        raise HavenError(f"{refused[0]}{also}")
    raise HavenError(f"{len(refused)} of {len(sources)} sources can't be taken: "
                     + " | ".join(refused) + " | mend them, or go on without by --skip_bad")


def import_source(
    path: Path, name: str, material: Material, out: Path,
    others: Sequence[tuple[Path, str]] = (), max_stress_gpa: float = MAX_STRESS_GPA,
    searched: bool = False,
) -> list[Path]:
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
    others
        (path, name) of further outputs of the same run, read where the first one can't be or holds
        fewer of its steps.
    max_stress_gpa
        Stress above which most frames are refused.
    searched
        Whether a search of a folder found it: then one that is no program's output is passed over
        with a warning. One that the user named is refused.

    Returns
    -------
    list of Path
        The files written; none if the source is passed over.

    Raises
    ------
    HavenError
        Naming source and frame: what `haven.labels.frames.reading.read_file` refuses, a file of no
        program that is known, an output without one whole step, a U that nothing tells, that name
        and output tell differently or that acts on other elements than the material's, elements
        that don't balance.
    """
    from ase.io import write

    opened = _best(path, name, others)
    if opened is None and searched:
        log.warning("%s is passed over: no output of a program that is known", name)
        return []
    if opened is None:
        raise HavenError(f"{name} is {NO_FOLDER if path.is_dir() else NO_OUTPUT}")
    output, read, name = opened
    if output.missing:
        log.warning("%s: %s; its %d whole steps are taken", name, output.missing, len(read))
    for atoms, run in read:
        atoms.info["u_ev"] = _hubbard(atoms, run.hubbard, output.program, name, material)
    images = [atoms for atoms, _ in read]
    frames: dict[float, list[LabelledFrame]] = {}
    for u_ev in sorted({atoms.info["u_ev"] for atoms in images}):
        frames[u_ev] = check_frames(images, Path(name), u_ev, material.species, max_stress_gpa)
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


def _best(
    path: Path, name: str, others: Sequence[tuple[Path, str]]
) -> tuple[Output, list[tuple[Atoms, LabelRun]], str] | None:
    """Return the output, images and name of whichever file of a run holds most of it.

    With each image comes the run it is of.
    """
    found: tuple[Output, list[tuple[Atoms, LabelRun]], str] | None = None
    fault: HavenError | None = None
    for one, called in ((path, name), *others):
        try:
            with unpacked(existing(one, "labelled frames"), called) as plain:
                output = open_output(plain, called)
                if output is None:
                    continue
                images = _images(output, called)
        except HavenError as error:
            fault = fault or error
            continue
        if found is None or len(images) > len(found[1]):
            if fault is not None or found is not None:
                why = str(fault) if fault else found[0].missing if found else ""
                log.warning("%s is read in place of %s (%s)", called, name, why or "more steps")
            found = (output, images, called)
        if not output.missing:
            break
    if found is None and fault is not None:
        raise fault
    return found


def _images(output: Output, name: str) -> list[tuple[Atoms, LabelRun]]:
    images: list[tuple[Atoms, LabelRun]] = []
    try:
        for run in output.runs:
            for atoms in run.images:
                if output.program != "imported":
                    make_right_handed(atoms)
                atoms.info.update(run.settings)
                images.append((atoms, run))
    except HavenError as error:
        if name in str(error):
            raise
        raise HavenError(f"{name}: {error}") from error
    except Exception as error:  # the readers raise whatever they do
        reason = brief(error)
        raise HavenError(f"{name}, frame {len(images)}: cannot be read, cut off or damaged "
                         f"({reason})") from error
    if not images:
        more = ("; pw.x prints forces where tprnfor is .true." if
                output.program == "quantum espresso" else "")
        raise HavenError(f"{name} holds no frame with energy and forces: it is empty, cut off or "
                         f"did not converge{more}")
    return images


def make_right_handed(atoms: Atoms) -> None:
    """Exchange two lattice vectors of a left-handed cell; energy, forces and stress stay."""
    cell = atoms.cell.array
    if np.linalg.det(cell) < 0:
        calculator, atoms.calc = atoms.calc, None
        atoms.set_cell(cell[[1, 0, 2]], scale_atoms=False)
        atoms.calc = calculator
        if calculator is not None:
            calculator.atoms = atoms.copy()


def _hubbard(
    atoms: Atoms, acting: Mapping[str, float] | None, program: str, name: str, material: Material
) -> float:
    """Return the U of a frame: what it says itself, else its run, else the path.

    ``acting`` is the run's U - J in eV by element, None where it does not say it.
    """
    named, told = named_hubbard(name), None
    if "u_ev" in atoms.info:
        told = told_hubbard(atoms.info["u_ev"], name)
    elif acting is not None:
        told = study_hubbard(acting, atoms.get_chemical_symbols(), material)
        if told is None:
            u_ev = named or max(acting.values())
            wanted = _acting(u_ev, atoms.get_chemical_symbols(), material)
            raise HavenError(
                f"{name} was computed with U = {_said(acting)} eV; the material file's hubbard at "
                f"U = {u_ev:g} eV has {_said(wanted)} for its elements: write shell and u_ev of "
                "each element that U acts on into it, or compute labels with its values")
    elif named == 0 and program != "imported":
        raise HavenError(f"{name} was computed with a Hubbard U that its output leaves open, its "
                         "name says 0: move it into a folder of its U, such as u4")
    if told is None and named is None:
        raise HavenError(f"{name} does not say its Hubbard U: put it into a folder u0, u4, ... or "
                         "name it so, such as run.u4.extxyz")
    if told is not None and named is not None and abs(told - named) > 1e-6:
        raise HavenError(f"{name} was computed with U = {told:g} eV, its name says "
                         f"{named:g}: move it into the folder of its U")
    return told if told is not None else float(named or 0)


def _said(by_element: Mapping[str, float]) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in by_element.items()) or "none"


def _acting(u_ev: float, symbols: Collection[str], material: Material) -> dict[str, float]:
    """Return what a study's U is on the elements among some symbols that it acts on, eV."""
    return {symbol: round(value, 4) for symbol, value in material.hubbard_ev(u_ev).items()
            if value and symbol in symbols}


def study_hubbard(
    acting: Mapping[str, float], symbols: Collection[str], material: Material
) -> float | None:
    """Return the study's U in eV that is these values on a frame's elements; None without one.

    Parameters
    ----------
    acting
        U - J in eV by element, of those it acts on; empty at 0.
    symbols
        Of the frame's atoms.
    material
        Its Hubbard terms count.
    """
    if not acting:
        return 0.0
    symbol, u_ev = max(acting.items(), key=lambda item: item[1])
    if (share := material.hubbard_share.get(symbol, 1.0)) != 1:
        u_ev = round(u_ev / share, 3)
    wanted = _acting(u_ev, symbols, material)
    same = wanted.keys() == acting.keys() and all(
        abs(acting[name] - value) < PRINTED_U for name, value in wanted.items())
    return u_ev if same else None


def _check_balance(frame: LabelledFrame, material: Material) -> None:
    charge = sum(material.charges.get(s, 0) for s in frame.atoms.get_chemical_symbols())
    if abs(charge) > 1e-6:
        raise HavenError(f"{frame.where}: {frame.atoms.symbols.formula.format('hill')} has a net "
                         f"charge of {charge:+g}: is the order of the elements in type_map.raw "
                         "right?")


def _described(frame: LabelledFrame, u_ev: float, output: Output, name: str, count: int) -> Atoms:
    """Return a frame's atoms with what the data set needs to know of it.

    Frames that stand alone in their files belong to one trajectory where names differ in numbers
    only (``task.0001/OUTCAR``): neighbours in one dynamics must not end in both training and test.
    Of several numbers each gets six digits of the frame's: ``batch2/frame12`` is 2000012. Those for
    which it has no room stay in the trajectory's name.
    """
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.stress import full_3x3_to_voigt_6_stress

    atoms = without_labels(frame.atoms)
    stress = None
    if frame.stress is not None:  # the header keeps the Pulay stress, which is added when read
        stress = at_fixed_cutoff(full_3x3_to_voigt_6_stress(frame.stress),
                                 -float(atoms.info.get(HEADER, 0.0)))
    labels = {"energy": frame.energy, "forces": frame.forces, "stress": stress,
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
        **atoms.info, "u_ev": u_ev, "given": name}
    return atoms
