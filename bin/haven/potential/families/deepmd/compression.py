"""Compressing a frozen potential, and comparing it with the original."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError, brief, log
from haven.potential.families.base import Predictions
from haven.potential.families.deepmd.process import dp
from haven.potential.families.deepmd.settings import FLAG, backend_of
from haven.potential.systems import system_arrays

ENERGY_BOUND = 1e-6  # eV/atom, by which a compressed potential may differ: far less than it errs by
FORCE_BOUND = 1e-4  # eV/Angstrom, the same of forces
TABLE_STEPS = (0.01, 0.005, 0.002, 0.001)  # of its tables, finer until both bounds hold


def open_potential(path: str | Path) -> Any:
    """Return DeePMD-kit's evaluator of a frozen potential, or raise `HavenError`."""
    from deepmd.infer import DeepPot

    try:
        return DeepPot(str(path))
    except Exception as error:
        reason = brief(error)
        raise HavenError(f"potential {path} cannot be loaded, cut off or no potential of a backend "
                         f"that is installed ({reason})") from error


def predict(
    potential: Any, coords: np.ndarray, cells: np.ndarray, types: np.ndarray
) -> Predictions:
    """Evaluate frames of one atom list.

    Parameters
    ----------
    potential
        From `open_potential`.
    coords
        Shape (F, A, 3), Angstrom.
    cells
        Shape (F, 3, 3), Angstrom.
    types
        Kinds in the potential's own type map, shape (A,).
    """
    frames, atoms = len(coords), len(types)
    energy, force, virial = potential.eval(
        coords.reshape(frames, -1), cells.reshape(frames, 9), [int(t) for t in types])[:3]
    return Predictions(np.asarray(energy).reshape(frames),
                       np.asarray(force).reshape(frames, atoms, 3),
                       np.asarray(virial).reshape(frames, 3, 3))


Frames = tuple[np.ndarray, np.ndarray, np.ndarray]  # coords, cells, types, as `predict` takes them


def frames_of(systems: list[Path], frames: int = 20) -> list[Frames]:
    """Return some frames of each of several deepmd/npy systems, about ``frames`` in all."""
    each = max(1, frames // max(len(systems), 1))
    found = []
    for folder in systems:
        a = system_arrays(folder)
        some = slice(None, None, max(1, len(a["coord"]) // each))
        found.append((a["coord"][some].reshape(-1, len(a["type"]), 3),
                      a["box"][some].reshape(-1, 3, 3), a["type"]))
    return found


def differences(one: Any, two: Any, frames: list[Frames]) -> tuple[float, float]:
    """Return the largest difference of two potentials over some frames.

    Returns
    -------
    energy
        eV/atom.
    force
        Of a component, eV/Angstrom.
    """
    energy = force = 0.0
    for coords, cells, types in frames:
        first, second = (predict(p, coords, cells, types) for p in (one, two))
        energy = max(energy, float(np.abs(first.energy - second.energy).max()) / len(types))
        force = max(force, float(np.abs(first.force - second.force).max()))
    return energy, force


def compress(
    folder: Path, frozen: str, compressed: str, frames: list[Frames], script: str | None = None
) -> dict[str, Any]:
    """Compress ``frozen`` in ``folder``, refining the table until its errors are within the bounds.

    The rounding of a float32 network may itself exceed the bounds. Once a finer table does not
    reduce the error any more, or where DeePMD-kit refuses the network, the potential is to be used
    uncompressed.

    Parameters
    ----------
    folder
        Worked in.
    frozen, compressed
        Names of a frozen network of TensorFlow or PyTorch, and of what is written.
    frames
        Compared on.
    script
        Name of the training's input, from whose data the table's range is taken where the
        potential does not hold the shortest distance of its training.

    Returns
    -------
    dict
        ``table_step``, ``energy_error_ev_per_atom``, ``force_error_ev_per_angstrom`` of the last
        table tried, and ``holds``, whether they are within the bounds; ``refused``, DeePMD-kit's
        reason, where it made no table.
    """
    original = open_potential(folder / frozen)
    found: dict[str, Any] = {}
    flag, more = FLAG[backend_of(frozen)], ("-t", script) if script else ()
    for step in TABLE_STEPS:
        try:
            with contextlib.chdir(folder):
                dp(flag, "compress", "-i", frozen, "-o", compressed, "-s", str(step), *more,
                   "--log-level", "0")
        except Exception as error:  # of whatever kind the backend raises
            reason = brief(error)
            log.warning("DeePMD-kit cannot compress %s: the uncompressed potential is used (%s)",
                        frozen, reason)
            return {"holds": False, "refused": reason}
        energy, force = differences(original, open_potential(folder / compressed), frames)
        before = max(found.get("energy_error_ev_per_atom", np.inf) / ENERGY_BOUND,
                     found.get("force_error_ev_per_angstrom", np.inf) / FORCE_BOUND)
        now = max(energy / ENERGY_BOUND, force / FORCE_BOUND)
        found = {"table_step": step, "energy_error_ev_per_atom": energy,
                 "force_error_ev_per_angstrom": force, "holds": now <= 1}
        log.info("compressed with table step %g: energy differs by %.1e eV/atom, force by %.1e "
                 "eV/Angstrom at most", step, energy, force)
        if now <= 1 or now > 0.7 * before:
            break
    if not found["holds"]:
        log.warning("compression cannot hold %g eV/atom and %g eV/Angstrom: the uncompressed "
                    "potential is used", ENERGY_BOUND, FORCE_BOUND)
    return found
