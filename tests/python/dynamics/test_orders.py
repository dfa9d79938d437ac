"""Runs start from the order of an anneal that their temperature expects, and are judged by it."""

from __future__ import annotations

import numpy as np
import pytest
from analytic import crystal
from ase.io import write

from haven.core.constants import BOLTZMANN_EV_PER_K
from haven.core.series import HALVES_DIFFER, compare_halves, spread_of
from haven.dynamics import orders
from haven.dynamics.runs.stationary import LEVEL
from haven.material.structures import read_structures

SNAPSHOTS = 16
SPECIES = ("Li", "Ti", "Cl")


def fluctuating(rng, count, times, runs=1):
    """Return ``runs`` series of unit variance that forget themselves within 1/``times`` of each."""
    keep = np.exp(-times / count)
    series = np.empty((runs, count))
    series[:, 0] = rng.normal(size=runs)
    for step in range(1, count):
        series[:, step] = keep * series[:, step - 1] + rng.normal(size=runs) * np.sqrt(1 - keep**2)
    return series


@pytest.mark.parametrize("times", [0.3, 1, 2, 4, 8, 20])
def test_slow_fluctuations_are_not_called_a_trend(rng, times):
    runs = fluctuating(rng, SNAPSHOTS, times, 800)
    called = np.mean([not compare_halves(run, LEVEL, 1.0).agree for run in runs])
    assert called < 0.015
    blind = np.mean([not compare_halves(run, LEVEL).agree for run in runs])
    assert blind > 0.1 or times > 4  # without the spread, every tenth run and more would be


@pytest.mark.parametrize("times", [0.5, 2, 4])
def test_ions_that_were_not_annealed_are_found(rng, times):
    relax = 12 * np.exp(-np.linspace(0, max(times, 2), SNAPSHOTS))
    called = np.mean([not compare_halves(run + relax, LEVEL, 1.0).agree
                      for run in fluctuating(rng, SNAPSHOTS, times, 400)])
    assert called > 0.8


@pytest.mark.parametrize("times", [0.1, 0.5, 2, 4, 10, 60])
def test_halves_of_a_stationary_series_differ_by_no_more_than_said(rng, times):
    runs = fluctuating(rng, 64, times, 4000)
    apart = runs[:, 32:].mean(axis=1) - runs[:, :32].mean(axis=1)
    assert apart.std() < 1.04 * HALVES_DIFFER
    if times == 4:
        assert apart.std() > 0.9 * HALVES_DIFFER


def test_spread_of_a_short_correlated_series_is_not_too_small(rng):
    runs = fluctuating(rng, 60, 12, 400)
    assert np.sqrt(np.mean([spread_of(run) ** 2 for run in runs])) == pytest.approx(1, abs=0.06)
    assert np.sqrt(np.mean(runs.var(axis=1))) < 0.96
    assert spread_of(np.array([2.0])) == 0.0


def annealed(rng, spread=0.4, mean=-300.0, temperature_k=750.0, count=80):
    energies = np.concatenate([np.full(count // 2, mean + 4.0),  # of the half that is not settled
                               rng.normal(mean, spread, count - count // 2)])
    rows, known = orders.settled_orders(energies, temperature_k)
    images = []
    for row, info in zip(rows, known, strict=True):
        atoms = crystal(1)
        atoms.positions[0, 0] += 0.01 * row  # tells them apart
        atoms.info = dict(info)
        images.append(atoms)
    return energies, images


def test_orders_are_of_the_settled_half_from_high_to_low(rng):
    energies, images = annealed(rng)
    found = [image.info[orders.ENERGY] for image in images]
    assert len(found) == orders.KEPT and (np.diff(found) < 0).all()
    assert found[-1] == energies.min() and found[0] == energies[40:].max()
    assert images[0].info[orders.MEAN] == pytest.approx(energies[40:].mean())


def test_a_run_starts_from_the_order_its_temperature_expects(rng, tmp_path):
    _, images = annealed(rng)
    path = tmp_path / "u4_r0.annealed.extxyz"
    write(path, images)
    starts = {t: orders.nearest_order(read_structures(path, SPECIES), t)
              for t in (300.0, 600.0, 750.0, 800.0)}
    energy = {t: start.info[orders.ENERGY] for t, start in starts.items()}
    found = [image.info[orders.ENERGY] for image in images]
    assert energy[300.0] == pytest.approx(min(found))
    assert energy[300.0] <= energy[600.0] <= energy[750.0] <= energy[800.0]
    assert abs(energy[750.0] - images[0].info[orders.MEAN]) < 0.25
    assert energy[600.0] < energy[800.0]


def test_the_mean_energy_falls_by_the_heat_capacity_of_the_fluctuations():
    """Of independent two-level ions, whose mean and variance at each temperature are known."""
    gap, ions = 0.06, 48

    def level(kelvin):
        share = 1 / (1 + np.exp(gap / (BOLTZMANN_EV_PER_K * kelvin)))
        return ions * gap * share, ions * gap**2 * share * (1 - share)

    mean, variance = level(750.0)
    for colder in (740.0, 700.0, 800.0):
        told = orders.expected_energy(mean, variance**0.5, 750.0, colder)
        assert told - mean == pytest.approx(level(colder)[0] - mean, rel=0.12)


def test_a_structure_that_no_anneal_made_is_taken_as_it_is(tmp_path, rng):
    path = tmp_path / "one.extxyz"
    write(path, crystal(1))
    one = read_structures(path, SPECIES)
    assert len(one) == 1 and orders.nearest_order(one, 600.0) is one[0]
    assert orders.spread_at(crystal(1), 600.0) == 0.0
    _, images = annealed(rng)
    assert orders.spread_at(images[0], 375.0) == pytest.approx(images[0].info[orders.SPREAD] / 2)
    for spoilt in (float("nan"), "much", -1.0):
        images[2].info[orders.SPREAD] = spoilt
        assert orders.nearest_order(images, 600.0) is images[-1]


def test_an_order_is_brought_into_the_cell_at_rest(rng):
    _, images = annealed(rng)
    images[-1].set_cell(images[-1].cell * 1.02, scale_atoms=True)
    start = orders.nearest_order(images, 790.0)
    np.testing.assert_allclose(start.cell, images[-1].cell)
    assert start.info[orders.ENERGY] != images[-1].info[orders.ENERGY]
    inside = start.get_scaled_positions(wrap=False)
    assert (inside > -1e-9).all() and (inside < 1 + 1e-9).all()
