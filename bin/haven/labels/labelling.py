"""First-principles labels: energy, forces, stress and moments of frames, at each Hubbard U."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, brief, log
from haven.core.identity import sha256
from haven.core.reading.images import open_images, read_images
from haven.labels.engines import ENGINES
from haven.labels.engines.base import Engine, LabelSettings
from haven.labels.frames.reading import (
    FAILED,
    check_geometry,
    program_of,
    trajectory_name,
    walk,
    whole_number,
)
from haven.labels.pulay import HEADER, measured
from haven.material.crystal import Material
from haven.material.distances import min_distance
from haven.material.structures import check_structure

if TYPE_CHECKING:
    from ase import Atoms

SAME_PLACE = 1e-5  # Angstrom; files hold eight decimals


def make_engine(name: str, material: Material, settings: LabelSettings, folder: Path) -> Engine:
    """Return an engine of `haven.labels.engines.ENGINES`; its files go into ``folder``."""
    if settings.dispersion != "none":
        from haven.labels.dispersion import Dispersed

        bare = make_engine(name, material, replace(settings, dispersion="none"), folder)
        return Dispersed(bare, settings.functional)
    folder.mkdir(parents=True, exist_ok=True)
    if name not in ENGINES:
        raise HavenError(f"--engine {name}: choose from {', '.join(ENGINES)}")
    return ENGINES[name].make(material, settings, folder)


def check_asked(material: Material, u_evs: Sequence[float], symbols: Sequence[str]) -> None:
    """Refuse a U above 0 where no element has a Hubbard term: its labels would be those of U = 0.

    Raises
    ------
    HavenError
        If a U is negative or no number, or above 0 where no element of the frame has a shell.
    """
    wrong = [u for u in u_evs if not (np.isfinite(u) and u >= 0)]
    if wrong:
        raise HavenError(f"--u_ev {wrong[0]:g}: U must be a number of eV, 0 or above")
    acts = [symbol for symbol in material.hubbard_ev(1.0) if symbol in symbols]
    if any(u_evs) and not acts:
        named = (f"its hubbard names {', '.join(material.hubbard)}, which the frame has not"
                 if material.hubbard else "it has no entry hubbard")
        raise HavenError(f"--u_ev {max(u_evs):g}: U acts on no shell of material {material.name}: "
                         f"{named}; add one such as hubbard: {{Ti: d}}, or give --u_ev 0")


def to_label(source: str | Path, species: Sequence[str]) -> list[Atoms]:
    """Return the frames of one file to label, which are one trajectory.

    Parameters
    ----------
    source
        File of frames whose headers name trajectory and frame, as build_structures.py writes it.
    species
        Elements of the material.

    Raises
    ------
    HavenError
        Naming file and frame: what `haven.core.reading.images.read_images` refuses, no or several
        trajectories, a number that two frames have, and what no engine can compute.
    """
    frames = read_images(source, "structure file")
    found: dict[int, int] = {}
    for number, atoms in enumerate(frames):
        where = f"{source}, frame {number}"
        for key in ("trajectory", "frame"):
            if key not in atoms.info:
                raise HavenError(f"{where}: its header has no entry {key}: make frames with "
                                 "build_structures.py, or write trajectory=NAME frame=NUMBER")
        named = trajectory_name(atoms.info["trajectory"], where)
        first = str(frames[0].info["trajectory"])
        if named != first:
            raise HavenError(f"{where} is of trajectory {named}, those before of {first}: give a "
                             "file of its own to each trajectory")
        own = whole_number(atoms.info["frame"], where)
        if own in found:
            raise HavenError(f"{where} has the number {own}, as frame {found[own]} of the file "
                             "has: number the frames of a trajectory differently")
        found[own] = number
        check_structure(atoms, species, where)
    return frames


def hamiltonian(material: Material, engine: str, made: Engine) -> dict[str, Any]:
    """Return what decides labels beside their settings: moments, Hubbard terms, the engine's code.

    Labels that were begun with another one are not gone on with.

    Parameters
    ----------
    material
        Its moments and Hubbard terms count.
    engine, made
        Name in `haven.labels.engines.ENGINES`, and that engine opened.
    """
    files = {inspect.getfile(type(made)), inspect.getfile(type(getattr(made, "engine", made)))}
    return {"moments": material.moments, "site_moments": material.site_moments,
            "hubbard": material.hubbard, "hubbard_share": material.hubbard_share,
            "code": sorted(sha256(file) for file in files),
            **{name: os.environ.get(name) for name in ENGINES[engine].environment}}


def label_key(
    about: Mapping[str, Any], frames: Sequence[Atoms], settings: LabelSettings, version: str
) -> str:
    """Return 12 characters that change with the frames, their labels' settings or the engine."""
    fields = {**about, "engine": version, **asdict(settings)}
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
    for atoms in frames:
        for array in (atoms.numbers, np.asarray(atoms.cell), atoms.positions):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]


def label_trajectory(
    frames: list[Atoms], material: Material, u_evs: list[float], settings: LabelSettings, out: Path,
    done: Callable[[str], None] = log.info, engine: str = "gpaw",
) -> list[Path]:
    """Label the frames of one trajectory at each U and write one extxyz file for each U.

    Each label is written as it is made; frames already in the files are left alone, so a stopped
    call goes on where it was. Frames that don't converge go into ``<trajectory>.failed.extxyz``,
    and are not tried again.
    The first frame's Pulay stress at the lowest U is measured, and stands in the headers of all.

    Returns
    -------
    list of Path
        The files there are: ``<trajectory>.u<U>.extxyz`` and ``<trajectory>.failed.extxyz``.

    Raises
    ------
    HavenError
        Where labels that are there were made with other settings, or are of other frames.
    """
    name = trajectory_name(frames[0].info["trajectory"], "frames to label")
    check_asked(material, u_evs, frames[0].get_chemical_symbols())
    out.mkdir(parents=True, exist_ok=True)
    paths = {u: out / f"{name}.u{u:g}.extxyz" for u in u_evs}
    there = {u: read_images(p, "labels made before") if p.exists() else []
             for u, p in paths.items()}
    lost = out / f"{name}{FAILED}"
    failures = read_images(lost, "frames that failed before") if lost.exists() else []
    have = {u: {int(a.info["frame"]) for a in (*some, *failures) if float(a.info["u_ev"]) == u}
            for u, some in there.items()}
    pulay = next((float(a.info[HEADER]) * a.get_volume() for some in there.values() for a in some
                  if HEADER in a.info), None)
    labeller = make_engine(engine, material, settings, out)
    for u_ev, some in there.items():
        _check_made_before(some, frames, u_ev, settings, labeller.version, paths[u_ev])
    for frame in frames:
        number = int(frame.info["frame"])
        wanted = [u for u in u_evs if number not in have[u]]
        if not wanted:
            continue
        frame.set_initial_magnetic_moments(material.moments_of(frame))
        missing = set(wanted)
        for u_ev, result in labeller.label(frame, u_evs):
            if u_ev not in missing:
                continue
            missing.discard(u_ev)
            if pulay is None:
                pulay = measured(
                    frame, result["energy"], u_ev, settings,
                    lambda further: make_engine(engine, material, further, out / "pulay"))
            if pulay is not None:
                frame.info[HEADER] = pulay / frame.get_volume()
            append_frame(paths[u_ev], labelled(frame, u_ev, result, settings, labeller.version))
            done(f"{name} frame {number} U = {u_ev:g} eV: {result['scf_steps']} steps, "
                 f"{result['wall_s']:.0f} s, {result['energy']:.4f} eV")
        for u_ev in missing:
            failed = frame.copy()
            failed.info.pop(HEADER, None)
            failed.info.update(u_ev=u_ev, engine=labeller.version,
                               reason=f"not converged in {settings.maximum_steps} steps: "
                                      f"{labeller.ways(u_ev)}")
            append_frame(lost, failed)
    return [path for path in (*paths.values(), lost) if path.exists()]


def _check_made_before(
    made: Sequence[Atoms], frames: Sequence[Atoms], u_ev: float, settings: LabelSettings,
    version: str, path: Path,
) -> None:
    """Refuse labels in a file that are not those that are asked for now."""
    wanted = {int(atoms.info["frame"]): atoms for atoms in frames}
    for atoms in made:
        number = int(atoms.info["frame"])
        if number not in wanted:
            continue
        frame, info = wanted[number], atoms.info
        now = {"dispersion": None, **_settings_told(frame, u_ev, settings, version)}
        for key, want in now.items():
            was = info.get(key)
            # VASP tells its version in its first run alone
            same = (program_of(str(was)) == want if key == "engine" and want == program_of(want)
                    else _same(was, want))
            if not same:
                raise HavenError(f"{path}, frame {number}: a label made before has {key} {was}, "
                                 f"asked is {want}: give another --out, or delete the file")
        if (not np.array_equal(atoms.numbers, frame.numbers)
                or not np.allclose(atoms.cell, frame.cell, atol=SAME_PLACE)
                or not np.allclose(atoms.positions, frame.positions, atol=SAME_PLACE)):
            raise HavenError(f"{path}, frame {number}: a label made before is of another structure "
                             "with that number: give another --out, or delete the file")


def _same(one: Any, other: Any) -> bool:
    """Whether two entries of a header say the same."""
    if one is None or other is None or isinstance(other, str):
        return one == other
    return bool(np.shape(one) == np.shape(other) and np.allclose(one, other))


def append_frame(path: Path, atoms: Atoms) -> None:
    """Add a frame to a file, which a kill leaves whole."""
    from ase.io import write

    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes() if path.exists() else b"")
    write(new, atoms, format="extxyz", append=True)
    new.replace(path)


def failed_rows(folder: str | Path, material: str, u_ev: float) -> list[dict[str, Any]]:
    """Return one row of table ``labels`` for each frame that no engine could label with ``u_ev``.

    They stand in ``<trajectory>.failed.extxyz`` beside the labelled frames.
    """
    rows = []
    files = sorted(place / name for place, names in walk(Path(folder)) for name in names
                   if name.endswith(FAILED))
    for path in files:
        try:
            rows += _failed_rows(path, list(open_images(path)), material, u_ev)
        except Exception as error:  # ASE raises whatever its readers do
            reason = brief(error, 120)
            log.warning("%s is passed over: it lists frames that could not be labelled, and is cut "
                        "off or damaged (%s)", path, reason)
    return rows


def _failed_rows(
    path: Path, images: Sequence[Any], material: str, u_ev: float
) -> list[dict[str, Any]]:
    rows = []
    for number, atoms in enumerate(images):
        info = atoms.info
        if abs(float(info.get("u_ev", u_ev)) - u_ev) > 1e-6:
            continue
        check_geometry(atoms, f"frame {number}")
        rows.append({
            "material": material, "u_ev": float(u_ev),
            "trajectory": str(info.get("trajectory", path.name.removesuffix(FAILED))),
            "frame": int(info.get("frame", number)),
            "origin": str(info.get("origin", "imported")), "atoms": len(atoms),
            "temperature_k": _float_or_none(info.get("temperature_k")),
            "min_distance_angstrom": min_distance(atoms),
            "engine": str(info.get("engine", "")), "verdict": "failed",
            "reason": str(info.get("reason", "")), "source": path.name,
        })
    return rows


def _float_or_none(value: Any) -> float | None:
    return None if value is None else float(value)


def _settings_told(
    frame: Atoms, u_ev: float, settings: LabelSettings, engine: str
) -> dict[str, Any]:
    """Return what the header of a label says of its settings."""
    told = {"engine": engine, "functional": settings.functional,
            "plane_wave_cutoff_ev": settings.plane_wave_cutoff_ev,
            "kpoints": np.array(settings.kpoints(np.asarray(frame.cell))),
            "smearing_ev": settings.width_ev(u_ev)}
    if settings.dispersion != "none":
        told["dispersion"] = settings.dispersion
    return told


def labelled(
    frame: Atoms, u_ev: float, result: dict[str, Any], settings: LabelSettings, engine: str
) -> Atoms:
    """Return a copy of the frame that carries its label and how it was made."""
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = frame.copy()
    atoms.set_initial_magnetic_moments(None)
    atoms.calc = SinglePointCalculator(
        atoms, energy=result["energy"], forces=result["forces"], stress=result["stress"],
        magmoms=result["magmoms"], magmom=result["magmom"])
    atoms.info.update(
        u_ev=float(u_ev), **_settings_told(frame, u_ev, settings, engine),
        scf_steps=result["scf_steps"], scf_tries=result["tries"], scf_way=result["rung"],
        wall_s=round(result["wall_s"], 1), cores=result["cores"], converged=True)
    if result["cpu_s"] is not None:
        atoms.info["cpu_s"] = round(result["cpu_s"], 1)
    return atoms
