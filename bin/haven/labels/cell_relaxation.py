"""Relaxing a small cell with the labels' engine: each step is a label, kept as it is made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import all_changes

from haven.core.errors import HavenError, log
from haven.core.reading.images import read_images
from haven.core.tasks import write_whole
from haven.labels.aimd import Labelled
from haven.labels.dispersion import KEY as DISPERSION
from haven.labels.engines.base import Engine, LabelSettings
from haven.labels.frames.reading import read_file
from haven.labels.labelling import append_frame, labelled, make_engine
from haven.labels.pulay import HEADER, measured
from haven.material.crystal import Material
from haven.material.relaxation import EV_PER_ANGSTROM3_GPA, at_fixed_cutoff, described, relax_cell

if TYPE_CHECKING:
    from ase import Atoms

    from haven.labels.frames.reading import LabelledFrame

FRAMES, HESSIAN, PULAY = "frames.extxyz", "hessian.json", "pulay_ev.txt"
SPRING = 20.0  # first guess of an atom's force constant, eV/Angstrom^2
STIFFNESS_GPA = 30.0  # and of the crystal's elastic constants; ASE's own is that of a diamond


class LabelledCell(Labelled):
    """A label engine at one U as ASE sees it, with stress.

    An engine's stress is that of a fixed number of plane waves, which pulls a cell together when
    they are few. ``pulay`` (eV, see `haven.labels.pulay`) makes it the stress at a fixed cutoff.
    """

    implemented_properties: list[str] = [  # noqa: RUF012
        "energy", "free_energy", "forces", "stress"]

    def __init__(self, engine: Engine, u_ev: float, pulay: float) -> None:
        super().__init__(engine, u_ev)
        self.pulay = pulay

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Label the atoms, first without U: in a new cell there is no density to start from."""
        self.fresh = True
        super().calculate(atoms, properties, system_changes)
        self.results["stress"] = at_fixed_cutoff(
            self.last["stress"], self.pulay / atoms.get_volume())


def calculator(
    name: str, atoms: Atoms, material: Material, settings: LabelSettings, u_ev: float, folder: Path
) -> LabelledCell:
    """Return a calculator of an engine, its stress corrected by the Pulay stress of ``atoms``.

    The correction is kept in ``folder``. Where this call measures it, the calculator has the label
    of the cell already.
    """
    kept = folder / PULAY
    made = LabelledCell(make_engine(name, material, settings, folder), u_ev, 0.0)
    pulay = _kept_number(kept)
    if pulay is None:
        made.calculate(atoms)
        pulay = measured(atoms, float(made.results["energy"]), u_ev, settings,
                         lambda further: make_engine(name, material, further, folder))
        if pulay is None:
            raise HavenError("the stress cannot be that of a fixed cutoff: no label at a higher "
                             "one")
        write_whole(kept, f"{pulay:.9g}\n")
    made.pulay = pulay
    pulay_stress = made.pulay / atoms.get_volume()
    if made.last:
        made.results["stress"] = at_fixed_cutoff(made.last["stress"], pulay_stress)
    log.info("U = %g eV: %.2f GPa added to the stress for the waves that a larger cell lacks",
             u_ev, EV_PER_ANGSTROM3_GPA * pulay_stress)
    return made


def _kept_number(path: Path) -> float | None:
    """Return the number in a file; None where there is none, or the file is cut off."""
    try:
        return float(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _optimiser(atoms: Any, kept: Path) -> Any:
    """Return ASE's BFGS, whose Hessian is in ``kept``; a damaged one is begun anew."""
    from ase.io.jsonio import encode
    from ase.optimize import BFGS
    from ase.optimize.optimize import RestartError

    class Kept(BFGS):
        """Writes its Hessian beside the old one first, so that a kill leaves one of them."""

        def dump(self, data: Any) -> None:
            write_whole(kept, encode(data))

    quiet: Any = None
    given: dict[str, Any] = {"logfile": quiet, "restart": str(kept), "alpha": SPRING}
    try:
        return Kept(atoms, **given)
    except RestartError:
        log.warning("%s is damaged: the relaxation goes on with a first guess of the Hessian", kept)
        kept.unlink()
        return Kept(atoms, **given)


def relax_labelled(
    start: Atoms, material: Material, u_ev: float, name: str, settings: LabelSettings, folder: Path,
    force_tolerance: float, steps: int = 200,
) -> bool:
    """Relax atoms and cell with an engine, or go on where the last call in ``folder`` stopped.

    The steps, each a label, stand in ``frames.extxyz`` there, the optimiser's Hessian beside them.

    Parameters
    ----------
    start
        One cell, near its minimum.
    name
        Engine of the labels.
    folder
        Exists; of this relaxation alone.
    force_tolerance
        Largest force to stop at, eV/Angstrom; of the stress 0.05 GPa.
    steps
        Most steps of one call.

    Returns
    -------
    bool
        Whether forces and stress are within their limits.
    """
    from ase.filters import FrechetCellFilter

    atoms, frames = start.copy(), folder / FRAMES
    atoms.info, atoms.calc = {}, None
    atoms.set_initial_magnetic_moments(material.moments_of(atoms))
    engine = calculator(name, atoms, material, settings, u_ev, folder)
    both: Any = FrechetCellFilter(atoms)  # strains are counted from the start's cell
    done = _take_up(atoms, engine, frames) if frames.exists() else 0
    atoms.calc = engine
    optimiser = _optimiser(both, folder / HESSIAN)
    if optimiser.state is None:  # nothing to go on from
        soft = STIFFNESS_GPA / EV_PER_ANGSTROM3_GPA * atoms.get_volume() / len(atoms) ** 2
        optimiser.H0[-9:, -9:] = soft * np.eye(9)  # the filter's coordinates: strain times atoms
    about = {key: start.info[key] for key in ("trajectory", "occupancies", "system")
             if key in start.info} | {"origin": "relaxed"}

    def keep() -> None:
        nonlocal done
        if not engine.last:
            return  # the step that the last call ended with
        bare = atoms.copy()
        pulay = engine.pulay / atoms.get_volume()
        bare.info = {**about, "frame": done, HEADER: pulay}
        step = labelled(bare, u_ev, engine.last, settings, engine.engine.version)
        append_frame(frames, step)
        done += 1
        _log_step(step, u_ev, described(step, (1, 1, 1), force_tolerance, pulay=pulay))

    optimiser.attach(keep)
    return relax_cell(atoms, (1, 1, 1), force_tolerance, optimiser=optimiser,
                      steps=steps)["converged"]


def _take_up(atoms: Atoms, engine: LabelledCell, frames: Path) -> int:
    """Put the last step of a file into atoms and engine; return how many steps there are."""
    last = read_images(frames, "frames of the relaxation")[-1]
    done = int(last.info["frame"]) + 1
    atoms.set_cell(last.cell)
    atoms.set_positions(last.positions)
    engine.last = {}
    engine.atoms, engine.results = atoms.copy(), {
        "energy": last.get_potential_energy(), "free_energy": last.get_potential_energy(),
        "forces": last.get_forces(),
        "stress": at_fixed_cutoff(last.get_stress(), engine.pulay / last.get_volume())}
    log.info("%s: goes on after %d steps", frames.parent, done)
    return done


def _log_step(step: Atoms, u_ev: float, said: Mapping[str, Any]) -> None:
    """Say what a step is, from `haven.material.relaxation.described`."""
    log.info("U = %g eV, step %d: a %.3f b %.3f c %.3f Angstrom, beta %.2f degree, largest "
             "force %.3f eV/Angstrom, stress %.2f GPa, %d SCF steps", u_ev, step.info["frame"],
             said["a_angstrom"], said["b_angstrom"], said["c_angstrom"], said["beta_degree"],
             said["force_max_ev_per_angstrom"], said["stress_max_gpa"], step.info["scf_steps"])


def lattice_row(frames: list[LabelledFrame], force_tolerance: float) -> dict[str, Any]:
    """Return the row of table ``lattice`` of a relaxation's last frame, without its keys.

    The engine's name ends in the dispersion correction that its labels hold, if any.

    Raises
    ------
    HavenError
        If the last frame has no stress.
    """
    last = frames[-1]
    if last.stress is None:
        raise HavenError(f"{last.where} has no stress: a relaxed cell needs one")
    found = described(last.atoms, (1, 1, 1), force_tolerance,
                      pulay=float(last.info.get(HEADER, 0.0)))
    engine = str(last.info.get("engine", "first principles"))
    added = str(last.info.get(DISPERSION, "none"))
    return {"atoms": len(last.atoms),
            "engine": engine if added == "none" else f"{engine} + {added}",
            "occupancies": str(last.info.get("occupancies", "")),
            "system": str(last.info.get("system", "")), "steps": len(frames) - 1, **found}


def read_relaxed(
    path: str | Path, material: Material, u_ev: float, force_tolerance: float
) -> tuple[dict[str, Any], Atoms]:
    """Return `lattice_row` of a file of steps, and the cell its relaxation began with.

    The cell's ``info`` says occupancies and system.

    Raises
    ------
    HavenError
        If no step is of this U, or one is bad, see `haven.labels.frames.reading.read_file`.
    """
    frames = read_file(path, u_ev, material.species)
    if not frames:
        raise HavenError(f"{path} has no frame of U = {u_ev:g} eV: name another file")
    row = lattice_row(frames, force_tolerance)
    start = frames[0].atoms.copy()
    start.info = {key: row[key] for key in ("occupancies", "system")}
    return row, start
