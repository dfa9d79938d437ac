#!/usr/bin/env python3
"""Judge and analyse the dynamics of an earlier study by the code as it is now.

``study_again.py PARTS TRAJECTORIES EXPECTED OUT``: ``PARTS`` is the folder of tables that an
earlier RENDER_REPORT was given, ``TRAJECTORIES`` the results' folder of that name, ``EXPECTED``
its JSON of what should have been computed. Dynamics, cells, barriers and costs are taken as they
are. Anew are: whether each run is stationary (`haven.dynamics.runs.stationary`, from the energies
of minimised snapshots of run and anneal, the potential energies and the moves in the tables), the
analysis of every trajectory, the lines, the report.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bin"))

from haven.core import tables as store
from haven.core.columns import VERDICTS
from haven.core.constants import NOT_STATIONARY
from haven.core.series import spread_of
from haven.dynamics.lammps.inherent import Inherent
from haven.dynamics.runs.stationary import (
    Stationary,
    compare_inherent,
    compare_potential,
    stationary_row,
)
from haven.dynamics.tables import RUNS

OLD = ("conductivity", "density", "density_grid", "diffusion", "hops", "interstitial", "msd",
       "network", "onsager", "rdf", "tracks", "van_hove")
WHOLE = ("arrhenius", "error_budget", "joined", "paired", "plan")


def judge(parts: Path, name: str, run: dict) -> Stationary:
    """Return a run's halves, held against the fluctuations of the anneal that it started from."""
    energies = pd.read_parquet(parts / f"{name}.inherent.parquet")["inherent_energy_ev"].to_numpy()
    driver = f"_s{run['seed']:g}" if "_s" in name else ""
    anneal = pd.read_parquet(parts / f"u{run['u_ev']:g}_r{run['replica']:g}{driver}"
                             "_anneal.inherent.parquet")
    late = anneal["inherent_energy_ev"].to_numpy()[len(anneal) // 2:]
    scale = 1000 / run["atoms"]
    slow = spread_of(late) * scale * run["temperature_k"] / float(anneal["temperature_k"].iloc[0])
    thermo = pd.read_parquet(parts / f"{name}.thermo.parquet")["potential_energy_ev"].to_numpy()
    snapshots = Inherent(np.arange(len(energies)), energies, np.empty((len(energies), 0, 3)))
    return Stationary(compare_inherent(energies * scale, slow),
                      compare_potential(thermo * scale, slow),
                      (int(run["moves_first"]), int(run["moves_second"])), snapshots)


def without_nan(row: dict) -> dict:
    """Return a row as it was before pandas put nan where there is nothing."""
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}


def again(parts: Path, name: str, trajectories: Path, out: Path) -> dict:
    """Write a run's row, verdicts and trajectory with the new verdict; return its row."""
    table = pd.read_parquet(parts / f"{name}.runs.parquet")
    row = table.iloc[0].to_dict()
    if row["verdict"] in ("stable", NOT_STATIONARY):
        found = judge(parts, name, row)
        row["verdict"] = NOT_STATIONARY if found.reasons else "stable"
        row["inherent_change_bound_mev_per_atom"] = found.inherent.bound
        said = pd.read_parquet(parts / f"{name}.verdicts.parquet").to_dict("records")
        said = [{**old, **stationary_row(found, name)} if old["check"] == "stationary" else old
                for old in said]
        store.write(VERDICTS, [without_nan(one) for one in said],
                    out / "parts" / f"{name}.verdicts.parquet")
    known = pq.read_schema(parts / f"{name}.runs.parquet").metadata[b"haven_inputs"]
    store.write(RUNS, [without_nan(row)], out / "parts" / f"{name}.runs.parquet", json.loads(known))
    with np.load(trajectories / f"{name}.trajectory.npz", allow_pickle=False) as held:
        members = {key: held[key] for key in held.files}
    meta = {**json.loads(str(members["meta"])), "verdict": row["verdict"]}
    members["meta"] = np.array(json.dumps(meta))
    np.savez(out / "trajectories" / f"{name}.trajectory.npz", **members)
    return row


def analyse(name: str, row: dict, out: Path, material: Path) -> None:
    """Analyse one trajectory into ``parts``."""
    trajectory = out / "trajectories" / f"{name}.trajectory.npz"
    common = ["--material", material, "--trajectory", trajectory, "--u_ev", row["u_ev"],
              "--temperature_k", row["temperature_k"], "--replica", int(row["replica"]),
              "--seed", int(row["seed"]), "--name", name, "--out", out / "parts"]
    for script in ("analyse_transport.py", "analyse_hops.py", "analyse_structure.py"):
        more = ["--no-pictures"] if script == "analyse_transport.py" else []
        run(script, *common, *more)


def run(script: str, *options: object) -> str:
    done = subprocess.run([sys.executable, ROOT / "bin" / script, *map(str, options)],
                          capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(map(str, options))}\n{done.stderr[-2000:]}")
    return done.stdout


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("parts", "trajectories", "expected", "out"):
        arguments.add_argument(name, type=Path)
    arguments.add_argument("--material", type=Path,
                           default=ROOT / "assets" / "materials" / "li3ticl6.yml")
    arguments.add_argument("--structures", type=Path, nargs="*", default=[])
    given = arguments.parse_args()
    target = given.out / "parts"
    for folder in (target, given.out / "trajectories"):
        folder.mkdir(parents=True, exist_ok=True)
    names = sorted(p.name.removesuffix(".runs.parquet") for p in given.parts.glob("*.runs.parquet"))
    for path in given.parts.iterdir():
        stem, _, kind = path.name.removesuffix(".parquet").partition(".")
        if stem in WHOLE or (stem in names and kind in OLD) or stem.endswith("_transport"):
            continue
        shutil.copy(path, target / path.name)
    rows = {name: again(given.parts, name, given.trajectories, given.out) for name in names}
    for name, row in rows.items():
        print(name, row["verdict"], flush=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: analyse(name, rows[name], given.out, given.material), names))
    run("fit_arrhenius.py", "--tables", target, "--out", target)
    print(run("render_report.py", "--tables", target, "--expected", given.expected,
              "--reference", ROOT / "assets" / "reference",
              "--template", ROOT / "assets" / "report.html.j2", "--out", given.out,
              *(["--structures", *given.structures] if given.structures else [])))


if __name__ == "__main__":
    main()
