"""What must not change a number does not, and what must changes it as physics says.

Rotation, translation, order, supercells, units, pieces of files and threads: transport, radial
distributions, hops, labels and material files are each held against them, on examples that
hypothesis draws.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from analytic import labelled
from ase import Atoms
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trained import MATERIAL, ROOT
from walks import lattice_walk

from haven.core.periodic import minimum_image
from haven.labels.audit import Limits, audit
from haven.labels.frames.reading import check_frames
from haven.material.crystal import cation_lattice, framework_counts
from haven.material.disorder import lattice_energy, order_cations
from haven.material.file import load_material
from haven.material.sites.lattice import site_lattice
from haven.mechanism import hops as hopping
from haven.mechanism.rdf import rdf_table
from haven.trajectory.trajectory import open_npz, write_npz
from haven.transport import diffusion, rows
from haven.transport import displacements as msd
from haven.transport.conductivity import nernst_einstein

FEW = settings(max_examples=3, deadline=None, derandomize=True, database=None,
               phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
SEEDS = st.integers(0, 10**6)
JUMP, EDGE, IONS, FRAMES = 3.0, 12.0, 32, 400
SPECIES = ("Li", "Ti", "Cl")


def turned(rng: np.random.Generator) -> np.ndarray:
    """Return a random proper rotation (3, 3)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


@cache
def walked(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (T, N, 3) of ions that jump and rattle, and the host's (T, 3)."""
    rng = np.random.default_rng(seed)
    grid = np.array(list(np.ndindex(4, 4, 4)), float)[:: 64 // IONS] * JUMP
    host = np.cumsum(rng.normal(0, 0.01, (FRAMES, 3)), axis=0)
    path = grid + lattice_walk(rng, IONS, FRAMES, 0.06, JUMP) + host[:, None]
    return path + rng.normal(0, 0.1, path.shape), host


def measured(
    folder: Path, path: np.ndarray, host: np.ndarray, cell: np.ndarray, spacing: float = 1.0,
    jump: float = JUMP,
) -> dict[str, tuple[float, float, float]]:
    """Return D_self, D_total, the Haven ratio and conductivities, each with its interval."""
    symbols = ["Li"] * path.shape[1] + ["Cl"] * path.shape[1]
    held = open_npz(write_npz(folder / "w.npz", {
        "time_ps": spacing * np.arange(len(path)), "mobile_angstrom": path.astype(float),
        "host_centre_angstrom": host, "barycentre_angstrom": host, "cell_angstrom": cell,
        "mobile_symbol": "Li", "symbols": np.array(symbols)}, {}, resolution=None))
    found = diffusion.estimate(held, msd.curves(held), jump)
    sigma = rows.conductivity_rows(found, held, 600.0, 1.0, {})
    wanted = {one.quantity: (one.value, one.low_95, one.high_95) for one in found
              if one.axis == "xyz"}
    wanted |= {row["quantity"]: (row["value_ms_per_cm"], row["low_95"], row["high_95"])
               for row in sigma}
    assert all(value is not None for value, _, _ in wanted.values()), wanted
    return wanted


CELL = np.eye(3) * EDGE
WHAT = ("self", "total", "haven", "sigma_self", "sigma_total")


def same(one, two, factors=None, rtol=1e-4):
    """Hold numbers against one another; ``factors``: those of the second over the first."""
    for name in WHAT:
        factor = (factors or {}).get(name, 1.0)
        np.testing.assert_allclose(np.array(two[name]), factor * np.array(one[name]), rtol=rtol,
                                   err_msg=name)


@given(seed=SEEDS)
@FEW
def test_transport_is_the_same_in_any_direction_place_frame_and_order(tmp_path, seed):
    rng = np.random.default_rng(seed)
    path, host = walked(seed % 3)
    here = measured(tmp_path, path, host, CELL)
    moved, drift = rng.normal(0, 20, 3), np.cumsum(rng.normal(0, 0.02, (FRAMES, 1, 3)), axis=0)
    same(here, measured(tmp_path, path + moved, host + moved, CELL))
    same(here, measured(tmp_path, path + drift, host + drift[:, 0], CELL))
    same(here, measured(tmp_path, path[:, rng.permutation(IONS)], host, CELL))
    turn = turned(rng)
    there = measured(tmp_path, path @ turn, host @ turn, CELL @ turn)
    # windows are chosen on noise that turning redraws among the axes: values stay, to a part
    same({name: here[name][:1] for name in WHAT}, {name: there[name][:1] for name in WHAT},
         rtol=1e-3)


@given(length=st.floats(0.8, 1.6), time=st.floats(0.2, 20), seed=SEEDS)
@FEW
def test_transport_follows_the_units_of_length_and_time(tmp_path, length, time, seed):
    path, host = walked(seed % 3)
    here = measured(tmp_path, path, host, CELL)
    there = measured(tmp_path, length * path, length * host, length * CELL, time, length * JUMP)
    scale = length**2 / time
    factors = {"self": scale, "total": scale, "haven": 1.0,
               "sigma_self": scale / length**3, "sigma_total": scale / length**3}
    same({name: here[name][:1] for name in WHAT}, {name: there[name][:1] for name in WHAT}, factors)
    same(here, there, factors, rtol=0.05)  # a stay must last a time that no unit changes: jumps


def test_ions_doubled_with_their_cell_move_together(tmp_path):
    """D of single ions and the carriers' density stay; the sum moves twice as fast for each ion."""
    path, host = walked(1)
    here = measured(tmp_path, path, host, CELL)
    both = np.concatenate([path, path + CELL[0]], axis=1)
    there = measured(tmp_path, both, host, CELL * [[2.0], [1.0], [1.0]])
    for name, factor in (("self", 1), ("total", 2), ("haven", 0.5), ("sigma_self", 1),
                         ("sigma_total", 2)):
        assert there[name][0] == pytest.approx(factor * here[name][0], rel=0.02), name


@given(charge=st.floats(0.5, 3), temperature=st.floats(100, 2000), count=st.integers(1, 500))
@FEW
def test_conductivity_goes_with_density_charge_squared_and_inverse_temperature(
    charge, temperature, count
):
    one = nernst_einstein(1e-6, 1, 1000.0, 300.0, 1.0)
    many = nernst_einstein(1e-6, count, 1000.0, temperature, charge)
    assert many == pytest.approx(one * count * charge**2 * 300.0 / temperature, rel=1e-12)
    assert one == pytest.approx(  # n e^2 D / (k T) in SI, as mS/cm
        1e27 * 1.602176634e-19**2 * 1e-10 / (1.380649e-23 * 300.0) * 10, rel=1e-9)


def distances(symbols, positions, cell) -> np.ndarray:
    table = rdf_table(symbols, [(positions, cell)] * 2, 7.0, 70)
    return table[["g", "coordination", "coordination_reverse"]].to_numpy()


@given(seed=SEEDS)
@FEW
def test_radial_distributions_see_distances_alone(seed):
    rng = np.random.default_rng(seed)
    cell = np.array([[9.0, 0, 0], [1.5, 8, 0], [-2, 1, 10]]) + rng.normal(0, 0.3, (3, 3))
    symbols = ["Li"] * 5 + ["Cl"] * 7
    positions = rng.random((12, 3)) @ cell
    here = distances(symbols, positions, cell)
    turn, shift = turned(rng), rng.normal(0, 30, 3)
    order = np.concatenate([rng.permutation(5), 5 + rng.permutation(7)])
    other = np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]])  # another cell of the same lattice
    wrapped = positions + rng.integers(-2, 3, (12, 3)) @ cell
    mixed = rng.permutation(12)
    for there in (distances(symbols, positions @ turn, cell @ turn),
                  distances(symbols, positions + shift, cell),
                  distances(symbols, positions[order], cell),
                  distances([symbols[i] for i in mixed], positions[mixed], cell),
                  distances(symbols, wrapped, cell), distances(symbols, positions, other @ cell)):
        np.testing.assert_allclose(there, here, atol=1e-9)
    repeat = np.array([2, 1, 2])
    images = (np.array(list(np.ndindex(*repeat))) @ cell)[:, None] + positions
    there = distances(symbols * 4, images.reshape(-1, 3), cell * repeat[:, None])
    np.testing.assert_allclose(there, here, atol=1e-9)


@cache
def crystal():
    return load_material(MATERIAL)


@cache
def lattice():
    return site_lattice(crystal(), crystal().cell * np.array([2.0, 1.0, 2.0])[:, None])


def jumping(seed: int) -> np.ndarray:
    """Return positions (T, N, 3) of ions that jump between neighbouring sites of the crystal."""
    rng = np.random.default_rng(seed)
    here = lattice()
    at = rng.choice(len(here.centres), 6, replace=False)
    place = here.centres[at].copy()
    path = np.empty((300, 6, 3))
    for t in range(300):
        if t % 30 == 15:
            ion = int(rng.integers(6))
            step = minimum_image(here.centres - here.centres[at[ion]], here.cell)
            far = np.linalg.norm(step, axis=1)
            two = int(rng.choice(np.flatnonzero((far > 0.1) & (far < 1.3 * here.spacing))))
            at[ion], place[ion] = two, place[ion] + step[two]
        path[t] = place
    return path + rng.normal(0, 0.1, path.shape)


def counted(path, host=None, time=0.1, residence=1.0) -> list[tuple]:
    drift = np.zeros((len(path), 3)) if host is None else host
    core = hopping.core_radius(lattice(), 0.4)
    found = hopping.find_hops(lattice(), path, drift, time * np.arange(len(path)), residence, core)
    return sorted(hopping.classify(lattice(), found.first, found.second))


@given(seed=SEEDS)
@FEW
def test_hops_are_the_same_in_any_cell_order_drift_and_unit_of_time(seed):
    rng = np.random.default_rng(seed)
    path = jumping(seed)
    here = counted(path)
    assert len(here) >= 5
    shift = rng.integers(-3, 4, 3) @ lattice().conventional
    assert counted(path + shift) == here
    assert counted(path[:, rng.permutation(6)]) == here
    drift = np.cumsum(rng.normal(0, 0.02, (300, 3)), axis=0)
    drift -= drift[0]
    assert counted(path + drift[:, None], drift) == here
    assert counted(path, time=7.0, residence=70.0) == here
    back = counted(path[::-1])  # each jump the other way
    assert sorted((kind, two, one, name) for kind, one, two, name in back) == here


def frames_of(images) -> list:
    return check_frames(images, Path("x.u4.extxyz"), 4.0, SPECIES)


@cache
def audited() -> tuple[list, list[str]]:
    """Return labelled frames, some with faults, and what the audit says of each."""
    frames = [frame for seed in range(3) for frame in frames_of(labelled(seed, 5, rattle=0.05))]
    spoilt = {1: replace(frames[1], energy=frames[1].energy + 40.0),
              4: replace(frames[4], forces=50 * frames[4].forces),
              7: replace(frames[7], moments=0.1 * frames[7].moments),
              9: replace(frames[9], info={**frames[9].info, "converged": False}),
              12: replace(frames[12], stress=frames[12].stress + np.eye(3))}
    frames = [spoilt.get(number, frame) for number, frame in enumerate(frames)]
    reasons = audit(frames, Limits())
    assert sum(map(bool, reasons)) == len(spoilt)
    return frames, reasons


def changed(frame, positions, cell, forces, stress, order=None):
    """Return a frame with other positions, cell, forces and stress, its atoms in an order."""
    order = np.arange(len(frame.atoms)) if order is None else order
    atoms = Atoms(frame.atoms.numbers[order], positions[order], cell=cell, pbc=True)
    return replace(frame, atoms=atoms, forces=forces[order], stress=stress,
                   moments=frame.moments[order])


@given(seed=SEEDS)
@FEW
def test_the_audit_of_labels_sees_no_direction_place_order_or_choice_of_cell(seed):
    rng = np.random.default_rng(seed)
    frames, reasons = audited()
    turn, shift, order = turned(rng), rng.normal(0, 9, 3), rng.permutation(len(frames[0].atoms))

    def kinds(found) -> list[str]:
        return [reason.split(":")[0].split(" of ")[0] for reason in found]

    for act in (
        lambda f: changed(f, f.atoms.positions @ turn, f.atoms.cell.array @ turn, f.forces @ turn,
                          turn.T @ f.stress @ turn),
        lambda f: changed(f, f.atoms.positions + shift, f.atoms.cell.array, f.forces, f.stress),
        lambda f: changed(f, f.atoms.positions, f.atoms.cell.array, f.forces, f.stress, order),
        lambda f: changed(f, f.atoms.positions, np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]])
                          @ f.atoms.cell.array, f.forces, f.stress),
    ):
        there = audit([act(frame) for frame in frames], Limits())
        assert kinds(there) == kinds(reasons)
    mixed = rng.permutation(len(frames))
    there = audit([frames[i] for i in mixed], Limits())
    assert kinds(there) == kinds([reasons[i] for i in mixed])


@given(seed=SEEDS, repeat=st.tuples(*[st.integers(1, 2)] * 3))
@FEW
def test_occupancies_and_coulomb_energy_of_a_supercell_are_those_of_its_cells(seed, repeat):
    material, cells = crystal(), int(np.prod(repeat))
    counts = framework_counts(material, "calculated_750", 8 * cells)
    one = framework_counts(material, "calculated_750", 8)
    assert counts == {e: {s: cells * n for s, n in by.items()} for e, by in one.items()}
    order = order_cations(material, (1, 1, 1), "default", seed % 1000, sweeps=0)
    single = lattice_energy(material, (1, 1, 1), order)
    _, letters = cation_lattice(material, (1, 1, 1))
    places = {}
    fractional, _ = cation_lattice(material, (1, 1, 1))
    for place, symbol in zip(fractional, order, strict=True):
        places[tuple(np.round(place % 1.0, 4))] = symbol
    many, _ = cation_lattice(material, repeat)
    repeated = np.array([places[tuple(np.round(place % 1.0, 4))] for place in many], order.dtype)
    assert len(letters) * cells == len(repeated)
    assert lattice_energy(material, repeat, repeated) == pytest.approx(cells * single, rel=1e-6)


def transport(folder: Path, files: list[Path], threads: int) -> dict:
    import pandas as pd

    out = folder / f"out{threads}_{files[0].name}"
    subprocess.run(
        [sys.executable, str(ROOT / "bin" / "analyse_transport.py"), *map(str, files), "--species",
         "Li", "--temperature_k", "600", "--frame_spacing_ps", "1", "--no-pictures", "--name", "a",
         "--out", str(out)], check=True, capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads),
             "OPENBLAS_NUM_THREADS": str(threads)})
    return {path.name.split(".")[-2]: pd.read_parquet(path).drop(columns=[], errors="ignore")
            for path in sorted(out.glob("*.parquet"))}


def test_pieces_of_a_run_in_any_order_and_any_threads_give_the_same_tables(tmp_path):
    path, _ = walked(2)
    host = np.array(list(np.ndindex(2, 2, 2))) * 6.0 + 1.5
    pieces = []
    for number, start in enumerate((0, 130, 260)):
        lines = []
        for t in range(start, start + 130):
            lines += ["ITEM: TIMESTEP", str(1000 * t), "ITEM: NUMBER OF ATOMS", str(IONS + 8),
                      "ITEM: BOX BOUNDS pp pp pp", *["0 12"] * 3, "ITEM: ATOMS id element xu yu zu"]
            everything = [("Li", xyz) for xyz in path[t]] + [("Cl", xyz) for xyz in host]
            lines += [f"{i + 1} {s} " + " ".join(f"{x:.5f}" for x in xyz)
                      for i, (s, xyz) in enumerate(everything)]
        pieces.append(tmp_path / f"part{number}.dump")
        pieces[-1].write_text("\n".join(lines) + "\n")
    one = transport(tmp_path, pieces, 1)
    two = transport(tmp_path, [pieces[2], pieces[0], pieces[1]], 2)
    assert set(one) == set(two) and len(one["diffusion"]) > 3
    for name, table in one.items():
        assert table.equals(two[name]), name
