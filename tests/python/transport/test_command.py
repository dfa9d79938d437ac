"""The command ``./haven transport``: several files, species and temperatures, and what it says."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import analyse_transport
import numpy as np
import pandas as pd
import pytest

from haven.core import tables
from haven.core.errors import HavenError, log
from haven.core.numbers import percent
from haven.trajectory import all_atoms, trajectory
from haven.trajectory import said as said_of
from haven.trajectory.wanted import Wanted
from haven.transport.command import files
from haven.transport.conductivity import nernst_einstein
from haven.transport.tables import CONDUCTIVITY, DIFFUSION, JOINED, ONSAGER

SIDE, CELLS, FRAMES = 3.0, 4, 300
GRID = np.array(list(np.ndindex(CELLS, CELLS, CELLS))) * SIDE
CELL = np.eye(3) * SIDE * CELLS


def dump(path, symbols, positions, steps=None, time=None, cell=CELL, low=None, units="metal"):
    """Write unwrapped positions (T, N, 3) as LAMMPS does, ITEM: TIME before ITEM: TIMESTEP."""
    lines = [] if time is None else ["ITEM: UNITS", units]
    for t, frame in enumerate(positions):
        if time is not None:
            lines += ["ITEM: TIME", f"{time * t:g}"]
        lines += ["ITEM: TIMESTEP", str(steps[t] if steps is not None else 1000 * t),
                  "ITEM: NUMBER OF ATOMS", str(len(symbols)), "ITEM: BOX BOUNDS pp pp pp",
                  *(f"0 {edge:g}" for edge in np.diag(cell)), "ITEM: ATOMS id element xu yu zu"]
        lines += [f"{i + 1} {s} {x:.5f} {y:.5f} {z:.5f}"
                  for i, (s, (x, y, z)) in enumerate(zip(symbols, frame, strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def run(seed, rate=0.2, species=("Li",), still="Cl", turning=False, frames=FRAMES):
    """Return symbols and positions of 32 walkers of each species in a host that rattles."""
    rng = np.random.default_rng(seed)
    ions = 32 * len(species)
    ways = np.concatenate([np.eye(3), -np.eye(3)])[rng.integers(6, size=(frames, ions))]
    ways *= (rng.random((frames, ions)) < rate)[..., None]  # one jump a frame at most
    path = np.tile(GRID[:32], (len(species), 1)) + SIDE * np.cumsum(ways, axis=0)
    host = np.repeat((GRID + 1.5)[None], frames, axis=0)
    symbols = [s for s in species for _ in range(32)] + [still] * len(GRID)
    if turning:
        arms = rng.normal(size=(frames, len(GRID), 3))
        host = host + 2.1 * arms / np.linalg.norm(arms, axis=2, keepdims=True)
    positions = np.concatenate([path, host], axis=1)
    return symbols, positions + rng.normal(0, 0.05, positions.shape)


@pytest.fixture()
def said(caplog):
    """Return a function that calls the command and gives the lines it says."""
    def call(*arguments):
        caplog.clear()
        with caplog.at_level(logging.INFO, logger=log.name):
            analyse_transport.main(["--no-pictures", *map(str, arguments)])
        return [record.getMessage() for record in caplog.records]
    return call


def test_frames_sigma_and_verdict_are_said_and_written_as_csv(tmp_path, said):
    path = dump(tmp_path / "walk_600K.lammpstrj", *run(1), time=1.0)
    lines = said(path, "--species", "Li", "--out", tmp_path / "out")
    assert "300 frames, 1 ps apart (299 ps), 32 Li of 96 atoms" in lines[0]
    assert "LiCl2, 600 K" in lines[0]
    for name in ("D_self", "D_total", "Haven ratio", "sigma_self", "sigma_total", "sigma_total, z"):
        assert any(line.startswith(f"  {name}  ") and "(diffusive" in line for line in lines), name
    for what in (DIFFUSION, CONDUCTIVITY, ONSAGER):
        (parquet,) = (tmp_path / "out").glob(f"*.{what.name}.parquet")
        left, right = tables.read(what, parquet), pd.read_csv(parquet.with_suffix(".csv"))
        assert len(left) == len(right) > 0 and list(left["verdict"]) == list(right["verdict"])
    assert not list((tmp_path / "out").glob("*.lammpstrj*.npz"))


@pytest.mark.parametrize("key, values, runs", [
    ("seed", (1, 2), {2, 1}), ("u_ev", (0.0, 4.0), {1}), ("replica", (0, 1), {2})])
def test_runs_of_one_temperature_that_differ_in_one_key_are_joined(tmp_path, key, values, runs):
    paths, places, still = [], np.arange(FRAMES) * 1.0, np.zeros((FRAMES, 3))
    for value in values:
        meta = {"material": "m", "temperature_k": 600.0, "u_ev": 0.0, "replica": 0, "seed": 1}
        paths.append(trajectory.write_npz(tmp_path / f"{key}{value}.npz", {
            "time_ps": places, "mobile_angstrom": run(5)[1][:, :32].astype(np.float32),
            "host_centre_angstrom": still, "cell_angstrom": CELL,
            "mobile_symbol": np.array("Li")}, {**meta, key: value}))
    analyse_transport.main(["--no-pictures", *map(str, paths), "--out", str(tmp_path / "out")])
    found = tables.read(JOINED, tmp_path / "out" / "joined.parquet")
    assert set(found["runs"]) == runs
    assert set(found["u_ev"]) == (set(values) if key == "u_ev" else {0.0})


@pytest.mark.parametrize("given", ["0.001", "1.02", "500"])
def test_a_spacing_that_contradicts_the_file_is_refused_with_both(tmp_path, given):
    path = dump(tmp_path / "walk_600K.lammpstrj", *run(1, frames=30), time=1000.0, units="real")
    with pytest.raises(HavenError, match=rf"1 ps apart, --frame_spacing_ps says {given} ps"):
        analyse_transport.main([str(path), "--species", "Li", "--timestep_ps", given,
                                "--out", str(tmp_path)])
    analyse_transport.main([str(path), "--species", "Li", "--frame_spacing_ps", "1.001", "--out",
                            str(tmp_path / "out"), "--no-pictures"])


def test_ions_faster_than_heat_are_refused(tmp_path):
    path = dump(tmp_path / "walk_600K.lammpstrj", *run(1, frames=60), steps=range(60))
    with pytest.raises(HavenError, match=r"frames said to be 0\.001 ps apart; heat at 600 K"):
        analyse_transport.main([str(path), "--species", "Li", "--frame_spacing_ps", "0.001",
                                "--out", str(tmp_path)])


def test_two_mobile_species_are_judged_and_their_currents_added(tmp_path, said):
    symbols, positions = run(2, species=("Li", "Na"))
    path = dump(tmp_path / "both.lammpstrj", symbols, positions, time=1.0)
    common = (path, "--temperature_k", "600", "--out", tmp_path / "out")
    alone = said(*common, "--species", "Li")
    assert any("name all of them with --species" in line for line in alone)
    assert any("no value  (unstable: the run is melted)" in line for line in alone)
    lines = said(*common, "--species", "Li,Na")
    assert any("sigma_ij Li, Na" in line and "(diffusive" in line for line in lines)
    (together,) = (tmp_path / "out").glob("*Li+Na*.onsager.parquet")
    rows = tables.read(ONSAGER, together)
    total = rows[(rows["quantity"] == "sigma_total") & (rows["axis"] == "xyz")].iloc[0]
    true = nernst_einstein(0.2 * SIDE**2 / 6 * 1e-4, 64, float(np.linalg.det(CELL)), 600.0)
    assert total["low_95"] <= true <= total["high_95"]
    cross = rows[(rows["quantity"] == "sigma_ij") & (rows["species"] != rows["other_species"])]
    assert cross["low_95"].iloc[0] <= 0 <= cross["high_95"].iloc[0]
    parts = rows[rows["quantity"] == "sigma_ij"]["value"].to_numpy() * [1, 1, 2]
    assert abs(parts.sum() - total["value"]) < 0.15 * total["value"]
    names = {row.name for row in (tmp_path / "out").glob("*.diffusion.parquet")}
    assert len(names) == 2  # the second species did not write over the first


def test_turning_anions_are_no_melt_and_a_melt_is(tmp_path, said):
    path = dump(tmp_path / "turning_600K.lammpstrj", *run(3, turning=True), time=1.0)
    lines = said(path, "--species", "Li", "--out", tmp_path / "turning")
    assert any("groups that turn in place, no melt" in line for line in lines)
    assert any("D_self" in line and "(diffusive" in line for line in lines)
    symbols, positions = run(3)
    rng = np.random.default_rng(0)
    positions[:, 32:] += np.cumsum(rng.normal(0, 0.2, positions[:, 32:].shape), axis=0)
    path = dump(tmp_path / "molten_600K.lammpstrj", symbols, positions, time=1.0)
    lines = said(path, "--species", "Li", "--out", tmp_path / "molten")
    assert any("no number: the host (Cl) is no solid" in line for line in lines)


def test_pieces_of_a_run_are_read_as_one_and_replicas_joined(tmp_path, said):
    symbols, positions = run(4)
    steps = np.arange(FRAMES) * 1000
    first = dump(tmp_path / "b.dump", symbols, positions[:180], steps[:180])
    rest = dump(tmp_path / "a.dump", symbols, positions[150:], steps[150:])
    whole = dump(tmp_path / "whole.dump", symbols, positions, steps)
    common = ("--species", "Li", "--temperature_k", "600", "--frame_spacing_ps", "1")
    lines = said(rest, first, *common, "--out", tmp_path / "pieces")
    assert any("pieces of one run" in line for line in lines)
    assert any("30 frames stand there again after a restart" in line for line in lines)
    said(whole, *common, "--out", tmp_path / "whole")
    values = [tables.read(DIFFUSION, *(tmp_path / folder).glob("*.diffusion.parquet"))["value"]
              for folder in ("pieces", "whole")]
    np.testing.assert_allclose(values[0].astype(float), values[1].astype(float))
    other = dump(tmp_path / "other.dump", *run(5))
    lines = said(whole, other, *common, "--out", tmp_path / "replicas")
    assert any("taken as 2 runs" in line for line in lines)
    joined = tables.read(JOINED, tmp_path / "replicas" / "joined.parquet")
    one = joined[joined["quantity"] == "d_self"].iloc[0]
    assert one["runs"] == 2 and one["low_95"] <= 0.2 * SIDE**2 / 6 * 1e-4 <= one["high_95"]


def test_pieces_in_the_wrong_order_are_named_so(tmp_path):
    symbols, positions = run(4, frames=60)
    steps = np.arange(60) * 1000
    folded = positions % np.diag(CELL)
    first = dump(tmp_path / "a.dump", symbols, folded[:30], steps[:30])
    rest = dump(tmp_path / "b.dump", symbols, folded[30:], steps[30:])
    for path in (first, rest):
        path.write_text(path.read_text().replace("xu yu zu", "x y z"))
    with pytest.raises(HavenError, match="times do not increase at frame 30"):
        analyse_transport.main([str(rest), str(first), "--runs", "one", "--species", "Li",
                                "--temperature_k", "600", "--frame_spacing_ps", "1", "--out",
                                str(tmp_path / "out")])


def test_several_temperatures_end_in_an_arrhenius_line(tmp_path, said):
    files = []
    for kelvin in (600, 700, 850):
        rate = 3 * np.exp(-0.2 / (8.617333262e-5 * kelvin))
        files.append(dump(tmp_path / f"run_{kelvin}K.dump", *run(kelvin, rate=rate)))
    lines = said(*files, "--species", "Li", "--frame_spacing_ps", "1", "--out", tmp_path / "out")
    assert any("LiCl2 d_self: Ea 0." in line and "from 3 temperatures" in line for line in lines)
    fit = pd.read_csv(tmp_path / "out" / "arrhenius.csv").set_index("quantity").loc["d_self"]
    assert fit["activation_low_95"] <= 0.2 <= fit["activation_high_95"]
    line = next(line for line in lines if "LiCl2 d_self: Ea" in line)
    assert f"({fit['standing']}: known to {percent(fit['known_to'])}" in line
    assert "fitted: 600, 700, 850 K" in line and fit["fitted_k"] == "600, 700, 850"


@pytest.mark.parametrize("options, words", [
    (("--charge", "0"), "carry no current"), (("--charge", "nan"), "--charge"),
    (("--temperature_k", "inf"), "temperature_k"), (("--temperature_k", "300,400"), "one for each"),
    (("--min_events", "0"), "--min_events"), (("--stop", "0"), "--stop"),
    (("--stride", "0"), "--stride is 0"),
    (("--u_ev", "-4"), "--u_ev"), (("--framework", "Ti"), "--framework Ti"),
    (("--framework", "Li"), "--framework Li"), (("--ions", "1-400"), "--ions 97"),
    (("--ions", "one"), "--ions is one"), (("--cell", "1,2"), "--cell is 1,2"),
    (("--cell", "9,9,9"), "leave --cell out"), (("--topology", "none.pdb"), "no use with"),
    (("--thickness_angstrom", "50"), "12 Angstrom high"), (("--species", "Li,Li"), "twice"),
    (("--frame_spacing_ps", "1e-300"), "must be positive"), (("--replica", "1_0"), "--replica is"),
    (("--jump_angstrom", "1e-300"), "--jump_angstrom is"), (("--u_ev", "nan"), "--u_ev is nan"),
    (("--seed", "\u0661"), "--seed is"), (("--temperature_k", "1_000"), "--temperature_k is"),
    (("--ions", "1-99999999999"), "--ions"), (("--ions", "\u0661"), "--ions is"),
    (("--replicas", "1"), "unrecognized arguments: --replicas 1"), (("--runs", "x"), "--runs")])
def test_wrong_options_end_in_one_line(tmp_path, options, words):
    path = dump(tmp_path / "walk.lammpstrj", *run(1, frames=12))
    usual = {"--species": "Li", "--temperature_k": "600", "--frame_spacing_ps": "1"}
    given = [str(path), "--out", str(tmp_path / "out"), *options,
             *(word for pair in usual.items() if pair[0] not in options for word in pair)]
    with pytest.raises(HavenError, match=words) as caught:
        analyse_transport.main(given)
    assert "\n" not in str(caught.value)


def test_outputs_of_another_file_are_not_written_over(tmp_path, said):
    for folder, seed in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        dump(tmp_path / folder / "run.dump", *run(seed, frames=40), time=1.0)
    common = ("--species", "Li", "--temperature_k", "600", "--out", tmp_path / "o")
    said(tmp_path / "a" / "run.dump", *common)
    said(tmp_path / "a" / "run.dump", *common)
    with pytest.raises(HavenError, match="is of another trajectory"):
        said(tmp_path / "b" / "run.dump", *common)


def test_json_holds_every_number_with_interval_unit_and_verdict(tmp_path, capsys):
    for kelvin, rate in ((600, 0.05), (700, 0.1), (800, 0.2)):
        dump(tmp_path / f"run_{kelvin}K.lammpstrj", *run(kelvin, rate))
    analyse_transport.main([*(str(tmp_path / f"run_{k}K.lammpstrj") for k in (600, 700, 800)),
                            "--species", "Li", "--frame_spacing_ps", "0.5", "--no-pictures",
                            "--json", "--out", str(tmp_path / "out")])
    held = json.loads(capsys.readouterr().out)
    assert list(held) == ["haven_version", "numbers", "joined", "arrhenius", "checks", "files"]
    keys = ["material", "u_ev", "temperature_k", "replica", "seed", "species", "quantity", "value",
            "low_95", "high_95", "unit", "verdict", "jumps"]
    assert all(list(row) == keys for row in held["numbers"])
    by_name = {(row["quantity"], row["temperature_k"]): row for row in held["numbers"]}
    own = by_name["self", 700]
    assert own["low_95"] < 0.1 / 0.5 * SIDE**2 / 6 * 1e-4 < own["high_95"]
    assert own["unit"] == "cm2/s" and own["verdict"] == "diffusive" and own["jumps"] > 30
    assert by_name["sigma_total", 600]["unit"] == "mS/cm"
    tables_of = {"self": DIFFUSION, "sigma_self": CONDUCTIVITY}
    for name, schema in tables_of.items():
        path, = (tmp_path / "out").glob(f"*700K*.{schema.name}.parquet")
        rows = tables.read(schema, path)
        row = rows[(rows["quantity"] == name) & (rows.get("axis", "xyz") == "xyz")].iloc[0]
        assert by_name[name, 700]["value"] == row[
            "value" if schema is DIFFUSION else "value_ms_per_cm"]
    line = next(row for row in held["arrhenius"] if row["quantity"] == "d_self")
    assert line["activation_low_95"] < line["activation_ev"] < line["activation_high_95"]
    assert line["standing"] and line["known_to"] > 0 and line["fitted_k"] == "600, 700, 800"
    assert "not_diffusive" in line
    assert {row["runs"] for row in held["joined"]} <= {1, None}
    assert all((tmp_path / "out" / path.rpartition("/")[2]).exists() for path in held["files"])


def test_json_of_a_run_that_supports_no_number_has_null_not_a_number(tmp_path, capsys):
    dump(tmp_path / "run_300K.lammpstrj", *run(1, 0.0005))
    analyse_transport.main([str(tmp_path / "run_300K.lammpstrj"), "--species", "Li",
                            "--frame_spacing_ps", "0.5", "--no-pictures", "--json", "--out",
                            str(tmp_path / "out")])
    text = capsys.readouterr().out
    assert "NaN" not in text and "Infinity" not in text
    own = next(row for row in json.loads(text)["numbers"] if row["quantity"] == "self")
    assert own["value"] is None and own["verdict"] != "diffusive" and own["high_95"] > 0


def test_a_slope_of_the_sum_that_is_not_known_is_the_reason_not_the_jumps(tmp_path, said):
    path = dump(tmp_path / "short_600K.lammpstrj", *run(1, rate=0.4, frames=10), time=1.0)
    lines = said(path, "--species", "Li", "--out", tmp_path / "out")
    total, = (line for line in lines if line.startswith("  D_total"))
    assert "slope of the sum is" in total and "tells no diffusion from a cage" in total


@pytest.mark.parametrize("name, kelvin", [
    ("run_600K.xtc", 600.0), ("u4_t298_r0.npz", 298.0), ("u4_t298.5_r0_298.5K.npz", 298.5),
    ("run_t2_600K.extxyz", None), ("box_20K_atoms_600K.dump", None), ("t600.dump", ())])
def test_a_name_that_says_two_temperatures_is_not_read_as_the_first(name, kelvin):
    if kelvin is not None:
        assert all_atoms.temperature_in(name) == (kelvin or None)
        return
    with pytest.raises(HavenError, match=f"{name} says .* and 600 K: give .*--temperature_k"):
        all_atoms.temperature_in(name)


def test_a_temperature_that_contradicts_the_container_is_refused(tmp_path):
    file = trajectory.write_npz(tmp_path / "a_t2_600K.npz", {
        "time_ps": np.arange(9.0), "mobile_angstrom": np.zeros((9, 2, 3)),
        "host_centre_angstrom": np.zeros((9, 3)), "cell_angstrom": np.eye(3) * 9,
        "mobile_symbol": np.array("Li")}, {"temperature_k": 600.0})
    words = ("says that the temperature_k of its run was 600 K, --temperature_k says 700 K: "
             "leave the option out")
    with pytest.raises(HavenError, match=words):
        files.runs_of([str(file)], "700", "auto", Wanted())
    assert len(files.runs_of([str(file)], "600.5", "auto", Wanted())) == 1
    assert files.runs_of([str(file)], "", "auto", Wanted())[0].temperature_k == 600


@pytest.mark.parametrize("value", [True, "600", [600], {"k": 600}])
def test_a_container_whose_temperature_is_no_number_is_refused(tmp_path, monkeypatch, value):
    (tmp_path / "a.npz").touch()
    monkeypatch.setattr(said_of, "read_meta", lambda _path: {"temperature_k": value})
    with pytest.raises(HavenError, match=r"its temperature_k is .*: it must be a number of K"):
        said_of.temperature_of(tmp_path / "a.npz")


def container(path, **keys):
    return str(trajectory.write_npz(path, {
        "time_ps": np.arange(9.0), "mobile_angstrom": np.zeros((9, 2, 3)),
        "host_centre_angstrom": np.zeros((9, 3)), "cell_angstrom": np.eye(3) * 9,
        "mobile_symbol": np.array("Li")}, {"temperature_k": 600.0, **keys}))


def test_containers_say_their_u_replica_and_seed_and_no_option_contradicts_their_u(tmp_path):
    paths = [container(tmp_path / f"{name}.npz", u_ev=u_ev, replica=replica, seed=seed)
             for name, u_ev, replica, seed in (("a", 4.0, 2, 1), ("b", 0.0, 2, 1), ("c", 4.0, 5, 1),
                                               ("d", 4.0, 2, 2))]
    found = files.runs_of(paths, "", "auto", Wanted())
    assert [(one.name, one.u_ev, one.replica, one.seed) for one in found] == [
        ("b", 0.0, 2, 1), ("a", 4.0, 2, 1), ("c", 4.0, 5, 1), ("d", 4.0, 2, 2)]
    with pytest.raises(HavenError, match=r"b.npz says that the u_ev .* 0 eV, --u_ev says 4 eV"):
        files.runs_of(paths[:2], "", "auto", Wanted(), u_ev=4.0)
    numbered = files.runs_of(paths[:3:2], "", "auto", Wanted(), replica=7, seed=3)
    assert [(one.replica, one.seed) for one in numbered] == [(7, 3), (8, 3)]
    twice = container(tmp_path / "e.npz", u_ev=4.0, replica=2, seed=1)  # the same run, as it says
    assert [one.replica for one in files.runs_of([paths[0], twice], "", "auto", Wanted())] == [0, 1]
    with pytest.raises(HavenError, match=r"0 eV, .*says 4 eV: they are no pieces of one run"):
        said_of.agreed([Path(paths[1]), Path(paths[0])], "u_ev", None, 0.0)
