#!/usr/bin/env python3
"""The demo's tasks in an image, packed and unpacked, against the same without it.

    python tests/bench/image.py --images I --work W --out tests/bench/image.csv

``I/haven-cpu.sif`` is a file (`containers/build.sh cpu --to I`), ``I/unpacked/haven-cpu.sif`` the
folder that `--unpacked` makes. The three runs, the demo for one U and two temperatures, go on side
by side, so that what else the machine does falls on all of them. Writes and prints a row for each
task: processor and clock seconds of each run, from Nextflow's trace. Runs whose trace is in W
already are not repeated.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ("--u_ev", "0", "--temperatures_k", "700,800", "--production_ps", "30,30", "--anneal_ps",
           "10", "--training_steps", "3000")
UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def run(folder: Path, *options: str) -> None:
    """Run the demo in a folder of its own, unless it ended there before."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "ended").exists():
        return
    with (folder / "out.log").open("w") as log:
        subprocess.run(["nextflow", "run", str(ROOT / "main.nf"), "-ansi-log", "false",
                        "-with-trace", "trace.tsv", *options, *OPTIONS], cwd=folder, check=True,
                       stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    (folder / "ended").touch()


def seconds(text: str) -> float:
    """Return the seconds of Nextflow's ``1m 2s``."""
    return sum(float(number) * UNITS[unit]
               for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)\b", text))


def tasks(trace: Path, name: str) -> pd.DataFrame:
    """Return clock and processor seconds of a run's tasks, by their name."""
    found = pd.read_csv(trace, sep="\t")
    clock = found["realtime"].map(seconds)
    used = clock * found["%cpu"].str.rstrip("%").astype(float) / 100
    return pd.DataFrame({"task": found["name"], f"{name}_cpu_s": used, f"{name}_clock_s": clock}
                        ).set_index("task")


def main() -> None:
    """Run what was not run yet, and write the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--images", type=Path, required=True, help="folder of the images")
    options.add_argument("--work", type=Path, required=True, help="folder to run in")
    options.add_argument("--out", type=Path, help="CSV file for the table")
    given = options.parse_args()
    inside = ("-profile", "demo,apptainer", "--image_folder")
    wanted = {"bare": ("-profile", "demo"), "packed": (*inside, str(given.images.resolve())),
              "unpacked": (*inside, str(given.images.resolve() / "unpacked"))}
    with ThreadPoolExecutor(len(wanted)) as pool:
        list(pool.map(lambda name: run(given.work / name, *wanted[name]), wanted))
    table = pd.concat([tasks(given.work / name / "trace.tsv", name) for name in wanted],
                      axis=1).sort_values("bare_cpu_s", ascending=False)
    table.loc["all"] = table.sum()
    for name in ("packed", "unpacked"):
        table[f"{name}_over_bare"] = table[f"{name}_cpu_s"] / table["bare_cpu_s"]
    if given.out:
        table.round(3).to_csv(given.out)
    print(table.round(2).to_string())


if __name__ == "__main__":
    main()
