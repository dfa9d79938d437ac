"""Runs of a folder: mobile species of one material are fitted apart, and no run counts twice."""

from __future__ import annotations

import logging
import re
import shutil

import analyse_transport
import fit_arrhenius
import numpy as np
import pandas as pd
import pytest
import walks

from haven.core import tables
from haven.core.errors import HavenError, log
from haven.trajectory import trajectory
from haven.transport.command import command
from haven.transport.fits import folder, reading
from haven.transport.tables import CONDUCTIVITY, DIFFUSION

FRAMES = 250
RATES = {"Li": {500: 0.02, 600: 0.05, 700: 0.1}, "Na": {500: 0.25, 600: 0.3, 700: 0.35}}


def container(place, kelvin, symbol, rate, ions=40, seed=0):
    """Write a container of walkers, and return the file."""
    rng = np.random.default_rng(kelvin + ord(symbol[0]) + seed)
    path = walks.lattice_walk(rng, ions, FRAMES, rate) + 0.5
    return trajectory.write_npz(place / f"{symbol}_{kelvin}K.npz", {
        "time_ps": np.arange(FRAMES) * 1.0, "mobile_angstrom": path.astype(np.float32),
        "host_centre_angstrom": np.zeros((FRAMES, 3)), "cell_angstrom": np.eye(3) * 30,
        "mobile_symbol": np.array(symbol)}, {})


def analyse(*options):
    analyse_transport.main([*map(str, options), "--jump_angstrom", "3", "--no-pictures"])


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Tables of Li and of Na in one crystal, each analysed alone, under one name of the crystal."""
    place = tmp_path_factory.mktemp("both")
    for symbol, rates in RATES.items():
        for kelvin, rate in rates.items():
            analyse(container(place, kelvin, symbol, rate), "--material", "LNC", "--out", place)
    return place


def test_two_mobile_species_under_one_name_are_fitted_apart(both, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger=log.name):
        fit_arrhenius.main([str(both), "--out", str(tmp_path / "fit")])
    assert "LNC has runs of Li and of Na: they are fitted apart, as LNC (Li) and" in caplog.text
    assert "LNC (Na), 600 K: 1 run" in caplog.text
    joined = tables.read("joined", tmp_path / "fit/joined.parquet")
    lines = tables.read("arrhenius", tmp_path / "fit/arrhenius.parquet")
    lines = lines.set_index(["material", "quantity"])
    for symbol in RATES:
        alone = tmp_path / symbol
        alone.mkdir()
        for path in both.glob(f"{symbol}_*"):
            shutil.copy(path, alone)
        fit_arrhenius.main([str(alone), "--out", str(alone / "fit")])
        ours = joined[joined["material"] == f"LNC ({symbol})"].reset_index(drop=True)
        theirs = tables.read("joined", alone / "fit/joined.parquet")
        assert set(theirs["material"]) == {"LNC"} and len(ours) == len(theirs) == 18
        pd.testing.assert_frame_equal(ours.drop(columns="material"),
                                      theirs.drop(columns="material"))
        line = tables.read("arrhenius", alone / "fit/arrhenius.parquet").set_index("quantity")
        for quantity in line.index:
            assert lines.loc[(f"LNC ({symbol})", quantity), "activation_ev"] == pytest.approx(
                line.loc[quantity, "activation_ev"])


def test_modes_of_a_species_without_tables_are_not_taken_for_those_of_the_other(
        both, tmp_path, caplog):
    shutil.copytree(both, tmp_path / "half")
    for path in (tmp_path / "half").glob("Na_*.parquet"):
        path.unlink()
    fit_arrhenius.main([str(tmp_path / "half"), "--out", str(tmp_path)])
    assert "3 files *.modes.npz of runs that no table has" in caplog.text
    joined = tables.read("joined", tmp_path / "joined.parquet")
    hops = tables.read(DIFFUSION, *both.glob("Li_*.diffusion.parquet"))["hop_events"]
    assert set(joined["hop_events"]) == set(hops) and set(joined["material"]) == {"LNC"}


def test_lines_of_species_in_one_command_are_drawn_each(tmp_path):
    files = [container(tmp_path, kelvin, symbol, rate)
             for symbol, rates in RATES.items() for kelvin, rate in rates.items()]
    out = tmp_path / "out"
    analyse(*files, "--material", "LNC", "--out", out)
    drawn = []

    def draw(fits, points, material, path):
        drawn.append((material, path.name))
        assert len(fits[fits["material"] == material]) == 4
        assert sum(row["material"] == material for row in points) == 6

    points = reading.read_runs(out).conductivity.to_dict("records")
    command.draw_lines(points, out, draw)
    assert drawn == [("LNC (Li)", "arrhenius_LNC_Li.png"), ("LNC (Na)", "arrhenius_LNC_Na.png")]


def test_a_table_that_mixes_species_is_refused(both, tmp_path):
    for what in (DIFFUSION, CONDUCTIVITY):
        rows = tables.read(what, *sorted(both.glob(f"*.{what.name}.parquet")))
        tables.write(what, rows, tmp_path / f"{what.name}.parquet")
    with pytest.raises(HavenError, match="does not say which conductivities of LNC are of Li and"):
        reading.read_runs(tmp_path)


def test_a_material_fitted_apart_keeps_the_speed_of_its_dynamics():
    names = {("LNC", "Li"): "LNC (Li)", ("LNC", "Na"): "LNC (Na)"}
    assert folder._speeds({("LNC", 0.0): 3.0, ("m", 4.0): 2.0}, names) == {
        ("LNC", 0.0): 3.0, ("m", 4.0): 2.0, ("LNC (Li)", 0.0): 3.0, ("LNC (Na)", 0.0): 3.0}


def test_two_runs_of_one_replica_are_refused_with_both_files_and_the_advice_works(tmp_path):
    runs = []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        runs.append(container(tmp_path / str(seed), 600, "Li", 0.1, seed=seed))
    common = ("--material", "m", "--out")
    analyse(runs[0], *common, tmp_path / "twice")
    with pytest.raises(HavenError, match="give another --replica") as refused:
        analyse(runs[1], *common, tmp_path / "twice")
    assert "\n" not in str(refused.value)
    analyse(runs[1], *common, tmp_path / "twice", "--name", "b")
    words = re.escape("Li_600K_Li_600K.diffusion.parquet and b.diffusion.parquet: two runs of Li "
                      "in m at 600 K, replica 0, seed 1: ")
    with pytest.raises(HavenError, match=words):
        fit_arrhenius.main([str(tmp_path / "twice"), "--out", str(tmp_path)])
    for path in (tmp_path / "twice").glob("b.*.parquet"):
        path.unlink()  # its modes would still count as the other run's
    with pytest.raises(HavenError, match=r"Li_600K_Li_600K\.modes\.npz and b\.modes\.npz"):
        fit_arrhenius.main([str(tmp_path / "twice"), "--out", str(tmp_path)])
    analyse(runs[0], *common, tmp_path / "once")
    analyse(runs[1], *common, tmp_path / "once", "--replica", "1")
    analyse(*runs, *common, tmp_path / "command")
    for place in ("once", "command"):
        fit_arrhenius.main([str(tmp_path / place), "--out", str(tmp_path / place / "fit")])
        joined = tables.read("joined", tmp_path / place / "fit/joined.parquet")
        assert set(joined["runs"]) == {2}
