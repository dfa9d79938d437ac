"""The command ``./haven transport``: from files to tables, pictures and lines on the screen."""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from haven.core import tables
from haven.core.columns import VERDICTS, Schema
from haven.core.errors import HavenError, log
from haven.core.identity import digests
from haven.core.options import numbers
from haven.core.types import Row
from haven.trajectory import opening
from haven.trajectory.options import wanted_of
from haven.trajectory.trajectory import Trajectory
from haven.trajectory.wanted import Wanted
from haven.transport import analysis, rows, species
from haven.transport.analysis import Analysed, AnalysisSettings
from haven.transport.command import pictures, screen
from haven.transport.command.files import USUAL_SEED, Files, runs_of
from haven.transport.command.summary import as_json
from haven.transport.conductivity import nernst_einstein
from haven.transport.fits import arrhenius, condition, folder
from haven.transport.hop_counts import watched_ps
from haven.transport.tables import ARRHENIUS, CONDUCTIVITY, DIFFUSION, MSD, ONSAGER

LARGE = 1 << 24
"""Positions of mobile ions from which analyses beside that of transport get a process of their own:
starting it takes some seconds."""


@dataclass(frozen=True)
class OpenRun:
    """A run whose files are read, for analyses beside that of transport.

    Attributes
    ----------
    trajectories
        One for each mobile species.
    material
        Material file, if one is given, or a name.
    keys
        material, u_ev, temperature_k, replica, seed.
    prefix
        Name of the run in file names.
    inputs
        What its tables are made from.
    out
        Folder for tables.
    """

    trajectories: tuple[Trajectory, ...]
    material: str | None
    keys: dict[str, Any]
    prefix: str
    inputs: dict[str, Any]
    out: Path


@dataclass(frozen=True)
class Beside:
    """What an analysis beside that of transport wrote, and its line for the screen."""

    written: list[Path]
    line: str


Analysis = Callable[[OpenRun], Beside]


@dataclass(frozen=True)
class _Subject:
    """What moves in what: from the options, and from a material file where one is given."""

    material: str | None
    species: tuple[str, ...]
    charges: dict[str, float]


def analysed(given: argparse.Namespace, beside: Sequence[Analysis] = ()) -> None:
    """Carry out the command: analyse runs, fit those of several temperatures, print the results.

    Parameters
    ----------
    given
        Options of `haven.transport.command.arguments`.
    beside
        Further analyses of every run, for which its files are not read again.
    """
    out = Path(given.out)
    written = study(given, given.files, out, beside)
    runs, count = temperatures(written)
    if runs > 1:
        written += fitted(given, out, written, count)
    log.info("written to %s: %d tables (.parquet and .csv), %d pictures (.png)", out,
             sum(path.suffix == ".parquet" for path in written),
             sum(path.suffix == ".png" for path in written))
    if given.json:
        print(as_json(written))


def fitted(
    given: argparse.Namespace, out: Path, written: Sequence[Path], count: int,
) -> list[Path]:
    """Join the runs of each temperature, and fit those of this command against 1/T.

    Parameters
    ----------
    given
        Options.
    out
        Folder for everything written.
    written
        Files written up to now.
    count
        Temperatures among them.
    """
    if count < arrhenius.FEWEST_TEMPERATURES:
        log.info("runs of %d temperatures: an Arrhenius line needs three", count)
    with tempfile.TemporaryDirectory(dir=out, prefix=".fitting-") as scratch:
        for path in written:
            if path.suffix in (".parquet", ".npz"):
                shutil.copy(path, scratch)
        points = folder.fit_folder(Path(scratch), out, given.min_events).conductivity
    found = [path for path in (out / f"{schema.name}.parquet" for schema in folder.WRITTEN)
             if path.exists()]
    found += [as_csv(path) for path in found]
    if given.pictures and count > 1:
        found += draw_lines(points.to_dict("records"), out, pictures.arrhenius)
    return found


def study(
    given: argparse.Namespace, files: Sequence[str], out: Path, beside: Sequence[Analysis] = (),
) -> list[Path]:
    """Analyse all runs that files make; write, draw and say what is found; return files written.

    Parameters
    ----------
    given
        Options of `haven.transport.command.arguments`.
    files
        Files.
    out
        Folder for everything written.
    beside
        Further analyses of every run.

    Raises
    ------
    HavenError
        In one line, if a file or an option is wrong.
    """
    subject = _subject(given)
    fixed = given.frame_of_reference == "fixed"
    framework = _elements(given.framework)
    wanted = wanted_of(given, subject.species, framework, given.ions, fixed)
    settings = AnalysisSettings(given.frame_of_reference, given.jump_angstrom, given.min_events,
                        subject.charges, given.thickness_angstrom, given.estimator)
    runs = runs_of(files, given.temperature_k, given.runs, wanted, given.replica, given.u_ev,
                   given.seed)
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for one in runs:
        with tempfile.TemporaryDirectory(dir=out, prefix=".reading-") as scratch:
            written += _run(given, one, len(runs), subject, wanted, settings, Path(scratch), out,
                            beside)
    return written


def temperatures(written: Sequence[Path]) -> tuple[int, int]:
    """Return how many runs, and how many temperatures, tables of conductivity written hold."""
    held = [tables.read(CONDUCTIVITY, path) for path in written
            if path.name.endswith(f".{CONDUCTIVITY.name}.parquet")]
    keys = ["u_ev", "temperature_k", "replica", "seed"]
    runs = {run for one in held for run in one[keys].itertuples(index=False, name=None)}
    return len(runs), len({temperature for _, temperature, *_ in runs})


def as_csv(path: Path) -> Path:
    """Write a Parquet table as CSV beside it, and return the path."""
    import pandas as pd

    target = path.with_suffix(".csv")
    pd.read_parquet(path).to_csv(target, index=False)
    return target


def draw_lines(
    points: Sequence[Row], out: Path, draw: Callable[..., Path | None],
) -> list[Path]:
    """Draw the Arrhenius lines of every material whose runs were written.

    Parameters
    ----------
    points
        Rows of table ``conductivity``, their materials named as in table ``arrhenius``.
    out
        Folder with the table ``arrhenius``, and for the pictures.
    draw
        `haven.transport.command.pictures.arrhenius`.
    """
    fits = tables.read(ARRHENIUS, out / "arrhenius.parquet")
    found = []
    for material in sorted({str(row["material"]) for row in points}):
        name = re.sub(r"[^\w.+-]+", "_", material).strip("_")
        found.append(draw(fits, points, material, out / f"arrhenius_{name}.png"))
    return [path for path in found if path is not None]


def _subject(given: argparse.Namespace) -> _Subject:
    wanted = _elements(given.species or "")
    name, charges = given.material, dict[str, float]()
    if name and Path(name).suffix in (".yml", ".yaml"):
        from haven.material.file import load_material

        material = load_material(name)
        name, wanted = material.name, wanted or (material.mobile,)
        if given.hops and material.mobile not in wanted:
            raise HavenError(f"--hops: in {given.material} {material.mobile} moves between sites, "
                             f"--species is {given.species}: name it there")
        charges = {symbol: float(value) for symbol, value in material.charges.items()}
    if len(set(wanted)) < len(wanted):
        raise HavenError(f"--species {given.species}: names an element twice")
    if given.charge is not None:
        told = numbers(given.charge, None, "charge")
        if len(told) not in (1, len(wanted) or 1):
            raise HavenError(f"--charge {given.charge}: give one charge for each of the "
                             f"{len(wanted)} species")
        if any(not math.isfinite(z) or not 0 < abs(z) <= 8 for z in told):
            raise HavenError(f"--charge {given.charge}: give the charge of an ion in elementary "
                             "charges, such as 1 or -2; ions without one carry no current")
        if len(told) == 1 and len(wanted) > 1:
            raise HavenError(f"--charge {given.charge}: give one charge for each of the "
                             f"{len(wanted)} species, such as --charge=1,-2")
        charges |= dict(zip(wanted or ("",), told, strict=True))
    return _Subject(name, wanted, charges)


def _elements(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _run(
    given: argparse.Namespace, one: Files, count: int, subject: _Subject, wanted: Wanted,
    settings: AnalysisSettings, scratch: Path, out: Path, beside: Sequence[Analysis],
) -> list[Path]:
    """Analyse one run: all its mobile species, apart and together, and what is done beside."""
    opened = opening.open_files(one.paths, scratch, wanted)
    if "" in settings.charges:  # a charge given for a container's own species
        settings = replace(settings, charges={opened[0].symbol: settings.charges[""]})
    name = subject.material or analysis.formula(opened[0])
    several = len(opened) > 1
    ions = sum(held.ions for held in opened)
    source = ", ".join(path.name for path in one.paths)
    inputs = {"trajectory": source, "files": [str(path) for path in one.paths],
              "sha256": digests(*one.paths),
              **{k: v for k, v in opened[0].meta.items() if k != "source"}}
    common = {"u_ev": one.u_ev, "temperature_k": one.temperature_k, "replica": one.replica,
              "seed": one.seed}
    prefix = _prefix(given, one, "+".join(held.symbol for held in opened), count, several)
    open_run = OpenRun(tuple(opened), given.material, {"material": name, **common}, prefix, inputs,
                       out)
    parts: list[Analysed] = []
    with _meanwhile(beside, open_run) as others:
        for held in opened:
            apart = not subject.material and (several or bool(wanted.framework))
            keys = {"material": f"{name} ({held.symbol})" if several or apart else name, **common}
            parts.append(analysis.analyse(held, keys,
                                          _prefix(given, one, held.symbol, count, several),
                                          settings, ions if several else None))
        found = others()
    written: list[Path] = []
    for part in parts:
        written += _write(part, inputs, out, source)
        if given.pictures:
            written.append(pictures.draw_displacements(part, out / f"{part.prefix}.msd.png"))
    if several:
        joint = species.onsager_rows(parts, settings.min_events)
        for row in joint:
            row["material"] = name
        log.info("%s together (%s):", "+".join(held.symbol for held in opened), source)
        for line in screen.together_lines(joint):
            log.info("%s", line)
        written += write_tables([(ONSAGER, joint)], prefix, inputs, out)
    for other in found:
        log.info("  %s", other.line)
        written += other.written
    return written


@contextmanager
def _meanwhile(
    beside: Sequence[Analysis], run: OpenRun,
) -> Iterator[Callable[[], list[Beside]]]:
    """Give what the analyses beside find, by a second process where that pays."""
    size = sum(held.frames * held.ions for held in run.trajectories)
    if not beside or size < LARGE or len(os.sched_getaffinity(0)) < 2:
        yield lambda: [one(run) for one in beside]
        return
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        waiting = [pool.submit(one, run) for one in beside]
        yield lambda: [one.result() for one in waiting]


def _prefix(
    given: argparse.Namespace, one: Files, symbol: str, count: int, several: bool,
) -> str:
    """Return the name of a run in file names: no other run or species writes the same files."""
    if given.name and count == 1:
        return f"{given.name}_{symbol}" if several else given.name
    stem = given.name or one.name
    replica = f"_r{one.replica}" if one.replica or given.name else ""
    u_ev = f"_u{one.u_ev:g}" if one.u_ev else ""
    seed = f"_s{one.seed}" if one.seed != USUAL_SEED else ""
    return f"{stem}_{symbol}_{one.temperature_k:g}K{u_ev}{replica}{seed}"


def _write(part: Analysed, inputs: Mapping[str, Any], out: Path, source: str) -> list[Path]:
    """Write the tables of one species of one run, and say what they hold."""
    sigma = rows.conductivity_rows(part.found, part.trajectory, part.keys["temperature_k"],
                                   part.charge, part.keys, part.volume)
    axes = species.by_axis(part)
    log.info("%s", screen.heading(part, source))
    analysis.warn(part)
    for line in screen.screen_lines(part, sigma, axes):
        log.info("%s", line)
    curves = part.curves
    place = {**part.place, "watched_ps": watched_ps(curves.coarse.shape[1], curves.coarse_ps)}
    written = write_tables([
        (MSD, rows.msd_rows(curves, part.place)),
        (DIFFUSION, rows.diffusion_rows(part.found, part.trajectory, place)),
        (CONDUCTIVITY, sigma), (ONSAGER, axes), (VERDICTS, part.checks),
    ], part.prefix, inputs, out)
    ended, first = part.ended, part.found[0]
    if ended == "stable" and first.verdict in ("unstable", "drifting"):
        ended = first.verdict
    siemens = nernst_einstein(1.0, part.trajectory.ions, part.volume, part.keys["temperature_k"],
                              part.charge)
    run = condition.watched(part.trajectory, curves, part.keys, first.hop_events, part.jump,
                            float(siemens), ended)
    kept = out / f"{part.prefix}{condition.ENDING}"
    return [*written, condition.write_kept_run(run, kept, inputs)]


def write_tables(
    what: Iterable[tuple[Schema, Any]], prefix: str, inputs: Mapping[str, Any], out: Path,
) -> list[Path]:
    """Write tables as Parquet and CSV; files of other trajectories are not written over.

    Parameters
    ----------
    what
        Tables, and the rows of each: records or a data frame.
    prefix
        Name of the run in file names.
    inputs
        What they are made from, ``files`` among it.
    out
        Folder.

    Raises
    ------
    HavenError
        If a file is there that was made from other trajectories.
    """
    written = []
    for schema, found in what:
        stem = f"{prefix}_transport" if schema is VERDICTS else prefix
        target = out / f"{stem}.{schema.name}.parquet"
        earlier = tables.inputs_of(target).get("files", inputs["files"])
        if earlier != inputs["files"]:
            raise HavenError(f"{target} is of another trajectory ({', '.join(earlier)}): give "
                             "another --replica (and --name, where it is given), or another --out")
        written.append(tables.write(schema, found, target, inputs))
        written.append(as_csv(target))
    return written
