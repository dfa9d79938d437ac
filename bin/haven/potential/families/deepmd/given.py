"""Compressing a potential that was trained elsewhere, without the frames of its training."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np

from haven.core import tasks
from haven.core.errors import log
from haven.material.crystal import Material
from haven.material.starting_cells import starting_frames
from haven.potential.families import check_potential, check_undamaged
from haven.potential.families.base import UNCOMPRESSED
from haven.potential.families.deepmd import files
from haven.potential.families.deepmd.compression import Frames, compress, open_potential
from haven.potential.families.deepmd.process import divert_messages
from haven.potential.families.deepmd.settings import COMPRESSED, SUFFIX
from haven.potential.families.deepmd.summary import summarise

# Two draws of the disorder, three frames each, displaced as far as atoms vibrate at 600 K or so.
STRUCTURES, FRAMES, DISPLACEMENT_ANGSTROM, STRAIN, SEED, ATOMS_MOST = 2, 3, 0.12, 0.02, 1, 40
ENDINGS = tuple(SUFFIX[backend] for backend in COMPRESSED)


def compared_frames(material: Material, elements: list[str]) -> list[Frames]:
    """Return displaced small cells of the material's disorder, kinds numbered as ``elements``."""
    cells, _ = starting_frames(material, STRUCTURES, FRAMES, DISPLACEMENT_ANGSTROM, STRAIN, SEED, 0,
                               ATOMS_MOST)
    return [(np.array([atoms.positions for atoms in frames]),
             np.array([atoms.cell.array for atoms in frames]),
             np.array([elements.index(s) for s in frames[0].get_chemical_symbols()]))
            for frames in cells]


def compress_given(source: Path, target: Path, material: Material) -> bool:
    """Write a frozen potential compressed, where that is possible within the bounds of its errors.

    Otherwise one line of the log says why, and nothing is written.

    Parameters
    ----------
    source
        Frozen by DeePMD-kit.
    target
        Written, with the same ending.
    material
        The crystal on whose cells the original and the compressed potential are compared.

    Returns
    -------
    bool
        Whether ``target`` was written.
    """
    if source.suffix not in ENDINGS:
        log.info("%s stays as it is: DeePMD-kit compresses %s", source.name, " and ".join(ENDINGS))
        return False
    if summarise(source).compressed:
        log.info("%s is compressed already", source.name)
        return False
    with tempfile.TemporaryDirectory() as place:
        frozen, small = f"frozen{source.suffix}", f"compressed{source.suffix}"
        shutil.copyfile(source, Path(place) / frozen)
        elements = list(open_potential(source).get_type_map())
        found = compress(Path(place), frozen, small, compared_frames(material, elements))
        if found["holds"]:
            shutil.copyfile(Path(place) / small, target)
    return bool(found["holds"])


def make_ready(
    given: Path, folder: Path, name: str, material: Material, compress: bool, gpu: bool
) -> None:
    """Write a given potential as it is used here; see `haven.potential.families.base.Trainer`."""
    folder.mkdir(parents=True, exist_ok=True)
    divert_messages(folder / "engine.log")
    if given.suffix == files.WEIGHTS:
        check_undamaged(given)
        if gpu:
            tasks.require_gpu("pytorch")
        files.require_packages()
        files.compile_weights(given, folder / f"{name}{files.COMPILED}")
        return
    check_potential(given, material.species)
    target = folder / f"{name}{given.suffix}"
    if compress and compress_given(given, target, material):
        shutil.copyfile(given, folder / f"{UNCOMPRESSED}{target.name}")
        return
    shutil.copyfile(given, target)
