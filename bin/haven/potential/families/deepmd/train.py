"""Training a deep potential with DeePMD-kit: checks, training that resumes, freezing."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import re
import time
import zipfile
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError, log
from haven.potential.curve import progress
from haven.potential.families.base import SAME_U
from haven.potential.families.deepmd.files import (
    COMPILED,
    PACKAGES,
    WEIGHTS,
    compile_weights,
    require_packages,
    save_weights,
)
from haven.potential.families.deepmd.input import make_input
from haven.potential.families.deepmd.model_file import check_network, sel_to_go_on_with
from haven.potential.families.deepmd.process import dp
from haven.potential.families.deepmd.settings import (
    BATCH,
    COMPRESSED,
    FLAG,
    MODULE,
    PARTS,
    SUFFIX,
    DeepmdSettings,
)
from haven.potential.families.deepmd.systems import choose_sel, merge_systems, most_neighbours
from haven.potential.seen import trained_on


def checkpoints(folder: Path, backend: str = "tensorflow") -> dict[int, str]:
    """Return a folder's whole checkpoints, newest first: step, and name for ``--restart``."""
    first, *others = PARTS[backend]
    found = {}
    for path in folder.glob(f"model.ckpt-*{first}"):
        prefix = path.name.removesuffix(first)
        step = prefix.removeprefix("model.ckpt-")
        parts = [path, *(folder / f"{prefix}{other}" for other in others)]
        if (step.isdigit() and all(part.exists() and part.stat().st_size for part in parts)
                and (backend != "pytorch" or zipfile.is_zipfile(path))):  # else still being written
            found[int(step)] = prefix if backend == "tensorflow" else path.name
    return dict(sorted(found.items(), reverse=True))


def can_be_read(folder: Path, name: str, backend: str) -> bool:
    """Return whether every number of a checkpoint can be read; False where this cannot be checked.

    Parameters
    ----------
    folder
        Of the training.
    name
        As `checkpoints` gives it.
    backend
        ``tensorflow``, ``pytorch`` or ``jax``.
    """
    try:
        if backend == "pytorch":  # a zip archive: each member has its checksum
            with zipfile.ZipFile(folder / name) as archive:
                return archive.testzip() is None
        if backend == "tensorflow":  # reading a tensor compares its checksum
            tensorflow = importlib.import_module("tensorflow")
            reader = tensorflow.train.load_checkpoint(str(folder / name))
            for variable in reader.get_variable_to_shape_map():
                reader.get_tensor(variable)
            return True
    except Exception as error:  # of whatever kind the library raises for damaged bytes
        log.debug("%s: %s", name, error)
    return False


def frozen_file(content: dict[str, Any], backend: str) -> str:
    """Return the name of the frozen potential that a training with this input leaves."""
    equivariant = content["model"].get("type") == "dpa4"
    return f"frozen{COMPILED if equivariant else SUFFIX[backend]}"


def train(
    folder: Path, content: dict[str, Any], backend: str = "tensorflow", init: Path | None = None
) -> int:
    """Train in ``folder``, from its newest whole checkpoint on, and freeze ``frozen.*``.

    A dpa4 network also leaves its weights as ``frozen.pt``, which other machines can freeze.

    Parameters
    ----------
    folder
        Kept between attempts.
    content
        DeePMD-kit's input.
    backend
        ``tensorflow``, ``pytorch`` or ``jax``.
    init
        Potential whose weights to start from: frozen, or a dpa4 network's ``.pt``.

    Returns
    -------
    int
        Step from which the training was continued, 0 for a new one.

    Raises
    ------
    HavenError
        If the training fails. It does not start anew where checkpoints can be read.
    """
    flag, total = FLAG[backend], content["training"]["numb_steps"]
    (folder / "input.json").write_text(json.dumps(content, indent=1))
    how = "--init-model" if init and init.suffix == WEIGHTS else "--init-frz-model"
    begin = [] if init is None else [how, str(init.resolve())]
    resumed = 0
    with contextlib.chdir(folder), progress(folder / "lcurve.out", total):
        for resumed, name in [*checkpoints(folder, backend).items(), (0, "")]:
            more = ["--restart", name] if name else begin
            if name:
                log.info("going on from the checkpoint of step %d of %d", resumed, total)
            try:
                dp(flag, "train", "input.json", "--log-level", "0", *more)
                break
            except Exception as error:
                kept = name and can_be_read(Path(), name, backend)
                if kept or not name:  # the machine failed, not the checkpoint
                    again = (f"; the checkpoint of step {resumed} is whole, run again to go on "
                             "from it" if kept else "")
                    raise HavenError(f"training failed in {folder}: "
                                     f"{' '.join(str(error).split())[:300]}{again}") from error
                log.warning("checkpoint %s cannot be used: trying an earlier one", name)
        frozen = Path(frozen_file(content, backend))
        if frozen.suffix == COMPILED:
            weights = frozen.with_suffix(WEIGHTS)
            save_weights(Path("model.ckpt.pt"), weights)
            compile_weights(weights, frozen)
        else:
            dp(flag, "freeze", "-c", ".", "-o", frozen.name, "--log-level", "0")
    return resumed


def make(
    folder: Path, settings: DeepmdSettings, dataset: dict[str, Any], backend: str,
    init: Path | None, compressed: bool,
) -> dict[str, Any]:
    """Train, freeze and perhaps compress in ``folder``; what `finished` returns from then on.

    Returns
    -------
    dict
        ``model`` (file in the folder), ``frozen`` (the same before compression), ``sel``,
        ``train_trajectories`` (see `haven.potential.seen.trained_on`),
        ``resumed_from_step``, ``wall_s`` and ``compression``, what
        `haven.potential.families.deepmd.compression.compress` found, or None.
    """
    began = time.monotonic()
    most = most_neighbours(dataset, settings.cutoff_angstrom)
    sel = choose_sel(most)
    if init is not None:
        check_network(init, make_input(settings, dataset["type_map"], sel, [], [], False)["model"])
        sel = sel_to_go_on_with(init, dataset["type_map"], most, sel)
    parts, test = (merge_systems(dataset, subset, folder) for subset in ("train", "test"))
    # the frozen potential carries its input: paths in it are the training folder's own
    own, held = ([str(Path(path).relative_to(folder.resolve())) for path in some]
                 for some in (parts, test))
    content = make_input(settings, dataset["type_map"], sel, own, held, dataset["has_virial"])
    resumed = train(folder, content, backend, init)
    frozen = frozen_file(content, backend)
    model, check = frozen, None
    if compressed and (backend not in COMPRESSED or frozen.endswith(COMPILED)):
        log.info("the potential stays uncompressed: DeePMD-kit tabulates networks se_e2_a of the "
                 "backends %s", " and ".join(COMPRESSED))
    elif compressed:
        from haven.potential.families.deepmd.compression import compress, frames_of

        small = f"compressed{SUFFIX[backend]}"
        check = compress(folder, model, small, frames_of([Path(p) for p in test]), "input.json")
        model = small if check["holds"] else model
    done = {"model": model, "frozen": frozen, "sel": sel,
            "train_trajectories": trained_on(dataset, init),
            "resumed_from_step": resumed, "compression": check,
            "wall_s": round(time.monotonic() - began, 1)}
    (folder / "unfinished.json").write_text(json.dumps(done))
    (folder / "unfinished.json").rename(folder / "finished.json")
    return done


def check_training(
    settings: DeepmdSettings, dataset: dict[str, Any], species: list[str], u_ev: float, backend: str
) -> None:
    """Refuse a training that cannot succeed, before any of it is run."""
    import importlib.util

    root = dataset["root"]
    if dataset["type_map"] != species:
        raise HavenError(f"data set {root} is of {', '.join(dataset['type_map'])}, the material of "
                         f"{', '.join(species)}: build the data set with this material file")
    if abs(float(dataset["u_ev"]) - u_ev) > SAME_U:
        raise HavenError(f"data set {root} is of U = {dataset['u_ev']:g} eV, not {u_ev:g} eV")
    if not 0 < settings.smooth_angstrom < settings.cutoff_angstrom:
        raise HavenError(f"smooth_angstrom ({settings.smooth_angstrom:g}) must be above 0 and "
                         f"below cutoff_angstrom ({settings.cutoff_angstrom:g})")
    if not 0 < settings.learning_rate_stop <= settings.learning_rate_start:
        raise HavenError("learning_rate_stop must be above 0 and not above learning_rate_start")
    if not re.fullmatch(BATCH, str(settings.batch_size)):
        raise HavenError(f"batch_size is {settings.batch_size}: it must be a whole number of at "
                         "least 1, or auto:N for at least N atoms")
    for name in ("training_steps", "decay_steps"):
        if getattr(settings, name) < 1:
            raise HavenError(f"{name} is {getattr(settings, name)}: it must be at least 1")
    for name, low, high in (("degree", 1, 6), ("channels", 8, 1024), ("blocks", 1, 12)):
        if not low <= getattr(settings, name) <= high:
            raise HavenError(f"{name} is {getattr(settings, name)}: it must be from {low} to "
                             f"{high}")
    if not 1 <= settings.axis_neurons <= settings.embedding[-1]:
        raise HavenError(f"axis_neurons is {settings.axis_neurons}: it must be from 1 to the last "
                         f"of embedding, {settings.embedding[-1]}")
    if settings.descriptor == "dpa4" and backend != "pytorch":
        raise HavenError(f"descriptor dpa4 is of the backend pytorch, not {backend}: set backend, "
                         "or take the profile equivariant, which does")
    if backend == "pytorch":
        require_packages(PACKAGES if settings.descriptor == "dpa4" else (MODULE[backend],))
    elif importlib.util.find_spec(MODULE[backend]) is None:
        raise HavenError(f"backend {backend} is not installed: add {MODULE[backend]} to the Python "
                         "environment or choose another")
    if backend == "jax" and not settings.type_one_side:
        raise HavenError("DeePMD-kit's JAX backend trains this descriptor with type_one_side only: "
                         "set it, or choose another backend")
