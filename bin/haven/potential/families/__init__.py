"""The families of potentials: `FAMILIES`, and what to ask of a file whose family is not known.

A new family is a module with a class of `haven.potential.families.base.Family`, and one line here.
Where Haven trains it, a class of `haven.potential.families.base.Trainer` and one line in `trainer`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.errors import HavenError, existing
from haven.core.identity import sha256
from haven.core.reading import checksums
from haven.potential.families.base import SAME_U, UNCOMPRESSED, Evaluator, Family, Trainer
from haven.potential.families.deepmd.family import Deepmd
from haven.potential.families.pair import Pair

if TYPE_CHECKING:
    from ase import Atoms

FAMILIES: tuple[Family, ...] = (Deepmd(), Pair())
TRAINED = "deepmd"  # the family that the pipeline trains


def trainer(name: str = TRAINED) -> Trainer:
    """Return what trains the potentials of a family.

    Raises
    ------
    HavenError
        If Haven does not train this family.
    """
    from haven.potential.families.deepmd.trainer import DeepmdTrainer

    for known in (DeepmdTrainer(),):
        if known.name == name:
            return known
    raise HavenError(f"potentials of the family {name} are not trained here: give their files")


def family_of(path: str | Path) -> Family:
    """Return the family of a potential, which its file's ending tells.

    Raises
    ------
    HavenError
        If no family has such files.
    """
    ending = Path(path).suffix
    for family in FAMILIES:
        if ending in family.suffixes:
            return family
    known = ", ".join(suffix for family in FAMILIES for suffix in family.suffixes)
    raise HavenError(f"{path} is no frozen potential: expected {known}")


def check_potential(path: str | Path, species: Sequence[str]) -> None:
    """Refuse a file that is no potential, is damaged, or lacks one of the elements."""
    family = family_of(path)
    check_undamaged(existing(path, "potential"))
    family.check(Path(path), species)


def check_undamaged(path: str | Path) -> None:
    """Refuse a potential, or weights, that do not fit to the checksum written when they were made.

    It stands in ``u4_s1.potential.json`` beside ``u4_s1.pb``, and where potentials are handed on in
    ``SHA256SUMS``. Links are followed. A file without either passes.

    Raises
    ------
    HavenError
        Naming the file.
    """
    checksums.check_file(path)
    source = Path(path).resolve()
    about = source.with_name(f"{source.stem}.potential.json")
    if not source.is_file() or not about.is_file():
        return
    try:
        told = json.loads(about.read_text(encoding="utf-8"))
        wanted = told["sha256"] if told.get("potential") == source.name else (
            told.get("weights_sha256") if source.suffix == ".pt" else None)
    except (ValueError, KeyError, AttributeError) as error:
        raise HavenError(f"{about} is damaged ({type(error).__name__}): copy it again with its "
                         "potential, or remove it") from error
    if wanted is not None and sha256(source) != wanted:
        raise HavenError(f"potential {path} does not fit to the checksum in {about.name}: it is "
                         "damaged, or of another training: copy both again")


def told_u(about: Path) -> float | None:
    """Return the Hubbard U, eV, that a ``potential.json`` tells; None where it tells none."""
    try:
        return float(json.loads(about.read_text(encoding="utf-8"))["u_ev"])
    except (ValueError, KeyError, TypeError):
        return None


def refuse_other_u(what: str, own: float, u_ev: float, kinds: str = "potentials") -> None:
    """Refuse what is of another Hubbard U than the one asked for.

    Parameters
    ----------
    what
        What is given, for the message.
    own, u_ev
        Its U, and that of ``--u_ev``, eV.
    kinds
        What has to be of one U, for the message.

    Raises
    ------
    HavenError
        Naming both.
    """
    if abs(own - u_ev) > SAME_U:
        raise HavenError(f"{what} is of U = {own:g} eV, not {u_ev:g} eV: give {kinds} and --u_ev "
                         "of one U")


def check_u(path: str | Path, u_ev: float) -> None:
    """Refuse a potential of another Hubbard U, eV, by the ``potential.json`` beside it.

    It is looked for beside the path and where a link leads; that of ``u4_s1.pb`` is also that of
    ``uncompressed_u4_s1.pb``. A potential without one, or whose own tells no U, passes.
    """
    for place in (Path(path), Path(path).resolve()):
        about = place.with_name(f"{place.stem.removeprefix(UNCOMPRESSED)}.potential.json")
        if about.is_file() and (own := told_u(about)) is not None:
            refuse_other_u(f"potential {path}", own, u_ev)


def check_ensemble(paths: Sequence[str | Path], species: Sequence[str], u_ev: float) -> None:
    """Refuse potentials as `check_potential` does, and those that cannot be run side by side.

    All must be of one Hubbard U, ``u_ev`` in eV: see `check_u`.
    """
    family = family_of(paths[0])
    for path in paths:
        if family_of(path) is not family:
            raise HavenError(f"potentials {paths[0]} and {path} are of two families: an ensemble "
                             "is of one")
    for path in paths:
        check_undamaged(existing(path, "potential"))
        check_u(path, u_ev)
    family.check_ensemble([Path(path) for path in paths], species)


def require_gpu(path: str | Path) -> str:
    """Refuse to go on where no GPU can be used with a potential; return the GPU's name."""
    return family_of(path).require_gpu(Path(path))


def calculator(path: str | Path, atoms: Atoms) -> Any:
    """Return an ASE calculator of a potential, checked to know the elements of ``atoms``."""
    family = family_of(path)
    check_undamaged(existing(path, "potential"))
    made, known = family.calculator(Path(path))
    if absent := sorted(set(atoms.get_chemical_symbols()) - set(known)):
        raise HavenError(f"potential {path} does not know {', '.join(absent)}")
    return made


def open_evaluator(path: str | Path, species: Sequence[str]) -> Evaluator:
    """Return a potential opened to predict labels, or refuse one that lacks an element."""
    family = family_of(path)
    check_undamaged(existing(path, "potential"))
    made = family.evaluator(Path(path))
    if absent := [s for s in species if s not in made.elements]:
        raise HavenError(f"potential {path} knows {', '.join(made.elements)}, not "
                         f"{', '.join(absent)}")
    return made
