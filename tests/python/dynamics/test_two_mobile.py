"""Two mobile elements: neither is a part of the host that the motion of both is relative to."""

from __future__ import annotations

import numpy as np
import pytest
import run_dynamics
import yaml
from ase.data import atomic_masses, atomic_numbers
from ase.io import write
from pairs import write_pair

from haven.dynamics.job import Job, key_of_run
from haven.material.disorder import draw_supercell
from haven.material.file import load_material
from haven.trajectory.trajectory import read_members

CRYSTAL = {
    "name": "lina", "formula": "LiNaMgCl4", "space_group": "P1",
    "lattice": {**{f"{one}_angstrom": 5.4 for one in "abc"},
                **{f"{one}_degree": 90.0 for one in ("alpha", "beta", "gamma")}},
    "centring": [[0.0, 0.0, 0.0]], "mobile": ["Li", "Na"],
    "charges": {"Li": 1, "Na": 1, "Mg": 2, "Cl": -1},
    "anion_sites": {"4b": {"species": "Cl", "positions": [
        [0.5, 0.5, 0.5], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5]]}},
    "cation_sites": {"4a": {"positions": [
        [0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]}},
    "occupancies": {"default": {"Mg": {"4a": 0.25}}},
    "ordering": {"temperature_k": 500, "permittivity": 10},
}


def centre(held, elements):
    """Return the centre of mass (T, 3) of elements in the frames of all atoms."""
    symbols = held["symbols"].astype(str)
    mass = np.array([atomic_masses[atomic_numbers[one]] for one in symbols])
    mass *= np.isin(symbols, elements)
    return np.einsum("tak,a->tk", held["all_angstrom"].astype(float), mass) / mass.sum()


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    material = folder / "lina.yml"
    material.write_text(yaml.safe_dump(CRYSTAL))
    atoms, _ = draw_supercell(load_material(material), (2, 2, 2), "default", seed=1, sweeps=5)
    write(folder / "start.extxyz", atoms)
    pair = write_pair(folder, "u0_s1.pair", cutoff_angstrom=5.3,
                      charges={"Li": 0.4, "Na": 0.4, "Mg": 0.8, "Cl": -0.4},
                      radii_angstrom={"Li": 0.68, "Na": 1.0, "Mg": 0.72, "Cl": 1.40})
    run_dynamics.main([
        "--material", str(material), "--structure", str(folder / "start.extxyz"), "--potentials",
        str(pair), "--u_ev", "0", "--temperature_k", "500", "--replica", "0", "--cell", "material",
        "--equilibration_ps", "0.1", "--production_ps", "1", "--dump_ps", "0.02", "--all_every",
        "5", "--checkpoint_dir", str(folder / "checkpoints"), "--out", str(folder)])
    return folder


def test_the_host_is_the_framework_that_the_file_names(ran):
    held = read_members(ran / "u0_t500_r0.trajectory.npz")
    assert held["framework"].tolist() == ["Cl", "Mg"] and str(held["mobile_symbol"]) == "Li"
    rows = np.searchsorted(held["time_ps"], held["all_time_ps"] - 1e-6)
    told = held["host_centre_angstrom"][rows]
    for elements, most in ((["Cl", "Mg"], 1e-4), (["Cl", "Mg", "Na"], None)):
        here = centre(held, elements)
        apart = np.abs((here - here[0]) - (told - told[0])).max()
        assert apart < most if most else apart > 1e-3, elements
    apart = held["barycentre_angstrom"][rows] - centre(held, ["Li", "Na", "Mg", "Cl"])
    assert np.abs(apart - apart[0]).max() < 1e-4


def test_a_second_mobile_element_is_another_run_and_none_keeps_the_key():
    job = Job(300.0, 2.0, 100.0, 0, 10, 1, 1, 1, (), ("Li", "Na", "Cl"), "Li")
    assert job.host == ("Na", "Cl")
    assert key_of_run(job, "x") != key_of_run(Job(**{**job.__dict__, "beside": ("Na",)}), "x")
    assert Job(**{**job.__dict__, "beside": ("Na", "Cl")}).host == ("Na", "Cl")  # none is left
