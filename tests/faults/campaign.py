#!/usr/bin/env python3
"""Faults done to a small dynamics run on purpose, and what became of its results.

Real LAMMPS, Haven's own scripts, a pair potential; each fault is tried several times at other
places and moments. ``campaign.py --times 5`` takes minutes and writes ``faults.csv``, from which
``--table`` makes the table of README.md; ``--add`` counts new tries (another ``--seed``) to its.
``tests/python/dynamics/test_faults.py`` does each once.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests" / "python")]

import run_dynamics
from analytic import crystal
from ase.io import write
from pairs import write_pair
from strangers import given_away, without_powers

from haven.core import tables
from haven.core.errors import HavenError, run
from haven.core.reading import checksums
from haven.dynamics.job import COLUMNS
from haven.dynamics.lammps import program as lammps
from haven.potential.families.pair import Pair
from haven.trajectory.opening import open_files
from haven.trajectory.trajectory import read_members
from haven.trajectory.wanted import Wanted

MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"
NAME, EVERY = "u4_t300_r0", 20
SHORT, LONGEST = 600, 20000  # steps of a run of a second; of one that takes `ON_ITS_WAY_S`, at most
ON_ITS_WAY_S = 4.0  # a restart is written every second
CLOCK = ("wall_s", "ns_per_day", "segments")  # columns that no two runs have alike
COLUMN: tuple[str, ...] = ("fault", "tried", "survived", "refused", "work_lost", "equal")
LIMIT_S = 900


@dataclass
class Outcome:
    """What became of one try.

    Attributes
    ----------
    survived
        The undisturbed run's results came out, or one clear line and nothing was lost.
    refused
        A call ended in one clear line (status 2) on the way.
    work_lost
        Steps computed again, as a share of the run; None where no run was done again.
    equal
        Trajectory and tables are those of the undisturbed run; None where there are none to be.
    said
        Last line of what went wrong.
    """

    survived: bool
    refused: bool = False
    work_lost: float | None = None
    equal: bool | None = None
    said: str = ""


@dataclass(frozen=True)
class Done:
    """A process that has ended: its status (negative: the signal), and what it said."""

    returncode: int
    stderr: str


@dataclass
class Child:
    """A process that runs."""

    pid: int
    screen: Path
    status: int | None = None

    def alive(self) -> bool:
        """Tell whether it still runs."""
        if self.status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if ended else None
        return self.status is None

    def kill(self) -> Done:
        """Kill it with signal 9."""
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> Done:
        """Wait for its end, `LIMIT_S` at most."""
        end = time.monotonic() + LIMIT_S
        while self.alive():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.01)
        assert self.status is not None
        return Done(self.status, self.screen.read_text(errors="replace"))

    def children(self) -> list[int]:
        """Return the processes that it has started."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(one) for one in listed.read_text().split()] if listed.exists() else []


@dataclass
class Bench:
    """A start, and undisturbed runs of two lengths."""

    place: Path
    structure: Path = field(init=False)
    potential: Path = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        self.structure = self.place / "start.extxyz"
        write(self.structure, crystal(1))
        self.potential = write_pair(self.place)
        lammps.FAMILIES = (Pair(),)  # of no other family's libraries is there any need
        out = self.place / f"whole{SHORT}"
        run_dynamics.main(self.arguments(out, SHORT)[1:])  # here, so that all packages are loaded
        self.whole: dict[int, Path] = {SHORT: out}
        steps, seconds = map(sum, zip(*map(lammps.loop_times, run_folder(out).glob(
            "production.*.log")), strict=True))
        self.long = int(np.clip(ON_ITS_WAY_S * steps / seconds, 2 * SHORT, LONGEST)) // 100 * 100

    def scratch(self) -> Path:
        """Return a new folder."""
        self.number += 1
        made = self.place / f"try{self.number:03d}"
        made.mkdir()
        return made

    def undisturbed(self, steps: int) -> Path:
        """Return the folder of results, and of checkpoints, of a run that nothing befell."""
        if steps not in self.whole:
            out = self.place / f"whole{steps}"
            done = self.call(out, steps)
            assert done.returncode == 0, done.stderr
            self.whole[steps] = out
        return self.whole[steps]

    def arguments(self, out: Path, steps: int, place: Path | None = None) -> list[str]:
        """Return the command line of a run."""
        told = {"material": MATERIAL, "structure": self.structure,
                "potentials": self.potential, "u_ev": 4, "temperature_k": 300,
                "cell": "material", "timestep_fs": 1, "equilibration_ps": 0.04,
                "production_ps": steps / 1000, "dump_ps": EVERY / 1000, "all_every": 5,
                "checkpoint_minutes": 0.001, "out": out}
        if place is not Path():
            told["checkpoint_dir"] = place or out / "checkpoints"
        return ["run_dynamics.py", *(
            text for key, value in told.items() for text in (f"--{key}", str(value)))]

    def call(self, out: Path, steps: int, place: Path | None = None,
             before: Callable[[], None] | None = None) -> Done:
        """Run to the end; ``before`` is called in the new process."""
        return self.begin(out, steps, place, before).wait()

    def begin(self, out: Path, steps: int, place: Path | None = None,
              before: Callable[[], None] | None = None) -> Child:
        """Start a run in a process of its own and return it.

        The process is a copy of this one, which has its packages loaded already: a second is saved.
        """
        self.number += 1
        said = self.place / f"said{self.number:03d}"
        arguments = self.arguments(out, steps, place)
        number = os.fork()
        if number:
            return Child(number, said)
        code = 1
        try:
            screen = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(screen, 1)
            os.dup2(screen, 2)
            logging.getLogger().handlers.clear()
            logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stderr)
            sys.stderr = os.fdopen(2, "w", buffering=1)
            sys.argv = arguments
            out.mkdir(exist_ok=True)
            os.chdir(out)  # where a run without a folder of checkpoints has its own
            if before is not None:
                before()
            run(run_dynamics.main)
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        finally:
            os._exit(code)

    def copy(self, steps: int) -> Path:
        """Return a copy of an undisturbed run's results and checkpoints."""
        out = self.scratch()
        self.undisturbed(steps)
        shutil.copytree(self.undisturbed(steps), out, symlinks=True, dirs_exist_ok=True)
        return out


def run_folder(out: Path) -> Path:
    """Return the folder of checkpoints of the one run in ``out``."""
    return next((out / "checkpoints").glob(f"{NAME}_*"))


def unlike(out: Path, whole: Path, steps: int) -> str:
    """Return where results are not those of the undisturbed run; nothing where they are."""
    try:
        mine, other = (read_members(place / f"{NAME}.trajectory.npz") for place in (out, whole))
        for name, values in other.items():
            if name == "meta":
                continue
            if np.asarray(values).dtype.kind == "f":
                # positions are kept in steps of 0.001 Angstrom
                assert np.allclose(mine[name], values, rtol=0, atol=1.1e-3), name
            else:
                assert np.array_equal(mine[name], values), name
        for table in ("runs", "thermo"):
            one, same = (tables.read(table, place / f"{NAME}.{table}.parquet").drop(
                columns=list(CLOCK), errors="ignore") for place in (out, whole))
            for column in same:
                if same[column].dtype.kind == "f":
                    assert np.allclose(one[column], same[column], rtol=1e-6, atol=1e-6,
                                       equal_nan=True), column
                else:
                    told, wanted = one[column].fillna(""), same[column].fillna("")
                    assert told.tolist() == wanted.tolist(), column
        assert int(tables.read("runs", out / f"{NAME}.runs.parquet")["steps"].iloc[0]) == steps
    except (AssertionError, HavenError, OSError) as error:
        return f"{error or type(error).__name__}"
    return ""


def computed(folder: Path) -> int:
    """Return the steps of production that all attempts in a folder of checkpoints computed."""
    rows = [lammps.read_thermo(log, len(COLUMNS))[:, 0] for log in folder.glob("*production.*.log")]
    return int(sum(np.nanmax(steps) - np.nanmin(steps) for steps in rows if len(steps)))


def clear(done: Done) -> bool:
    """Tell whether a call ended in one clear line and status 2."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("haven: error:")]
    return done.returncode == 2 and len(lines) == 1 and "Traceback" not in done.stderr


def last(done: Done) -> str:
    """Return the last line that a call said."""
    return (done.stderr.strip().splitlines() or [""])[-1][:300]


def again(bench: Bench, out: Path, steps: int, refused: bool = False, before: int | None = None,
          ) -> Outcome:
    """Call a run once more after a fault, and judge what came out."""
    have = 0 if before is None else before
    done = bench.call(out, steps)
    apart = unlike(out, bench.undisturbed(steps), steps) if done.returncode == 0 else ""
    same = done.returncode == 0 and not apart
    spent = computed(run_folder(out)) if done.returncode == 0 else 0
    lost = max(0, spent - have - (steps if before is None else 0)) / steps
    return Outcome(same or clear(done), refused or clear(done), lost, same,
                   f"{last(done)} {apart}")


def wait_for(process: Child, ready: Callable[[], bool]) -> bool:
    """Wait until something is so; tell whether the process still runs then."""
    end = time.monotonic() + LIMIT_S
    while process.alive() and time.monotonic() < end and not ready():
        time.sleep(0.001)
    return process.alive()


def on_its_way(bench: Bench, ready: Callable[[Path], bool]) -> tuple[Path, Child]:
    """Start a run and wait until something is so of its folder; one that is over by then is longer.

    The speed that the length was chosen by may have been that of a machine with much to do.
    """
    for _ in range(6):
        out = bench.scratch()
        process = bench.begin(out, bench.long)
        if wait_for(process, lambda out=out: ready(out)):
            return out, process
        done = process.wait()
        assert done.returncode == 0, done.stderr
        bench.long *= 2
    raise AssertionError("no run lasted long enough to be interrupted")


def restarts(out: Path) -> list[Path]:
    """Return the restart files of the production in ``out``."""
    return list(out.glob(f"checkpoints/{NAME}_*/production.*.restart"))


# -- faults: each gets the bench and a generator of random numbers


def killed_at_a_checkpoint(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Kill the task while LAMMPS writes a restart file, or as soon as it is there."""
    wanted = int(rng.integers(1, 3))

    def ready(out: Path) -> bool:
        writing = any(out.glob(f"checkpoints/{NAME}_*/unfinished.restart"))
        return (writing and len(restarts(out)) >= wanted - 1) or len(restarts(out)) >= wanted

    out, process = on_its_way(bench, ready)
    process.kill()
    return again(bench, out, bench.long)


def killed_anywhere(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Kill the task at a random moment of its production."""
    share = float(rng.uniform(0.05, 0.8))

    def ready(out: Path) -> bool:
        logs = out.glob(f"checkpoints/{NAME}_*/production.*.log")
        return any(len(rows := lammps.read_thermo(log, len(COLUMNS)))
                   and rows[-1, 0] >= share * bench.long for log in logs)

    out, process = on_its_way(bench, ready)
    process.kill()
    return again(bench, out, bench.long)


def lammps_killed(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Kill LAMMPS alone: its task ends in one clear line, the next goes on."""
    wanted = int(rng.integers(1, 3))
    out, process = on_its_way(bench, lambda out: len(restarts(out)) >= wanted)
    for child in process.children():
        os.kill(child, signal.SIGKILL)
    done = process.wait()
    found = again(bench, out, bench.long)
    found.survived &= clear(done)
    found.refused = clear(done)
    return found


def out_of_memory(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Give the task and LAMMPS less address space than they need."""
    out, limit = bench.scratch(), int(rng.integers(100, 300)) << 20

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    done = bench.call(out, SHORT, before=small)
    refused = done.returncode not in (0, 1) or clear(done)
    found = again(bench, out, SHORT)
    found.refused = refused
    found.survived &= done.returncode != 0 and not any(out.glob("*.parquet.part"))
    return found


def file_size_limit(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Let no file grow beyond some kilobytes, as a quota does."""
    log_bytes = bench.long / EVERY * 200
    out, limit = bench.scratch(), max(4096, int(rng.uniform(0.2, 0.8) * log_bytes))

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as at a quota: an error, no signal

    done = bench.call(out, bench.long, before=small)
    found = again(bench, out, bench.long)
    found.survived &= done.returncode != 0 and clear(done)
    found.refused = clear(done)
    found.said = found.said or last(done)
    return found


@contextlib.contextmanager
def mounted(place: Path, options: str) -> Iterator[bool]:
    """Mount a file system in memory; say False where this user may not."""
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
                          check=False, capture_output=True)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", str(place)], check=True)


def size_of_disk(bench: Bench, rng: np.random.Generator) -> str:
    """Return the size of a file system that a long run fills."""
    return f"size={60 + int(rng.uniform(0, 0.4) * bench.long / EVERY * 400 / 1024)}k"


def remount(place: Path, options: str) -> None:
    """Change a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def disk_full(bench: Bench, rng: np.random.Generator) -> Outcome | None:
    """Fill the disk of the checkpoints for good, then make room."""
    out = bench.scratch()
    with mounted(out / "checkpoints", size_of_disk(bench, rng)) as may:
        if not may:
            return None
        done = bench.call(out, bench.long)
        remount(out / "checkpoints", "size=64m")
        found = again(bench, out, bench.long)
    found.survived &= done.returncode != 0 and clear(done)
    found.refused = clear(done)
    return found


def disk_full_for_a_while(bench: Bench, rng: np.random.Generator) -> Outcome | None:
    """Fill the disk of the checkpoints for a second or so while the run goes on."""
    out = bench.scratch()
    with mounted(out / "checkpoints", size_of_disk(bench, rng)) as may:
        if not may:
            return None
        process = bench.begin(out, bench.long)

        def full() -> bool:
            return shutil.disk_usage(out / "checkpoints").free < 4096

        wait_for(process, full)
        time.sleep(float(rng.uniform(0.1, 1.5)))
        remount(out / "checkpoints", "size=64m")
        done = process.wait()
        found = again(bench, out, bench.long)
    found.survived &= done.returncode == 0 or clear(done)
    found.refused = clear(done)
    return found


def read_only(bench: Bench, rng: np.random.Generator) -> Outcome | None:
    """Make the checkpoints, or the folder of the results, read-only."""
    out = bench.scratch()
    which = out / "checkpoints" if rng.integers(2) else out / "results"
    results = out / "results"
    with mounted(which, "size=64m,ro") as may:
        if not may:
            return None
        done = bench.call(results, SHORT, out / "checkpoints")
        remount(which, "rw")
        ended = bench.call(results, SHORT, out / "checkpoints")
        same = ended.returncode == 0 and not unlike(
            results, bench.undisturbed(SHORT), SHORT)
    return Outcome(same and clear(done), clear(done), 0.0, same, last(done))


def vanished(bench: Bench, _rng: np.random.Generator) -> Outcome:
    """Remove the folder of checkpoints while LAMMPS writes there."""
    out, process = on_its_way(bench, lambda out: len(restarts(out)) >= 1)
    shutil.rmtree(out / "checkpoints", ignore_errors=True)
    done = process.wait()
    found = again(bench, out, bench.long)
    found.survived &= clear(done)
    found.refused = clear(done)
    found.work_lost = None
    return found


def flip(path: Path, rng: np.random.Generator) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(bytes(content))


def flipped(pattern: str) -> Callable[[Bench, np.random.Generator], Outcome]:
    """Return the fault of one bit of a finished run's checkpoints, which is then lengthened."""
    def fault(bench: Bench, rng: np.random.Generator) -> Outcome:
        out = bench.copy(SHORT)
        found = sorted(run_folder(out).glob(pattern))
        flip(found[-1], rng)
        before = computed(run_folder(out))
        return again(bench, out, 2 * SHORT, before=before + SHORT)

    return fault


def frames_lost(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Take frames out of a finished run's file: the first, some in the middle, or the last."""
    out = bench.copy(SHORT)
    folder = run_folder(out)
    path = sorted(folder.glob("production.*.mobile.dcd"))[-1]
    content = path.read_bytes()
    head = 276
    size = 56 + 3 * (8 + 4 * int.from_bytes(content[head - 8 : head - 4], "little"))
    count = (len(content) - head) // size
    first = [0, int(rng.integers(1, count - 4)), count - 3][int(rng.integers(3))]
    path.write_bytes(content[: head + first * size] + content[head + (first + 3) * size :])
    if rng.integers(2):
        (folder / checksums.NAME).unlink()
    return again(bench, out, SHORT, before=computed(folder))


def refused(make: Callable[[Bench, np.random.Generator], Callable[[], object]],
            ) -> Callable[[Bench, np.random.Generator], Outcome]:
    """Return the fault of a damaged input, which must be refused in one clear line."""
    def fault(bench: Bench, rng: np.random.Generator) -> Outcome:
        use = make(bench, rng)
        try:
            use()
        except HavenError as error:
            return Outcome(True, True, None, None, str(error)[:300])
        except Exception as error:  # a traceback is what must not be
            return Outcome(False, False, None, None, repr(error)[:300])
        return Outcome(False, False, None, None, "taken as it is")

    return fault


def flipped_model(bench: Bench, rng: np.random.Generator) -> Callable[[], object]:
    """Flip a bit of a shipped potential that its description stands beside."""
    from haven.potential.families import check_potential

    out, models = bench.scratch(), ROOT / "assets" / "models" / "small"
    for name in ("u4_s1.pb", "u4_s1.potential.json"):
        shutil.copy(models / name, out)
    flip(out / "u4_s1.pb", rng)
    return lambda: check_potential(out / "u4_s1.pb", ("Li", "Ti", "Cl"))


def flipped_table(bench: Bench, rng: np.random.Generator) -> Callable[[], object]:
    """Flip a bit of a table, where something is said: in what has no meaning, it may stay."""
    out = bench.scratch()
    name = f"{NAME}.{('runs', 'thermo')[int(rng.integers(2))]}.parquet"
    source = bench.undisturbed(SHORT) / name
    table = name.split(".")[-2]
    good = tables.read(table, source), tables.inputs_of(source)
    shutil.copy(source, out)
    while True:
        shutil.copy(source, out)
        flip(out / name, rng)
        try:
            now = tables.read(table, out / name), tables.inputs_of(out / name)
        except HavenError:
            return lambda: tables.read(table, out / name)
        if not (now[0].equals(good[0]) and now[1] == good[1]):
            return lambda: None


def flipped_trajectory(bench: Bench, rng: np.random.Generator) -> Callable[[], object]:
    """Flip a bit of the positions in a published trajectory."""
    out = bench.scratch()
    name = f"{NAME}.trajectory.npz"
    content = bytearray((bench.undisturbed(SHORT) / name).read_bytes())
    start = content.index(b"mobile_packed.npy") + 200
    content[start + int(rng.integers(2000))] ^= 1 << int(rng.integers(8))
    (out / name).write_bytes(bytes(content))
    return lambda: open_files([out / name], out, Wanted())


def two_in_one(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Start the same run twice at once, with a folder of checkpoints or with none."""
    out = bench.scratch()
    place = None if rng.integers(2) else Path()
    both = [bench.begin(out, SHORT, place) for _ in range(2)]
    ended = [process.wait() for process in both]
    same = all(done.returncode == 0 for done in ended) and not unlike(
        out, bench.undisturbed(SHORT), SHORT)
    return Outcome(same, False, None, same, last(ended[-1]))


def shared_memory(bench: Bench, _rng: np.random.Generator) -> Outcome:
    """Kill a task, and see that the next start removes the shared memory of its LAMMPS."""
    out, process = on_its_way(bench, lambda out: len(restarts(out)) >= 1)
    children = process.children()
    process.kill()
    left = [path for child in children
            for path in lammps.SHARED_MEMORY.glob(f"mpich_shm_{child:x}_*")]
    for path in left:
        os.utime(path, (1, 1))  # as if it were old
    found = again(bench, out, bench.long)
    found.survived &= not any(path.exists() for path in left)
    return found


CLOCK_SOURCE = """
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long off() {
  long found = 0;
  FILE *told = fopen(getenv("CLOCK_OFF_S"), "r");
  if (told) { if (fscanf(told, "%ld", &found) != 1) found = 0; fclose(told); }
  return found;
}
int clock_gettime(clockid_t which, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(which, now);
  if (which == CLOCK_REALTIME) now->tv_sec += off();
  return code;
}
int gettimeofday(struct timeval *now, void *zone) {
  struct timespec held;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &held);
  now->tv_sec = held.tv_sec;
  now->tv_usec = held.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *now) {
  struct timespec held;
  clock_gettime(CLOCK_REALTIME, &held);
  if (now) *now = held.tv_sec;
  return held.tv_sec;
}
"""
YEAR_S = 365 * 86400


def clock_set(bench: Bench, rng: np.random.Generator) -> Outcome | None:
    """Set the clock of a run and of its LAMMPS, an hour or years, ahead or back, on its way.

    Restart files must be written as before: they come by time.
    """
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("g++")
    if compiler is None:
        return None
    library, told = bench.place / "clock.so", bench.scratch() / "off"
    if not library.exists():
        source = bench.place / "clock.c"
        source.write_text("#define _GNU_SOURCE\n" + CLOCK_SOURCE)
        subprocess.run([compiler, "-x", "c", "-shared", "-fPIC", str(source), "-o", str(library),
                        "-ldl"], check=True)
    off = int(rng.choice([-20 * YEAR_S, -3600, 3600, 5 * YEAR_S]))
    real = time.time

    def shimmed() -> None:
        os.environ |= {"LD_PRELOAD": str(library), "CLOCK_OFF_S": str(told)}  # of LAMMPS
        time.time = lambda: real() + (off if told.exists() else 0)  # of this process

    for _ in range(6):
        told.unlink(missing_ok=True)
        out = bench.scratch()
        process = bench.begin(out, bench.long, before=shimmed)
        set_on_its_way = wait_for(process, lambda out=out: len(restarts(out)) >= 1)
        before = {path.name for path in restarts(out)}
        told.write_text(f"{off}\n")
        later = wait_for(process, lambda out=out, before=before: any(
            path.name not in before for path in restarts(out)))
        if set_on_its_way and later:
            break
        assert process.wait().returncode == 0
        bench.long *= 2
    else:
        return Outcome(False, said="no restart file was written after the clock was set")
    done = process.wait()
    apart = unlike(out, bench.undisturbed(bench.long), bench.long)
    same = done.returncode == 0 and not apart
    return Outcome(same, False, 0.0, same, f"{last(done)} {apart}")


def other_times(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Kill the task, and give its files times of years ago or to come, each its own."""
    out, process = on_its_way(bench, lambda out: len(restarts(out)) >= 1)
    process.kill()
    for path in out.rglob("*"):
        when = time.time() + float(rng.uniform(-20, 20)) * YEAR_S
        os.utime(path, (when, when), follow_symlinks=False)
    return again(bench, out, bench.long)


def umasks(bench: Bench, rng: np.random.Generator) -> Outcome:
    """Kill a task of which nobody else may read a file; one that lets all write goes on with it."""
    first, second = rng.permutation([0o077, 0o000]).tolist()
    before = os.umask(first)
    try:
        out, process = on_its_way(bench, lambda out: len(restarts(out)) >= 1)
        process.kill()
        os.umask(second)
        found = again(bench, out, bench.long)
        wrong = [path for path in out.rglob("*") if not path.is_symlink()
                 and path.stat().st_mode & 0o777 & first & second]
    finally:
        os.umask(before)
    found.survived &= not wrong
    return found


def others_checkpoints(bench: Bench, _rng: np.random.Generator) -> Outcome:
    """Give a killed run's checkpoints to another user who lets all read them, then give them back.

    Nothing of them may change, and the call that finds them so ends in one line.
    """
    out, process = on_its_way(bench, lambda out: len(restarts(out)) >= 1)
    process.kill()
    held = {path: path.read_bytes() for path in (out / "checkpoints").rglob("*") if path.is_file()}
    given_away(out / "checkpoints", write=False)
    done = bench.call(out, bench.long, before=without_powers)
    for path in [out / "checkpoints", *(out / "checkpoints").rglob("*")]:
        if not path.is_symlink():
            os.chown(path, os.geteuid(), os.getegid())
            path.chmod(0o755)
    same = held == {path: path.read_bytes() for path in held}
    found = again(bench, out, bench.long)
    found.survived &= clear(done) and same
    found.refused = clear(done)
    return found


def shared_checkpoints(bench: Bench, _rng: np.random.Generator) -> Outcome | None:
    """Go on with the killed run of another user, in a folder that both may write to."""
    if os.geteuid():
        return None
    out, process = on_its_way(bench, lambda out: len(restarts(out)) >= 1)
    process.kill()
    given_away(out / "checkpoints", write=True)
    done = bench.call(out, bench.long, before=without_powers)
    apart = unlike(out, bench.undisturbed(bench.long), bench.long)
    same = done.returncode == 0 and not apart
    return Outcome(same, False, None, same, f"{last(done)} {apart}")


FAULTS: dict[str, Callable[[Bench, np.random.Generator], Outcome | None]] = {
    "task killed (-9) while it writes a checkpoint": killed_at_a_checkpoint,
    "task killed (-9) anywhere": killed_anywhere,
    "LAMMPS killed (-9), its task lives": lammps_killed,
    "shared memory of a killed LAMMPS": shared_memory,
    "out of memory": out_of_memory,
    "a quota on files": file_size_limit,
    "disk full, then room": disk_full,
    "disk full for a while": disk_full_for_a_while,
    "folder read-only, then not": read_only,
    "folder of checkpoints vanishes": vanished,
    "one bit of the newest restart": flipped("production.*.restart"),
    "one bit of the mobile ions' frames": flipped("production.*.mobile.dcd"),
    "one bit of the frames of all atoms": flipped("production.*.all.dcd"),
    "one bit of the log": flipped("production.*.log"),
    "one bit of the list of checksums": flipped(checksums.NAME),
    "frames lost: first, middle, last": frames_lost,
    "one bit of a potential": refused(flipped_model),
    "one bit of a table": refused(flipped_table),
    "one bit of a trajectory": refused(flipped_trajectory),
    "the same run twice at once": two_in_one,
    "the clock is set, ahead or back": clock_set,
    "files of years ago and to come": other_times,
    "umask 077, then 000, or the reverse": umasks,
    "checkpoints of another user, not to be written": others_checkpoints,
    "checkpoints of another user, shared": shared_checkpoints,
}


def row_of(name: str, found: list[Outcome]) -> dict[str, object]:
    """Return the row of the table on some tries of one fault."""
    lost = [one.work_lost for one in found if one.work_lost is not None]
    same = [one.equal for one in found if one.equal is not None]
    return {"fault": name, "tried": len(found), "survived": sum(one.survived for one in found),
            "refused": sum(one.refused for one in found),
            "work_lost": f"{max(lost):.2f}" if lost else "",
            "equal": f"{sum(same)} of {len(same)}" if same else ""}


def added(row: dict[str, object], before: dict[str, str]) -> dict[str, object]:
    """Return a row with the tries of an earlier one counted to its."""
    equal = [[int(part) for part in str(one["equal"] or "0 of 0").split(" of ")]
             for one in (row, before)]
    lost = [str(one["work_lost"]) for one in (row, before) if one["work_lost"]]
    same, of = map(sum, zip(*equal, strict=True))
    return row | {name: int(str(row[name])) + int(before[name])
                  for name in ("tried", "survived", "refused")} | {
        "work_lost": max(lost, key=float, default=""), "equal": f"{same} of {of}" if of else ""}


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    """Write ``faults.csv``."""
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMN, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def table(path: Path) -> str:
    """Return the table of README.md from ``faults.csv``."""
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    lines = ["| fault | tried | survived | refused in one line | most work lost (of the run) | "
             "results equal |", "|--|--|--|--|--|--|"]
    lines += ["| " + " | ".join(row[name] or "–" for name in COLUMN) + " |" for row in rows]
    total = [sum(int(row[name]) for row in rows) for name in ("tried", "survived", "refused")]
    return "\n".join([*lines, f"| all | {total[0]} | {total[1]} | {total[2]} | | |"])


def main() -> None:
    """Do the faults asked for, and write what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="tries of each fault")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORDS",
                        help="faults with such words in their names")
    parser.add_argument("--add", action="store_true", help="count the tries to those of --out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "faults.csv")
    parser.add_argument("--table", action="store_true", help="print the table of --out, and end")
    given = parser.parse_args()
    if given.table:
        print(table(given.out))
        return
    chosen = {name: fault for name, fault in FAULTS.items()
              if any(words in name for words in given.only)}
    before: dict[str, dict[str, str]] = {}
    if given.add:
        with given.out.open(newline="") as stream:
            before = {row["fault"]: row for row in csv.DictReader(stream)}
    with tempfile.TemporaryDirectory(prefix="haven_faults_") as place:
        bench = Bench(Path(place))
        rows: dict[str, dict[str, object]] = {name: {**row} for name, row in before.items()}
        for name, fault in chosen.items():
            rng, found = np.random.default_rng([given.seed, *name.encode()]), []
            began = time.monotonic()
            for _ in range(given.times):
                one = fault(bench, rng)
                if one is None:
                    break
                found.append(one)
                if not one.survived:
                    print(f"  not survived: {one}", flush=True)
            if found:
                row = row_of(name, found)
                print(*row.values(), f"{time.monotonic() - began:.0f} s", sep="; ", flush=True)
                rows[name] = added(row, before[name]) if name in before else row
                write_rows(given.out, [rows[one] for one in FAULTS if one in rows])
            else:
                print(f"{name}: not done, no right to that here", flush=True)


if __name__ == "__main__":
    main()
