"""Migration barriers: relaxed bands of jumps, and the reasons to doubt them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import log
from haven.core.periodic import minimum_image
from haven.material.sites.lattice import SiteFinder, SiteLattice
from haven.mechanism.bands import Band, nudged_band, relax_end
from haven.mechanism.paths import CLEARANCE, Jump, WantedJump, candidates

if TYPE_CHECKING:
    from ase import Atoms

END_SHARE = 0.5  # of the band's tolerance on forces, that its ends are relaxed to
SHORTENED = 0.75  # share of a jump that the relaxed ion must have gone, else it is off site
DIP = 0.02  # eV below both ends, from which on a band has a minimum between them
SHOWN = 5.0  # Angstrom about the path, of atoms kept to be looked at


def start_verdict(start: Atoms, force_tolerance: float) -> dict[str, Any]:
    """Relax the near end that all paths share, and return the row of table ``verdicts`` on it."""
    relax_end(start, END_SHARE * force_tolerance)
    force = float(np.linalg.norm(start.get_forces(), axis=1).max())
    passed = is_relaxed(start, force_tolerance)
    message = "The start of the paths is relaxed." if passed else (
        "The start of the paths could not be relaxed: its barriers are doubtful."
    )
    return {"stage": "FIND_BARRIERS", "check": "start relaxed", "value": force, "passed": passed,
            "limit": force_tolerance, "unit": "eV/Angstrom", "message": message}


def is_relaxed(atoms: Atoms, force_tolerance: float) -> bool:
    """Return whether no force on an end of paths exceeds the limit of a band, eV/Angstrom."""
    return float(np.linalg.norm(atoms.get_forces(), axis=1).max()) <= force_tolerance


def ends(
    start: Atoms, jump: Jump, lattice: SiteLattice, taken: dict[int, int], force_tolerance: float
) -> tuple[Atoms, list[str]]:
    """Return the relaxed far end of a jump, and what is wrong with it.

    Parameters
    ----------
    start
        Relaxed near end, with a calculator.
    jump
        The jump.
    lattice
        Sites.
    taken
        Row of each cation to its site, at the near end.
    force_tolerance
        Limit of the relaxation, eV/Angstrom.
    """
    end = start.copy()
    end.calc = start.calc
    away = start.positions[jump.atom] - lattice.centres[jump.first]
    away = minimum_image(away, lattice.cell)
    shift = lattice.centres[jump.second] - lattice.centres[jump.first] - jump.vector
    shift = minimum_image(shift, lattice.cell)
    end.positions[jump.atom] += jump.vector + shift - away
    relax_end(end, END_SHARE * force_tolerance)
    rows = list(taken)
    site, _, _ = SiteFinder(lattice).nearest(end.positions[rows])
    wanted = {**taken, jump.atom: jump.second}
    doubts = [] if is_relaxed(end, force_tolerance) else ["end_not_relaxed"]
    found = dict(zip(rows, site.tolist(), strict=True))
    if found[jump.atom] != jump.second:
        doubts.append("ends_merge")
    if any(found[a] != s for a, s in wanted.items() if a != jump.atom):
        doubts.append("others_moved")
    moved = end.positions[jump.atom] - start.positions[jump.atom]
    if not doubts and np.linalg.norm(moved) < SHORTENED * np.linalg.norm(jump.vector):
        doubts.append("off_site")
    return end, doubts


def doubts_of(
    band: Band, jump: Jump, lattice: SiteLattice, taken: dict[int, int]
) -> list[str]:
    """Return the doubts about a band, one word each; none for a sound one.

    A local minimum on the way, such as a tetrahedron of anions, is no reason for doubt unless its
    energy is below that of both ends: the jump would then begin there.

    Parameters
    ----------
    band
        The band.
    jump
        What it was meant to be.
    lattice
        Sites.
    taken
        Row of each cation to its site, at the near end.
    """
    doubts = []
    others = [s for a, s in taken.items() if a != jump.atom]
    path = np.stack([image.positions[jump.atom] for image in band.images[1:-1]])
    site, _, distance = SiteFinder(lattice).nearest(path)
    inside = set(site[distance < CLEARANCE].tolist()) - {jump.first, jump.second}
    if inside & set(others):
        doubts.append("through_occupied")
    if inside - set(others):
        doubts.append("via_vacancy")
    if band.energies.argmax() in (0, len(band.energies) - 1):
        doubts.append("no_barrier")
    if band.energies[1:-1].min() < min(band.energies[0], band.energies[-1]) - DIP:
        doubts.append("intermediate_minimum")
    return doubts


def follow(
    start: Atoms, lattice: SiteLattice, taken: dict[int, int], jumps: list[Jump], images: int,
    force_tolerance: float, tries: int = 6, of_start: Sequence[str] = (),
) -> tuple[Jump, Band] | None:
    """Return the band of the first jump whose ends are stable and that has a barrier between them.

    Where there is none, the first jump with a band is returned, and its doubts say what is wrong.

    Parameters
    ----------
    start
        Relaxed near end, with a calculator.
    lattice
        Sites.
    taken
        Row of each cation to its site.
    jumps
        Jumps to try, the likeliest first.
    images
        Images between the ends.
    force_tolerance
        Limit of all forces, eV/Angstrom.
    tries
        Jumps tried at most; half as many bands.
    of_start
        Doubts about the near end, which all bands share.
    """
    def banded(jump: Jump, end: Atoms, doubts: list[str]) -> Band:
        band = nudged_band(start, end, jump.atom, images, force_tolerance)
        band.doubts = [*of_start, *doubts, *doubts_of(band, jump, lattice, taken)]
        return band

    doubtful: list[tuple[Jump, Atoms, list[str]]] = []
    flat: list[tuple[Jump, Band]] = []
    for jump in jumps[:tries]:
        end, doubts = ends(start, jump, lattice, taken, force_tolerance)
        if doubts:
            doubtful += [(jump, end, doubts)] if "ends_merge" not in doubts else []
            continue
        band = banded(jump, end, doubts)
        if "no_barrier" not in band.doubts:
            return jump, band
        flat.append((jump, band))
        if 2 * len(flat) >= tries:
            break
    if not flat and doubtful:
        flat = [(doubtful[0][0], banded(*doubtful[0]))]
    return flat[0] if flat else None


def all_barriers(
    start: Atoms, lattice: SiteLattice, taken: dict[int, int], mobile: str,
    wanted: list[WantedJump], images: int, force_tolerance: float, each: int = 1,
    atoms: list[dict[str, Any]] | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of ``barriers`` and ``verdicts`` of all kinds of jump, but for their keys.

    Parameters
    ----------
    start
        Relaxed near end, with a calculator.
    lattice
        Sites.
    taken
        Row of each cation to its site.
    mobile
        Mobile element.
    wanted
        Kinds of jump.
    images
        Images between the ends.
    force_tolerance
        Limit of all forces, eV/Angstrom.
    each
        Number of paths of each kind, each of another ion, since in a disordered crystal they
        differ.
    atoms
        Takes the rows of table ``band_atoms``, if given.
    """
    rows, verdicts = [], []
    of_start = () if is_relaxed(start, force_tolerance) else ("start_not_relaxed",)
    for want in wanted:
        jumps = candidates(lattice, start, taken, mobile, want)
        for number in range(each):
            name = want.name if number == 0 else f"{want.name} {number + 1}"
            found = follow(start, lattice, taken, jumps, images, force_tolerance,
                           of_start=of_start)
            verdicts.append(verdict(name, found, len(jumps), force_tolerance))
            log.info("%s", verdicts[-1]["message"])
            if found is None:
                break
            rows += barrier_rows(name, want.origin, *found, lattice)
            if atoms is not None:
                atoms += atom_rows(name, *found)
            jumps = [jump for jump in jumps if jump.atom != found[0].atom]
            if not jumps:
                break
    return rows, verdicts


def barrier_rows(
    name: str, origin: str, jump: Jump, band: Band, lattice: SiteLattice
) -> list[dict[str, Any]]:
    """Return the rows of table ``barriers`` of one path but for the keys of the run.

    Parameters
    ----------
    name
        Name of the path.
    origin
        ``direction`` or ``hop``.
    jump
        What was followed.
    band
        Its relaxed band.

        lattice Sites.
    """
    steps = np.diff(np.stack([image.positions for image in band.images]), axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.sqrt((steps**2).sum(axis=(1, 2))))])
    apart = band.images[-1].positions[jump.atom] - band.images[0].positions[jump.atom]
    common = {
        "path": name, "origin": origin, "direction": jump.direction,
        "from_site": str(lattice.letters[jump.first]),
        "to_site": str(lattice.letters[jump.second]),
        "distance_angstrom": float(np.linalg.norm(apart)),
        "barrier_ev": float(band.energies.max()),
        "reverse_barrier_ev": float(band.energies.max() - band.energies[-1]),
        "force_max_ev_per_angstrom": band.force_max, "converged": band.converged,
        "flag": "+".join(band.doubts),
    }
    return [
        {**common, "image": k, "coordinate_angstrom": float(along[k]), "energy_ev": float(energy)}
        for k, energy in enumerate(band.energies)
    ]


def atom_rows(name: str, jump: Jump, band: Band) -> list[dict[str, Any]]:
    """Return the rows of table ``band_atoms`` of one path but for the keys of the run.

    Atoms further than `SHOWN` from the ion on all images are left out.

    Parameters
    ----------
    name
        Name of the path.
    jump
        The jump. band Its relaxed band.
    """
    cell, symbols = np.asarray(band.images[0].cell.array), band.images[0].get_chemical_symbols()
    mover = np.stack([image.positions[jump.atom] for image in band.images])
    middle = mover.mean(axis=0)
    first = middle + minimum_image(band.images[0].positions - middle, cell)
    shift = first - band.images[0].positions
    near = np.min([np.linalg.norm(first - ion - shift[jump.atom], axis=1) for ion in mover], axis=0)
    rows = []
    for image, atoms in enumerate(band.images):
        for atom in np.flatnonzero(near < SHOWN).tolist():
            x, y, z = (atoms.positions[atom] + shift[atom]).tolist()
            rows.append({"path": name, "image": image, "atom": atom, "species": symbols[atom],
                         "moves": atom == jump.atom, "x_angstrom": x, "y_angstrom": y,
                         "z_angstrom": z})
    return rows


def verdict(name: str, found: tuple[Jump, Band] | None, candidates: int, tolerance: float
            ) -> dict[str, Any]:
    """Return the row of table ``verdicts`` of one path but for its material and subject.

    Parameters
    ----------
    name
        Name of the path.
    found
        What `follow` returned.
    candidates
        Jumps of this kind into an empty site.
    tolerance
        Limit of the forces, eV/Angstrom.
    """
    row = {"stage": "FIND_BARRIERS", "check": f"path {name}", "unit": "eV/Angstrom",
           "limit": tolerance, "value": None, "passed": False}
    if not candidates:
        return {**row, "message": f"No ion has an empty site along {name}."}
    if found is None:
        return {**row, "message": f"Along {name} every far end tried fell back to the start."}
    _, band = found
    message = f"Along {name} the barrier is {band.energies.max():.3f} eV"
    if not band.converged:
        message += ", but the band had not converged"
    if band.doubts:
        message += f"; doubtful: {', '.join(band.doubts).replace('_', ' ')}"
    clean = band.converged and not band.doubts
    return {**row, "value": band.force_max, "passed": clean, "message": message + "."}
