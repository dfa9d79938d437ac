#!/usr/bin/env python3
"""Haven's displacement curves and D against other packages', on the same data in one run.

    python tests/bench/transport.py --ions 6000 --frames 5500 --work W --peers peers/bin/python

Each tool runs alone in a process with one thread; ``--peers`` is the Python of a virtual
environment of its own, apart from Haven's locked packages: ``pip install MDAnalysis freud-analysis
tidynamics kinisi gemdat pymatgen-analysis-diffusion``. A tool that is not there is named and left
out. Slow or memory-hungry tools get the first ``SHARE`` of the ions, and all peers at most ``MOST``
positions; times are therefore also given per ion and frame. Times are processor time of reading and
computing, without imports; ``wall`` is the same by the clock; then the process's largest memory.
The last lines compare the curves of self displacements.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from peers import (
    EDGES,
    LAGS,
    MODULES,
    ORIGINS,
    SMEARING,
    freud,
    gemdat,
    kinisi,
    mdanalysis,
    positions,
    pymatgen,
    thinned,
    tidynamics,
)

BIN = Path(__file__).resolve().parents[2] / "bin"
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                                  "NUMBA_NUM_THREADS")}
SHARE = {"gemdat": 0.05, "tidynamics": 0.2, "mdanalysis": 0.2, "kinisi": 0.005, "pymatgen": 0.005,
         "haven_d": 0.005, "haven_van_hove": 0.005}
MOST = 33_000_000  # positions (ions x frames) a peer gets at most


def make(path: Path, frames: int, ions: int) -> None:
    """Write a container of ions that rattle and walk, a block of frames at a time."""
    from haven.trajectory.trajectory import write_npz

    rng = np.random.default_rng(0)
    raw = path.with_suffix(".raw")
    place = (rng.random((ions, 3)) * 60).astype(np.float32)
    walk = np.cumsum(rng.standard_normal((250, ions, 3), np.float32) * np.float32(0.1), axis=0)
    rattle = rng.standard_normal((250, ions, 3), np.float32) * np.float32(0.3)
    with raw.open("wb") as stream:
        for start in range(0, frames, 250):
            count = min(250, frames - start)
            shift = int(rng.integers(ions))  # the same stretches of walk, by other ions
            block = np.roll(walk, shift, axis=1) * np.float32(rng.choice([-1, 1])) + place
            place = block[-1].copy()
            stream.write((block + rattle)[:count].tobytes())
    write_npz(path, {
        "time_ps": np.arange(frames) * 1.0,
        "mobile_angstrom": np.memmap(raw, np.float32, "r", shape=(frames, ions, 3)),
        "host_centre_angstrom": np.zeros((frames, 3)), "cell_angstrom": np.eye(3) * 60,
        "mobile_symbol": np.array("Li")}, {})
    raw.unlink()


def haven(path: Path, share: float) -> dict:
    """All that ``curves`` gives: self, total, distinct, per axis, errors, positions averaged."""
    from haven.trajectory import trajectory
    from haven.transport import displacements as msd

    held = trajectory.open_npz(path)
    found = msd.curves(held)
    return {"msd": found.self_msd.sum(axis=1), "ions": held.ions}


def haven_again(path: Path, share: float) -> dict:
    """The same once more in one process: without compiling."""
    haven(path, share)
    return {**haven(path, share), "restart": True}


def haven_self(path: Path, share: float) -> dict:
    """The self part only, compiled before."""
    return curves_alone(path, total=False)


def haven_curves(path: Path, share: float) -> dict:
    """Self, total and distinct, compiled before; without errors and averaged positions."""
    return curves_alone(path, total=True)


def curves_alone(path: Path, total: bool) -> dict:
    """Return the self curve, made with or without the total and distinct ones."""
    from haven.trajectory import trajectory
    from haven.transport import displacements as msd
    from haven.transport import kernels

    held = trajectory.open_npz(path)
    zeros = np.zeros((held.frames, 3))
    for _ in range(2):
        start = time.process_time(), time.perf_counter()
        engine = kernels.Powers(held.frames, held.frames)
        squares, along = zeros.copy(), zeros.copy()
        for _, _, block in held.blocks():
            engine.add(block, zeros, squares, along)
        own = msd.displacements(engine.correlation(held.frames), squares)[1:] / held.ions
        if total:
            one = kernels.Powers(held.frames, held.frames)
            one.add(along[:, None, :].copy(), zeros, zeros.copy(), zeros.copy())
            joined = msd.displacements(one.correlation(held.frames), (along - along[0]) ** 2)[1:]
            _ = joined / held.ions - own
    return {"msd": own.sum(axis=1), "ions": held.ions, "start": start}


def haven_d(path: Path, share: float) -> dict:
    """D_self with interval from the ions kinisi gets."""
    from haven.trajectory import trajectory
    from haven.transport import diffusion
    from haven.transport import displacements as msd

    x, step = thinned(path, share)
    part = path.with_name("part.npz")
    trajectory.write_npz(part, {
        "time_ps": np.arange(len(x)) * step, "mobile_angstrom": x,
        "host_centre_angstrom": np.zeros((len(x), 3)), "cell_angstrom": np.eye(3) * 60,
        "mobile_symbol": np.array("Li")}, {})
    held = trajectory.open_npz(part)
    row = diffusion.estimate(held, msd.curves(held), 1.5)[0]
    return {"d": [row.value, row.low_95, row.high_95], "ions": x.shape[1]}


def haven_van_hove(path: Path, share: float) -> dict:
    """Van Hove functions of the ions, origins and lags that pymatgen gets, smeared as it does."""
    from haven.mechanism.van_hove import distinct_part, self_part

    x = positions(path, share)[: ORIGINS + LAGS[-1]].astype(float)
    own = [self_part(x[:ORIGINS], x[lag : lag + ORIGINS], EDGES) for lag in LAGS]
    others = [np.mean([distinct_part(x[t], x[t + lag], np.eye(3) * 60, EDGES)
                       for t in range(ORIGINS)], axis=0) for lag in LAGS]
    width, left = EDGES[1], EDGES[:-1]
    spread = np.exp(-((EDGES - left[:, None]) ** 2) / (2 * SMEARING**2)) / (
        SMEARING * (2 * np.pi) ** 0.5)
    # it divides by 4 pi r^2 of a bin's inner edge, pi dr^2 for the first; Haven by the shell
    inner = np.where(left > 0, 4 * np.pi * left**2, np.pi * width**2)
    shells = 4 / 3 * np.pi * np.diff(EDGES**3)
    return {"van_hove": np.stack([np.array(own) * width @ spread,
                                  np.array(others) * shells / inner @ spread]), "ions": x.shape[1]}


TOOLS = {f.__name__: f for f in (haven, haven_again, haven_self, haven_curves, mdanalysis, freud,
                                 tidynamics, gemdat, haven_d, kinisi, haven_van_hove, pymatgen)}


def one(tool: str, path: Path, share: float, out: Path) -> None:
    """Run one tool in this process and write what it found and took."""
    sys.path.insert(0, str(BIN))
    positions(path, 1e-9)
    for module in MODULES.get(tool, ("haven.transport.displacements", "haven.transport.kernels",
                                     "haven.transport.diffusion", "haven.mechanism.van_hove",
                                     "scipy.spatial")):
        importlib.import_module(module)
    start = time.process_time(), time.perf_counter()
    found = TOOLS[tool](path, share)
    if found.pop("restart", False):
        start = time.process_time(), time.perf_counter()
        haven(path, share)
    start = found.pop("start", start)
    if "van_hove" in found:
        np.save(out.with_suffix(".van_hove.npy"), found.pop("van_hove"))
    curve = found.pop("msd", None)
    if curve is not None:
        np.save(out.with_suffix(".npy"), curve)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.write_text(json.dumps({**found, "seconds": time.process_time() - start[0],
                               "wall": time.perf_counter() - start[1], "peak_mb": peak}))


def main() -> None:
    """Make the data, run every tool, print one line each."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--ions", type=int, default=6000)
    options.add_argument("--frames", type=int, default=5500)
    options.add_argument("--work", type=Path, required=True)
    options.add_argument("--peers", default=sys.executable)
    options.add_argument("--tools", default=",".join(TOOLS))
    options.add_argument("--limit_s", type=float, default=600)
    options.add_argument("--one", help=argparse.SUPPRESS)
    options.add_argument("--share", type=float, default=1.0, help=argparse.SUPPRESS)
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    data = given.work / f"{given.ions}x{given.frames}.npz"
    if given.one == "make":  # apart: a process passes its own peak memory on to those it starts
        sys.path.insert(0, str(BIN))
        return make(data, given.frames, given.ions)
    if given.one:
        return one(given.one, data, given.share, given.work / f"{given.one}.json")
    sys.path.insert(0, str(BIN))
    if not data.exists():
        subprocess.run([sys.executable, __file__, "--one", "make", "--work", given.work,
                        "--ions", str(given.ions), "--frames", str(given.frames)], check=True)
    print(f"{given.ions} ions x {given.frames} frames")
    rates = {}
    for tool in given.tools.split(","):
        share = SHARE.get(tool, 1.0)
        if not tool.startswith("haven"):
            share *= min(1.0, MOST / (given.ions * given.frames))
        out = given.work / f"{tool}.json"
        out.unlink(missing_ok=True)
        for kind in (".npy", ".van_hove.npy"):
            out.with_suffix(kind).unlink(missing_ok=True)
        python = sys.executable if tool.startswith("haven") else given.peers
        try:
            done = subprocess.run(
                [python, __file__, "--one", tool, "--share", str(share), "--work", given.work,
                 "--ions", str(given.ions), "--frames", str(given.frames)],
                env={**os.environ, **THREADS}, capture_output=True, text=True, check=False,
                timeout=given.limit_s)
        except subprocess.TimeoutExpired:
            print(f"{tool:>12}: not done in {given.limit_s:g} s")
            continue
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["no message"])[-1]
            what = f"NOT INSTALLED in {python}" if "ModuleNotFoundError" in why else "failed"
            print(f"{tool:>12}: {what}: {why}")
            continue
        found = json.loads(out.read_text())
        if (given.work / f"{tool}.npy").exists():
            rates[tool] = found["seconds"] / found["ions"] / given.frames
        print(f"{tool:>12}: {report(given, tool, found)}", flush=True)
    compare(rates)


def compare(rates: dict[str, float]) -> None:
    """Print how Haven's times per ion and frame stand to the fastest peer's."""
    peers = {tool: rate for tool, rate in rates.items() if not tool.startswith("haven")}
    for tool in ("haven_self", "haven_again") if peers else ():
        if tool in rates:
            best = min(peers, key=lambda one: peers[one])
            print(f"{tool} takes 1/{peers[best] / rates[tool]:.1f} of the time of the fastest "
                  f"peer, {best}")
    for tool in ("haven_curves", "haven_again"):
        if "haven_self" in rates and tool in rates:
            print(f"{tool} takes {rates[tool] / rates['haven_self']:.2f} of the time of self alone")


def report(given: argparse.Namespace, tool: str, found: dict) -> str:
    """Return one line: time, memory, and how far the curve is from Haven's for the same ions."""
    each = found["seconds"] / found["ions"] / given.frames * 1e9
    line = (f"{found['seconds']:8.2f} s ({found['wall']:.2f} wall), {each:7.2f} ns an ion and "
            f"frame, {found['peak_mb']:6.0f} MB, {found['ions']} ions")
    if "d" in found:
        line += ", D_self {:.4g} [{:.4g}, {:.4g}] cm2/s".format(*found["d"])
    curve = given.work / f"{tool}.npy"
    if curve.exists() and (given.work / "haven.npy").exists():
        from haven.trajectory import trajectory
        from haven.transport import displacements as msd

        data = given.work / f"{given.ions}x{given.frames}.npz"
        held = trajectory.open_npz(data)
        if found["ions"] == held.ions:
            ours = np.load(given.work / "haven.npy")
        else:
            x = held.read(0, found["ions"])
            lags = np.unique(np.geomspace(1, given.frames - 1, 12).astype(int))
            ours = np.full(given.frames - 1, np.nan)
            ours[lags - 1] = msd.direct(x, lags)[0].sum(axis=1)
        theirs = np.load(curve)
        line += f", differs by {np.nanmax(np.abs(theirs / ours - 1)):.1e} at most"
    ours, theirs = (given.work / f"{one}.van_hove.npy" for one in ("haven_van_hove", tool))
    if tool != "haven_van_hove" and ours.exists() and theirs.exists():
        apart = np.abs(np.load(ours) - np.load(theirs)).max(axis=(1, 2))
        line += ", van Hove self differs by {:.1e} /A, distinct by {:.1e} at most".format(*apart)
    return line


if __name__ == "__main__":
    main()
