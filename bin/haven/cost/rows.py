"""What a step costs: rows of labels, training and dynamics, and their ratios."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.types import Row, Table
from haven.potential.families import trainer

if TYPE_CHECKING:
    from haven.labels.frames.reading import LabelledFrame

STEPS_10_PS = 10_000  # steps of 1 fs
HOUR = 3600.0  # s
ENOUGH = 3  # labels of one size that make its median worth using as the base of the ratio


def hours_10_ps(seconds_per_step: float, cores: int, atoms: int, device: object) -> float:
    """Return the core-hours (on a GPU, GPU-hours) of 10 ps at 1 fs per atom."""
    return seconds_per_step * counted(device, cores) * STEPS_10_PS / HOUR / atoms


def counted(device: object, cores: int) -> int:
    """Return of how many units `hours_of` are: the cores, or one GPU, whose cores wait for it."""
    return 1 if hours_of(device) == "GPU" else cores


def hours_of(device: object) -> str:
    """Return whose hours a row counts: ``core`` or ``GPU``."""
    return "GPU" if str(device).startswith("GPU") else "core"


def row(
    material: str, u_ev: float | None, method: str, seconds_per_step: float, atoms: int,
    cores: int, steps: int, device: object, **settings: object,
) -> Row:
    """Return one row of the table ``cost``.

    Parameters
    ----------
    material, u_ev, method
        Keys.
    seconds_per_step
        Wall time of a step, s.
    atoms, cores, steps, device
        Measured with.
    settings
        ``engine``, ``model``, ``compressed``.
    """
    return {
        "material": material, "u_ev": u_ev, "method": method, "atoms": atoms, "cores": cores,
        "steps": steps, "seconds_per_step": seconds_per_step,
        "seconds_per_atom_step": seconds_per_step / atoms,
        "hours_10_ps_per_atom": hours_10_ps(seconds_per_step, cores, atoms, device),
        "ratio_to_aimd": None, "device": device, **settings,
    }


def label_rows(labels: Table, material: str, u_ev: float) -> list[Row]:
    """Return a row for each size, engine and core count of the labels: the median label.

    Parameters
    ----------
    labels
        Table ``labels``; only labels with a time count.
    material, u_ev
        Whose labels to take, eV.
    """
    mine = labels[(labels["u_ev"] == u_ev) & (labels["wall_s"].astype(float) > 0)]
    mine = mine[mine["cores"].notna()].copy()
    # Processor time is what a label costs where the machine was shared; wall time where it is all
    # that is known.
    busy = mine["cpu_s"].astype(float) / mine["cores"].astype(float)
    mine["seconds"] = busy.where(busy > 0, mine["wall_s"].astype(float))
    if (busy > 0).sum() >= ENOUGH:
        mine = mine[busy > 0]
    rows = []
    for (engine, atoms, cores), group in mine.groupby(["engine", "atoms", "cores"]):
        scf = group["scf_steps"].dropna()
        words = f"single points (U > 0 from the density of U = 0), median of {len(group)}"
        if len(scf):
            words += f", {scf.median():.0f} SCF steps"
        rows.append(row(
            material, u_ev, "label", float(group["seconds"].median()), int(atoms), int(cores),
            len(group), engine=str(engine), model=words, compressed=None, device="processor",
        ))
    return rows


def training_rows(folder: Path, material: str, u_ev: float) -> list[Row]:
    """Return a row for each ``*.potential.json`` of this U that says how long training took.

    Its seconds are those of a training step; per atom they are not divided (``atoms`` is 1),
    since a batch's size in atoms varies.
    """
    rows = []
    for path in sorted(folder.glob("*.potential.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        settings = about.get("settings", {})
        steps = int(settings.get("training_steps", 0)) - int(about.get("resumed_from_step", 0))
        if about.get("u_ev") != u_ev or steps < 1 or not about.get("wall_s"):
            continue
        version = about.get("versions", {}).get("deepmd-kit", "")
        rows.append(row(
            material, u_ev, "training", float(about["wall_s"]) / steps, 1,
            int(about.get("threads", 1)), steps,
            engine=f"DeePMD-kit {version}, {about.get('backend', '')}", compressed=None,
            model=trainer().words(settings) + f", batch {settings['batch_size']}",
            device=about.get("device") or "processor",
        ))
    return rows


def add_ratios(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their ratio to first principles: hours of 10 ps per atom (`hours_of`).

    The base is first-principles dynamics of the same U; without it, the single points of its
    labels: the largest cell with at least `ENOUGH`, else the one with most. Without either there
    is no ratio. Training rows have none.
    """
    done = []
    for one in rows:
        base = base_of(rows, one["u_ev"])
        ratio = None
        if base and one["method"] != "training":
            ratio = base["hours_10_ps_per_atom"] / one["hours_10_ps_per_atom"]
        done.append({**one, "ratio_to_aimd": ratio})
    return done


def base_of(rows: Sequence[Row], u_ev: float | None) -> Row | None:
    """Return the row that ratios of this U are taken to, or None; see `add_ratios`."""
    mine = [r for r in rows if r["u_ev"] == u_ev]
    bases = [r for r in mine if r["method"] == "aimd"] or [
        r for r in mine if r["method"] == "label"]
    return max(bases, key=lambda r: (min(r["steps"], ENOUGH), r["atoms"]), default=None)


def published_study(table: Table, settings: Mapping[str, float], source: str) -> list[str]:
    """Return what a published study would take at the speed measured, one sentence a U.

    Parameters
    ----------
    table
        The table ``cost``.
    settings
        ``study_atoms``, ``study_duration`` (ns, each run) and ``study_runs``; without all three
        nothing is said.
    source
        What the study is called, such as ``Selvaraj 2024``.

    Returns
    -------
    list of str
        From the largest cell timed, on one core where there is such a row, at 1 fs, scaled
        linearly with atoms and steps.
    """
    if not {"study_atoms", "study_duration", "study_runs"} <= set(settings):
        return []
    atoms, runs = settings["study_atoms"], settings["study_runs"]
    steps = settings["study_duration"] * 1e6  # of 1 fs
    sentences = []
    mine = table[table["method"] == "dlmd"]
    for u_ev, rows in mine.groupby("u_ev"):
        one = rows[rows["cores"] == rows["cores"].min()]
        best = one.sort_values(["atoms", "seconds_per_atom_step"], ascending=[False, True]).iloc[0]
        units = counted(best["device"], best["cores"])
        seconds = best["seconds_per_atom_step"] * units * atoms * steps * runs
        sentences.append(
            f"U = {u_ev:g} eV: the dynamics of {source} ({runs:.0f} runs of "
            f"{settings['study_duration']:g} ns with {atoms:.0f} atoms) would take "
            f"{seconds / HOUR / 8766:.2g} {hours_of(best['device'])}-years at the speed measured "
            f"with {best['atoms']} atoms ({best['model']}), if cost grows in proportion to atoms "
            "and steps.")
    return sentences


def aimd_rows(frames: Sequence[LabelledFrame], material: str, u_ev: float) -> list[dict[str, Any]]:
    """Return the row of table ``cost`` of a trajectory: its mean step, the first left out.

    The first step starts without a density, every other one from that of the step before. The mean
    is taken and not the median, since the few expensive steps in which electrons rearrange belong
    to the run.
    """
    info = [frame.info for frame in frames[1:]]  # none where the file is of another U
    seconds = [float(i.get("cpu_s", 0)) / float(i.get("cores", 1)) or float(i.get("wall_s", 0))
               for i in info]
    if not seconds or not min(seconds) > 0:
        return []
    scf = np.mean([float(i["scf_steps"]) for i in info])
    words = (f"dynamics, each step from the last density, {float(info[0]['timestep_fs']):g} fs, "
             f"mean of {len(seconds)}, {scf:.0f} SCF steps")
    return [row(material, u_ev, "aimd", float(np.mean(seconds)), len(frames[0].atoms),
                int(info[0].get("cores", 1)), len(seconds), engine=str(info[0].get("engine", "")),
                model=words, compressed=None, device="processor")]
