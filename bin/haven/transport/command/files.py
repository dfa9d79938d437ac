"""Which files of a command line belong to one run, and the keys of each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haven.core.errors import HavenError, existing, log
from haven.core.options import numbers
from haven.trajectory.readers import read_frames
from haven.trajectory.said import agreed, said, temperature_of
from haven.trajectory.wanted import Wanted

RUNS = ("auto", "one", "each")
USUAL_SEED = 1  # of the potential, where nothing says it


@dataclass(frozen=True)
class Files:
    """The files of one run, in the order of time, and its keys.

    Attributes
    ----------
    paths
        Files.
    temperature_k, u_ev
        Temperature, K; Hubbard U of the potential, eV.
    replica
        Number of the disorder replica, or among the runs of that U and temperature.
    seed
        Seed of the potential.
    """

    paths: tuple[Path, ...]
    temperature_k: float
    u_ev: float
    replica: int
    seed: int

    @property
    def name(self) -> str:
        """Name of the run: its first file's, without suffixes."""
        stem = self.paths[0].name
        while (cut := Path(stem).stem) != stem and len(Path(stem).suffix) < 12:
            stem = cut
        return stem or self.paths[0].name


def runs_of(
    files: Sequence[str], temperatures: str, how: str, wanted: Wanted, replica: int | None = None,
    u_ev: float | None = None, seed: int | None = None,
) -> list[Files]:
    """Return the runs that files make.

    Parameters
    ----------
    files
        As given.
    temperatures
        One for all files or one for each, ``600,700``, K; empty: from the files or their names.
    how
        ``one``: all files of one temperature are pieces of one run, in the order given; ``each``: a
        run each; ``auto``: pieces where their first times or steps are known and grow, else a run
        each.
    wanted
        How files are read.
    replica
        Number of the first run of a U and temperature; None: what containers say, else 0.
    u_ev, seed
        Hubbard U and seed of the potential; None: what containers say, else 0 and 1.

    Raises
    ------
    HavenError
        If a file or a temperature is missing, or a file contradicts what is given.
    """
    if how not in RUNS:
        raise HavenError(f"--runs {how}: choose one of {', '.join(RUNS)}")
    told = numbers(temperatures, None, "temperature_k") if temperatures else []
    for value in told:
        if not 0 < value < 1e5:
            raise HavenError(f"--temperature_k {value:g}: must be positive, in K")
    paths = [existing(file, "trajectory") for file in files]
    if twice := {path for path in paths if paths.count(path) > 1}:
        raise HavenError(f"{sorted(twice)[0]} is given twice: give each file once")
    if told and len(told) not in (1, len(paths)):
        raise HavenError(f"--temperature_k {temperatures}: give one temperature for all files "
                         f"or one for each of the {len(paths)}")
    each = told if len(told) == len(paths) else told * len(paths) or [None] * len(paths)
    groups: dict[tuple[float, float], list[Path]] = {}
    for path, value in zip(paths, each, strict=True):
        if (temperature := temperature_of(path, value)) is None:
            raise HavenError(f"{path} does not say its temperature: give --temperature_k (one "
                             "for all files, or one for each with commas between), or names "
                             "such as run_600K.lammpstrj")
        groups.setdefault((agreed([path], "u_ev", u_ev, 0.0), temperature), []).append(path)
    found = []
    for (of_u, temperature), some in sorted(groups.items()):
        pieces = _pieces(some, how, wanted)
        seeds = [int(agreed(piece, "seed", seed, USUAL_SEED)) for piece in pieces]
        found += [Files(tuple(piece), temperature, of_u, number, own) for piece, number, own in
                  zip(pieces, _replicas(pieces, seeds, replica), seeds, strict=True)]
    return found


def _replicas(
    pieces: Sequence[Sequence[Path]], seeds: Sequence[int], first: int | None,
) -> list[int]:
    """Return the replica of each run: what the containers say, where no two are the same run."""
    if first is None:
        told = [said(piece[0], "replica") for piece in pieces]
        known = [int(value) for value in told if value is not None]
        if len(known) == len(set(zip(known, seeds, strict=False))) == len(pieces):
            return known
    return [(first or 0) + number for number in range(len(pieces))]


def _pieces(paths: list[Path], how: str, wanted: Wanted) -> list[list[Path]]:
    """Return files of one temperature as runs of one piece or more."""
    if how == "one":
        return [paths]
    if how == "each" or len(paths) == 1 or any(path.suffix == ".npz" for path in paths):
        return [[path] for path in paths]
    starts: list[float] = []
    for path in paths:
        frame = next(iter(read_frames(path, wanted.unsaid)), None)
        if frame is None:
            raise HavenError(f"{path} holds no frame")
        clock = frame.step if frame.step is not None else frame.time_ps
        if clock is None:
            break
        starts.append(float(clock))
    names = ", ".join(path.name for path in paths)
    if len(starts) == len(paths) and len(set(starts)) == len(starts):
        log.info("%s begin one after another: read as the pieces of one run (--runs each to take "
                 "them as runs of their own)", names)
        return [[path for _, path in sorted(zip(starts, paths, strict=True))]]
    log.info("%s: taken as %d runs of one temperature (--runs one if they are pieces of one run)",
             names, len(paths))
    return [[path] for path in paths]
