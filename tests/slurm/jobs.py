"""RUN_DYNAMICS alone through SLURM, on the closed-form potential of tests/data/miniature."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import numpy as np

from haven.core.reading.checksums import read_sums
from haven.dynamics.job import COLUMNS
from haven.dynamics.lammps.program import read_thermo
from haven.trajectory.trajectory import open_npz

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
SCRIPT = """
include {{ RUN_DYNAMICS }} from './modules/run_dynamics'

workflow {{
    def data = "${{projectDir}}/tests/data/miniature"
    ch_runs = channel.of(1..{runs}).map {{ n ->
        [[id: "u4_t${{300 + n}}_r0", u_ev: 4, seed: 2, replica: 0, temperature_k: 300 + n,
          production_ps: {production_ps}],
         file("${{data}}/u4_r1.minimised.extxyz"), [file("${{data}}/u4_s2.pair")], []] }}
    RUN_DYNAMICS(ch_runs, file("${{projectDir}}/assets/materials/li3ticl6.yml"), 'code')
}}
"""


def prepare(folder: Path, runs: int, production_ps: float) -> Path:
    """Make a folder from which ``runs`` runs of dynamics start, one a temperature.

    Parameters
    ----------
    folder
        Made; Nextflow is called there.
    runs
        Number of them.
    production_ps
        Length of each.
    """
    return place(folder, SCRIPT.format(runs=runs, production_ps=production_ps))


def place(folder: Path, script: str) -> Path:
    """Make a folder with a main.nf of its own, to which everything else of Haven is linked."""
    folder.mkdir(parents=True)
    for name in ("assets", "bin", "conf", "modules", "tests", "nextflow.config",
                 "nextflow_schema.json"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "main.nf").write_text(script)
    return folder


def command(*more: str) -> list[str]:
    """Return the command line of Nextflow, to be called in such a folder."""
    return ["nextflow", "run", "main.nf", "-ansi-log", "false", "-profile", "slurm",
            "-c", str(ROOT / "tests" / "nextflow.config"), "-c", str(HERE / "nextflow.config"),
            "-with-trace", "trace.tsv", "--slurm_queue", "cpu", *more]


def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """Start Nextflow in the background; what it says goes to ``said``."""
    with (folder / "said").open("w") as out:
        return subprocess.Popen(command(*more), cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT)


def rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the trace, as far as it is written."""
    if not (folder / "trace.tsv").exists():
        return []
    with (folder / "trace.tsv").open(newline="") as stream:
        return [row for row in csv.DictReader(stream, delimiter="\t") if row.get("status")]


def jobs(*states: str) -> list[str]:
    """Return the numbers of the jobs of dynamics in such a state (R, PD)."""
    listed = subprocess.run(["squeue", "--noheader", f"--states={','.join(states)}", "-o", "%i|%j"],
                            text=True, check=True, stdout=subprocess.PIPE).stdout
    return [line.split("|")[0] for line in listed.split("\n") if "RUN_DYNAMICS" in line]


def starts(folder: Path) -> list[int]:
    """Return the first step of each attempt at the production, in their order."""
    return begun(folder / "work" / "checkpoints")


def begun(checkpoints: Path) -> list[int]:
    """Return the same of a folder of checkpoints that holds one run."""
    logs = sorted(checkpoints.glob("*/production.a*.log"))
    steps = [read_thermo(log, len(COLUMNS))[:, 0] for log in logs]
    return [int(one[0]) for one in steps if len(one)]


def frames(folder: Path, timestep_ps: float = 0.001) -> np.ndarray:
    """Return the steps of the frames of the one trajectory that was published."""
    path, = folder.glob("results/trajectories/*.npz")
    return np.rint(open_npz(path, "Li").time_ps / timestep_ps).astype(int)


def restarts(checkpoints: Path) -> list[int]:
    """Return the steps of the production's restart files that have their checksum, of one run.

    LAMMPS names such a file a moment before its checksum is written; a run that is killed in
    between goes on from an earlier one.
    """
    return sorted(int(name.split(".")[1]) for name in read_sums(checkpoints)
                  if name.startswith("production.") and name.endswith(".restart"))
