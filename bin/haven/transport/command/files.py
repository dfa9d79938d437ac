"""Which files of a command line belong to one run, and the temperature and replica of each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haven.core.errors import HavenError, existing, log
from haven.core.options import numbers
from haven.trajectory.all_atoms import temperature_in
from haven.trajectory.frame_checks import SAID_TWICE
from haven.trajectory.readers import read_frames
from haven.trajectory.wanted import Wanted

RUNS = ("auto", "one", "each")


@dataclass(frozen=True)
class Files:
    """The files of one run, in the order of time, and its keys.

    Attributes
    ----------
    paths
        Files.
    temperature_k
        Temperature, K.
    replica
        Number among the runs of that temperature.
    """

    paths: tuple[Path, ...]
    temperature_k: float
    replica: int

    @property
    def name(self) -> str:
        """Name of the run: its first file's, without suffixes."""
        stem = self.paths[0].name
        while (cut := Path(stem).stem) != stem and len(Path(stem).suffix) < 12:
            stem = cut
        return stem or self.paths[0].name


def runs_of(
    files: Sequence[str], temperatures: str, how: str, wanted: Wanted, replica: int = 0,
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
        Number of the first run of a temperature.

    Raises
    ------
    HavenError
        If a file or a temperature is missing, or a file contradicts the one that is given.
    """
    if how not in RUNS:
        raise HavenError(f"--runs {how}: choose one of {', '.join(RUNS)}")
    for value in numbers(temperatures, None, "temperature_k") if temperatures else []:
        if not 0 < value < 1e5:
            raise HavenError(f"--temperature_k {value:g}: must be positive, in K")
    paths = [existing(file, "trajectory") for file in files]
    if twice := {path for path in paths if paths.count(path) > 1}:
        raise HavenError(f"{sorted(twice)[0]} is given twice: give each file once")
    if temperatures:
        given = numbers(temperatures, None, "temperature_k")
        if len(given) not in (1, len(paths)):
            raise HavenError(f"--temperature_k {temperatures}: give one temperature for all files "
                             f"or one for each of the {len(paths)}")
        given = given if len(given) == len(paths) else given * len(paths)
        for path, value in zip(paths, given, strict=True):
            _check_temperature(path, value)
    else:
        given = []
        for path in paths:
            if (value := _temperature(path)) is None:
                raise HavenError(f"{path} does not say its temperature: give --temperature_k (one "
                                 "for all files, or one for each with commas between), or names "
                                 "such as run_600K.lammpstrj")
            given.append(value)
    found = []
    for temperature in sorted(set(given)):
        some = [path for path, value in zip(paths, given, strict=True) if value == temperature]
        pieces = _pieces(some, how, wanted)
        found += [Files(tuple(piece), temperature, replica + number)
                  for number, piece in enumerate(pieces)]
    return found


def _temperature(path: Path) -> float | None:
    """Return the temperature that a container or a file's name says, K."""
    value = _held_temperature(path)
    return temperature_in(path.name) if value is None else value


def _held_temperature(path: Path) -> float | None:
    """Return the temperature that a container holds, K; None of other files."""
    if path.suffix != ".npz":
        return None
    from haven.trajectory.trajectory import read_meta

    value = read_meta(path).get("temperature_k")
    if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
        raise HavenError(f"{path}: its temperature_k is {str(value)[:40]}: it must be a number "
                         "of kelvin")
    return None if value is None else float(value)


def _check_temperature(path: Path, given: float) -> None:
    """Refuse a temperature, K, that an option gives and a container contradicts."""
    told = _held_temperature(path)
    if told is not None and abs(given - told) > SAID_TWICE * told:
        raise HavenError(f"{path} says that its run was at {told:g} K, --temperature_k says "
                         f"{given:g} K: leave the option out, or correct it")


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
