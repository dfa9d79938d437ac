"""Born-Oppenheimer dynamics at constant temperature with the engine of the labels.

ASE's Langevin thermostat (`ase.md.langevin`, after Vanden-Eijnden and Ciccotti, Chem. Phys. Lett.
429, 310, 2006) with the centre of mass held: it samples the canonical distribution in a cell of
few atoms, where a Nosé-Hoover chain can stay in one mode; it takes up the energy that
self-consistency leaves over; and its whole state is positions, velocities and random numbers. Its
friction changes the motion on the time scale of ``damping_fs``: such a run is for structure, forces
and cost, not for diffusion or spectra.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from haven.core.errors import HavenError, existing, log
from haven.core.thermostat import check_damping
from haven.labels.pulay import HEADER, measured

if TYPE_CHECKING:
    from ase import Atoms

    from haven.labels.engines.base import Engine, LabelSettings

FRAMES, STATES = "frames.extxyz", ("even.npz", "odd.npz")


@dataclass(frozen=True)
class Course:
    """The numbers that decide a first-principles run.

    Attributes
    ----------
    u_ev, temperature_k, timestep_fs
        Hubbard U, eV; of the thermostat, K; of the integrator, fs.
    damping_fs
        Time in which friction takes up a velocity, fs.
    steps
        Length; the start is frame 0.
    seed
        Of velocities and thermostat.
    """

    u_ev: float
    temperature_k: float
    timestep_fs: float
    damping_fs: float
    steps: int
    seed: int


def check_course(course: Course) -> None:
    """Refuse a run whose numbers make no sense, naming the parameter."""
    for name, value in asdict(course).items():
        if name not in ("u_ev", "steps", "seed") and not value > 0:
            raise HavenError(f"{name} is {value:g}: it must be above 0")
    if course.steps < 1:
        raise HavenError(f"aimd_steps is {course.steps}: it must be at least 1")
    check_damping(course.damping_fs, course.timestep_fs)


def key_of_aimd(
    about: Mapping[str, Any], start: Atoms, settings: LabelSettings, version: str
) -> str:
    """Return 12 characters that name a run whatever its length: its settings and its start.

    ``about``: the course, and what `haven.labels.labelling.hamiltonian` returns.
    """
    from haven.labels.labelling import label_key

    return label_key({**about, "steps": 0}, [start], settings, version)


class Labelled(Calculator):
    """ASE's view of a label engine at one U: each step goes on from the last density."""

    implemented_properties: list[str] = ["energy", "free_energy", "forces"]  # noqa: RUF012

    def __init__(self, engine: Engine, u_ev: float) -> None:
        super().__init__()
        self.engine, self.u_ev, self.fresh = engine, u_ev, True
        self.last: dict[str, Any] = {}

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Label the atoms; where this fails from the last density, start from that of U = 0."""
        super().calculate(atoms, properties, system_changes)
        bare = atoms.copy()
        bare.set_constraint()
        ramp = sorted({0.0, self.u_ev})
        for u_evs in [ramp] if self.fresh else [[self.u_ev], ramp]:
            made = dict(self.engine.label(bare, u_evs))
            if self.u_ev in made:
                break
        else:
            raise HavenError("the self-consistency does not converge")
        self.last, self.fresh = dict(made[self.u_ev]), False
        for name in ("scf_steps", "wall_s", "cpu_s"):
            if self.last[name] is not None:
                self.last[name] = sum(result[name] for result in made.values())
        self.results = {"energy": self.last["energy"], "free_energy": self.last["energy"],
                        "forces": self.last["forces"]}


def read_start(path: str | Path, species: Sequence[str]) -> Atoms:
    """Return the last all-atom frame of Haven's trajectory (npz), or a structure of any format."""
    from ase import Atoms

    from haven.material.structures import read_structure
    from haven.trajectory.all_atoms import read_frames

    source = existing(path, "start")
    if source.suffix != ".npz":
        return read_structure(source, species)
    symbols, frames = read_frames(source)
    unknown = sorted(set(symbols) - set(species))
    if unknown:
        raise HavenError(f"{source}: element {', '.join(unknown)} is not of the material "
                         f"({', '.join(species)})")
    positions, cell = frames[-1]
    return Atoms(symbols, positions, cell=cell, pbc=True)


def prepared(start: Atoms, course: Course, moments: Mapping[str, float]) -> Atoms:
    """Return the start with its moments and with velocities drawn for the temperature.

    The start is taken as a frame of dynamics at this temperature: its positions are thermal.
    """
    from ase import Atoms
    from ase.constraints import FixCom
    from ase.md.velocitydistribution import thermalize_momenta

    atoms = Atoms(start.numbers, start.positions, cell=start.cell, pbc=True)
    atoms.set_initial_magnetic_moments([moments.get(s, 0.0) for s in atoms.symbols])
    atoms.set_constraint(FixCom())
    thermalize_momenta(atoms, course.temperature_k, rng=np.random.default_rng([course.seed, 0]))
    return atoms


def save(folder: Path, step: int, atoms: Any, random: np.random.Generator) -> None:
    """Write the state after a step; it replaces the one before the last, in one move."""
    target = folder / STATES[step % 2]
    scratch = target.with_suffix(".part")
    with scratch.open("wb") as stream:
        np.savez(stream, step=step, positions=atoms.positions, momenta=atoms.get_momenta(),
                 energy=atoms.calc.results["energy"], forces=atoms.calc.results["forces"],
                 random=json.dumps(random.bit_generator.state),
                 written=(folder / FRAMES).stat().st_size)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.replace(target)


def newest(folder: Path) -> dict[str, Any] | None:
    """Return the latest whole state whose frames are all there; None where nothing was begun."""
    found: list[dict[str, Any]] = []
    there = [folder / name for name in STATES if (folder / name).exists()]
    frames = folder / FRAMES
    size = frames.stat().st_size if frames.exists() else 0
    for path in there:
        try:
            with np.load(path) as data:
                state = {name: data[name] for name in data.files}
            state["random"] = json.loads(str(state["random"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            log.warning("%s is damaged: going on from the step before", path)
            continue
        if int(state["written"]) <= size:
            found.append(state)
    if there and not found:
        raise HavenError(f"no state in {folder} can be gone on from (damaged, or {FRAMES} is cut "
                         "off): delete the folder to begin again")
    return max(found, key=lambda state: int(state["step"]), default=None)


def go_on(atoms: Any, course: Course, folder: Path) -> Iterator[int]:
    """Yield each step once its forces are known, from the last state on; save it after the yield.

    Parameters
    ----------
    atoms
        The start of `prepared`, with its calculator; changed in place.
    course
        The run.
    folder
        Of its states and its frames. What the receiver appends to ``frames.extxyz`` for a step is
        kept only if the state after it was: no step is there twice, none half.
    """
    from ase import units
    from ase.md.langevin import Langevin

    random = np.random.default_rng([course.seed, 1])
    thermostat: Any = Langevin(
        atoms, course.timestep_fs * units.fs, temperature_K=course.temperature_k,
        friction=1 / (course.damping_fs * units.fs), fixcm=False, rng=random)
    state = newest(folder)
    if state is None:
        step = 0
        (folder / FRAMES).write_text("")
        atoms.get_forces()
        yield step
        save(folder, step, atoms, random)
    else:
        step = int(state["step"])
        os.truncate(folder / FRAMES, int(state["written"]))
        atoms.set_positions(state["positions"], apply_constraint=False)
        atoms.set_momenta(state["momenta"], apply_constraint=False)
        random.bit_generator.state = state["random"]
        atoms.calc.atoms = atoms.copy()
        atoms.calc.results = {"energy": float(state["energy"]), "forces": state["forces"]}
        log.info("going on from step %d", step)
    while step < course.steps:
        thermostat.step()
        step += 1
        hot = atoms.get_temperature()
        if not hot < max(5000.0, 5 * course.temperature_k):
            raise HavenError(f"AIMD has {hot:.0f} K at step {step}: shorten aimd_timestep_fs, or "
                             "start from a structure nearer to equilibrium")
        yield step
        save(folder, step, atoms, random)


def go_on_with_aimd(
    start: Atoms, engine: Engine, course: Course, settings: LabelSettings,
    moments: Mapping[str, float],
    folder: Path, name: str,
) -> Path:
    """Run or go on with the dynamics kept in ``folder``; return its frames, each a label.

    Parameters
    ----------
    start
        A frame of the cell, positions in Angstrom.
    engine, settings
        Of the labels.
    course
        The run.
    moments
        Element to starting magnetic moment, Bohr magneton.
    folder
        Exists; of this run alone.
    name
        The trajectory's.
    """
    from ase.io import write

    from haven.labels.labelling import labelled

    atoms = prepared(start, course, moments)
    calculator = Labelled(engine, course.u_ev)
    atoms.calc = calculator
    about = {"trajectory": name, "origin": "aimd", "temperature_k": course.temperature_k,
             "timestep_fs": course.timestep_fs, "thermostat": "langevin",
             "damping_fs": course.damping_fs, "seed": course.seed}
    if start.info.get("occupancies"):
        about["occupancies"] = str(start.info["occupancies"])
    step = -1
    try:
        for step in go_on(atoms, course, folder):
            frame = atoms.copy()
            frame.set_constraint()
            del frame.arrays["momenta"]
            frame.info = {**about, "frame": step, "time_fs": step * course.timestep_fs,
                          "kinetic_temperature_k": round(atoms.get_temperature(), 2)}
            write(folder / FRAMES, labelled(frame, course.u_ev, calculator.last, settings,
                                            engine.version), format="extxyz", append=True)
            log.info("%s U = %g eV, step %d: %d SCF steps, %.1f s, %.4f eV, %.0f K", name,
                     course.u_ev, step, calculator.last["scf_steps"],
                     calculator.last["cpu_s"] or calculator.last["wall_s"],
                     calculator.last["energy"], atoms.get_temperature())
    except HavenError as error:
        raise HavenError(f"step {step + 1} of {name}: {error}; the steps before are kept in "
                         f"{folder}") from error
    return folder / FRAMES


def add_pulay(
    frames: Sequence[Any], u_ev: float, settings: LabelSettings,
    make: Callable[[LabelSettings], Engine],
    moments: Mapping[str, float],
) -> None:
    """Put the Pulay stress, measured on the first frame, into the headers of labelled frames."""
    bare = frames[0].copy()
    bare.set_initial_magnetic_moments([moments.get(s, 0.0) for s in bare.symbols])
    pulay = measured(bare, frames[0].get_potential_energy(), u_ev, settings, make)
    for frame in frames if pulay is not None else ():
        frame.info[HEADER] = pulay / frame.get_volume()
