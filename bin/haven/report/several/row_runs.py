"""Runs of the pipeline, one for each row of a sheet: started, watched and compared."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from haven.core.errors import log
from haven.report.several.command_line import ROOT, Launch, read_parameters
from haven.report.several.samplesheet import Row

WATCH_SECONDS = 1.0  # how often is looked whether the run that was given the sheet is still there
# What a row's run starts in on Linux: the kernel ends it with its parent (PR_SET_PDEATHSIG, 1),
# even one that is killed and can end nobody.
WITH_PARENT = """import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(143)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def end_with(parent: int) -> None:
    """Watch the parent process from a thread; send SIGTERM to this one once the parent has ended.

    Parameters
    ----------
    parent
        Number of the parent process, which may be killed without a chance to end its children.
    """
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _with_parent(words: list[str]) -> list[str]:
    """Return a command that ends with this process, however that ends; on Linux only."""
    if not sys.platform.startswith("linux"):
        return words
    return [sys.executable, "-I", "-c", WITH_PARENT, str(os.getpid()), *words]


def run_rows(
    rows: Sequence[Row], launch: Launch, top: Sequence[str], at_once: int
) -> list[tuple[Row, int]]:
    """Run the pipeline for each row; return the rows with their exit statuses.

    Parameters
    ----------
    rows
        What to run.
    launch
        What holds for all of them.
    top
        Nextflow's own options, before its command.
    at_once
        Rows that run at a time; from two on, what a run says goes to ``launch.log`` in its folder.
    """
    children: list[subprocess.Popen[bytes]] = []
    stopped = threading.Event()
    # The rows' runs have a history and a cache of their own: -resume of a run of main.nf with a
    # sheet would else take a row's session for its own, and hold it.
    records = Path(os.environ.get("NXF_CACHE_DIR") or ".nextflow") / "materials"
    surroundings = os.environ | {"NXF_CACHE_DIR": str(records)}

    def stop(number: int, _frame: object) -> None:
        stopped.set()  # rows that wait for their turn have none
        for child in children:
            child.terminate()
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)

    def wait(child: subprocess.Popen[bytes]) -> int:
        children.append(child)
        if stopped.is_set():
            child.terminate()
        return child.wait()

    def one(row: Row) -> int:
        if stopped.is_set():
            return 128 + signal.SIGTERM
        place = launch.outdir / row.name / "pipeline"
        place.mkdir(parents=True, exist_ok=True)
        words = _with_parent(command(row, launch, top, place, records / "history"))
        log.info("%s (line %d): %s", row.name, row.line, place.parent)
        if at_once == 1:
            return wait(subprocess.Popen(words, env=surroundings))
        with (place / "launch.log").open("ab") as said:
            status = wait(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said,
                                           stderr=subprocess.STDOUT, env=surroundings))
        log.info("%s: %s", row.name, "done" if status == 0 else
                 f"status {status}, see {place / 'launch.log'}")
        return status

    with ThreadPoolExecutor(at_once) as pool:
        return list(zip(rows, pool.map(one, rows), strict=True))


def command(
    row: Row, launch: Launch, top: Sequence[str], place: Path, history: Path
) -> list[str]:
    """Return the command line of a row's run, whose parameters are written to a file.

    Parameters
    ----------
    row, launch, top
        As for `run_rows`.
    place
        Folder for the file of parameters.
    history
        Nextflow's own, which says what session the row's last run was of.
    """
    given = {name: value for name, value in read_parameters(launch.file).items()
             if name != "at_once"}
    # a row is no sheet, also where a file of parameters names one
    given |= {**row.given, "outdir": str(launch.outdir / row.name), "input": None}
    file = place / "launch.json"
    file.write_text(json.dumps(given, indent=1) + "\n", encoding="utf-8")
    word = re.sub(r"[^a-z0-9]+", "", row.name.lower())[:20]
    mark = hashlib.sha256(str((launch.outdir / row.name).resolve()).encode()).hexdigest()[:10]
    stem = f"m{word}-{mark}"
    session = _session(history, stem) if launch.resume else ""
    own = [] if "-log" in top else ["-log", str(place / "nextflow.log")]
    return ["nextflow", *top, *own, "run", str(ROOT / "main.nf"), *launch.options, "-params-file",
            str(file), "-work-dir", f"{launch.work}/{row.name}",
            "-name", f"{stem}-{time.time_ns() // 1_000_000}",
            *(["-resume", session] if session else [])]


def _session(history: Path, stem: str) -> str:
    """Return the session of the last run whose name begins so; empty where there is none."""
    if not history.exists():
        return ""
    lines = [line.split("\t") for line in history.read_text(encoding="utf-8").splitlines()]
    found = [cells[5] for cells in lines if len(cells) > 6 and cells[2].startswith(f"{stem}-")]
    return found[-1] if found else ""


def compared(done: Sequence[tuple[Row, int]], outdir: Path) -> None:
    """Write one page that compares all rows with results, where there are two or more."""
    folders = [str(outdir / row.name) for row, status in done
               if status == 0 and (outdir / row.name / "report.html").exists()]
    if len(folders) < 2:
        return
    ended = subprocess.run([sys.executable, str(ROOT / "bin" / "compare_studies.py"), *folders,
                            "--out", str(outdir)], check=False, capture_output=True, text=True)
    if ended.returncode == 0:
        log.info("all of them in one page: %s", outdir / "compare.html")
    else:
        said = ended.stderr.strip().splitlines() or [f"status {ended.returncode}, no message"]
        log.warning("no page of all of them: %s", said[-1].removeprefix("haven: error: "))
