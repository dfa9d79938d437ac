"""Tables of an earlier run beside those of replicas that are added to it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import fit_arrhenius
import pandas as pd
import pytest

from haven.core import tables
from haven.core.errors import HavenError
from haven.core.identity import run_id
from haven.report.registry import TABLES
from haven.transport.fits.earlier import OF_A_REPLICA, beside_earlier

ROOT = Path(__file__).resolve().parents[3]

STUDY = ROOT / "assets" / "study" / "li3ticl6" / "main" / "tables"
SOME = ("runs", "diffusion", "conductivity", "joined", "arrhenius", "verdicts", "lattice", "cells",
        "accuracy")


def of_study(name, most=math.inf):
    """Return a table of the shipped study, of its replicas up to ``most``."""
    rows = tables.read(name, STUDY / f"{name}.parquet")
    return rows[rows["replica"] <= most] if "replica" in rows else rows


def write(name, rows, path):
    return tables.write(TABLES[name], rows.reindex(columns=TABLES[name].names), path)


@pytest.fixture
def halves(tmp_path):
    """Part of the shipped study: replicas 0 and 1 as an earlier run, replica 2 as this run's."""
    new, old = tmp_path / "new", tmp_path / "old"
    for place in (new, old):
        place.mkdir()
    for name in SOME:
        rows = of_study(name, 2)
        if "replica" in TABLES[name].names:
            write(name, rows[rows["replica"] < 2], old / f"{name}.parquet")
            if (rows["replica"] == 2).any():
                write(name, rows[rows["replica"] == 2], new / f"some.{name}.parquet")
        elif name == "verdicts":
            rows = rows[~rows["subject"].astype(str).str.contains("_r[3-9]")]
            second = rows["subject"].astype(str).str.contains("_r2")
            write(name, rows[~second], old / f"{name}.parquet")
            write(name, rows[second], new / f"some.{name}.parquet")
        else:
            write(name, rows, old / f"{name}.parquet")
    return new, old


def test_rows_of_runs_are_joined_and_all_else_is_this_runs(halves, tmp_path):
    new, old = halves
    write("accuracy", of_study("accuracy"), new / "u0_s1.accuracy.parquet")
    both = beside_earlier(new, old, tmp_path / "both", TABLES)
    for name in ("runs", "diffusion", "conductivity", "cells"):
        found = tables.read_folder(TABLES[name], both)
        assert len(found) == len(of_study(name, 2)), name
        assert set(found["replica"]) == {0, 1, 2}
    # of the potential alone: this run's, once; without any, the earlier run's
    assert len(tables.read_folder(TABLES["accuracy"], both)) == len(of_study("accuracy"))
    assert len(tables.read_folder(TABLES["lattice"], both)) == len(of_study("lattice"))
    said = tables.read_folder(TABLES["verdicts"], both)
    assert not said.duplicated(["subject", "check"]).any()
    whole = of_study("verdicts")
    runs = whole[whole["subject"].astype(str).str.fullmatch(r"u[04]_(t[0-9]+_)?r[0-2]")]
    assert set(zip(said["subject"], said["check"], strict=True)) == set(
        zip(runs["subject"], runs["check"], strict=True))


def test_failed_verdicts_of_every_run_of_a_replica_stay(halves, tmp_path):
    """Also of runs that a second potential drives, of their cells, and from first principles."""
    new, old = halves
    names = ["u4_t600_r0", "u4_t600_r0_s2", "u0.5_r0_s13", "u4_t600_r1_aimd"]
    told = of_study("verdicts").iloc[[0] * len(names)]
    write("verdicts", told.assign(subject=names, passed=False), old / "verdicts.parquet")
    both = beside_earlier(new, old, tmp_path / "both", TABLES)
    said = tables.read("verdicts", both / "earlier.verdicts.parquet")
    assert list(said["subject"]) == names and not said["passed"].any()
    for u_ev, seed in ((4.0, None), (0.5, 2)):
        assert OF_A_REPLICA.fullmatch(run_id(u_ev, 298.15, 3, seed))


def test_an_earlier_run_of_the_same_replicas_another_crystal_or_potential_is_refused(
        halves, tmp_path):
    new, old = halves
    same = tmp_path / "same"
    shutil.copytree(old, same)
    write("runs", of_study("runs"), same / "runs.parquet")
    with pytest.raises(HavenError, match=r"U = 0 eV, 600 K of replica 2.*--first_replica"):
        beside_earlier(new, same, tmp_path / "b1", TABLES)
    other = of_study("runs").assign(material="nacl", replica=7)
    write("runs", other, same / "runs.parquet")
    with pytest.raises(HavenError, match=r"of another material .li3ticl6, nacl"):
        beside_earlier(new, same, tmp_path / "b2", TABLES)
    write("runs", of_study("runs").assign(replica=7), same / "runs.parquet")
    write("diffusion", of_study("diffusion").assign(species="Na"), same / "diffusion.parquet")
    with pytest.raises(HavenError, match=r"of another mobile species .Li, Na"):
        beside_earlier(new, same, tmp_path / "b5", TABLES)
    worse = of_study("accuracy")
    write("accuracy", worse.assign(rmse=worse["rmse"] * 1.1), new / "u0_s1.accuracy.parquet")
    with pytest.raises(HavenError, match=r"another potential at U = 0 eV, seed 1.*--models"):
        beside_earlier(new, old, tmp_path / "b3", TABLES)
    (same / "runs.parquet").unlink()
    with pytest.raises(HavenError, match=r"runs\.parquet"):
        beside_earlier(new, same, tmp_path / "b4", TABLES)


def test_modes_of_all_earlier_runs_are_joined_and_those_of_some_are_left(halves, tmp_path, caplog):
    new, old = halves
    names = [f"u{u}_t{t}_r{r}.modes.npz" for u in (0, 4) for t in (600, 700, 750, 800)
             for r in (0, 1)]
    for name in names[:-1]:
        (old / name).write_bytes(b"x")
    both = beside_earlier(new, old, tmp_path / "some", TABLES)
    assert not list(both.glob("*.modes.npz"))
    assert "15 of 16 runs of --earlier have modes" in caplog.text
    (old / names[-1]).write_bytes(b"x")
    both = beside_earlier(new, old, tmp_path / "all", TABLES)
    assert sorted(path.name for path in both.glob("*.modes.npz")) == sorted(names)
    (new / names[0]).write_bytes(b"x")
    with pytest.raises(HavenError, match=r"u0_t600_r0\.modes\.npz.*--first_replica"):
        beside_earlier(new, old, tmp_path / "twice", TABLES)


def test_a_line_of_tables_alone_is_the_line_of_the_runs_modes(tmp_path):
    """The shipped study's lines were fitted from modes, which are not shipped."""
    old, new = tmp_path / "old", tmp_path / "new"
    for place in (old, new):
        place.mkdir()
    for name in ("runs", "diffusion", "conductivity"):
        rows = of_study(name)
        last = (rows["temperature_k"] == 800) & (rows["replica"] == 2)
        write(name, rows[~last], old / f"{name}.parquet")
        write(name, rows[last], new / f"some.{name}.parquet")
    shutil.copy(STUDY / "joined.parquet", old)
    fit_arrhenius.main(["--tables", str(new), "--earlier", str(old), "--out", str(new)])
    found, wanted = (pd.read_parquet(path / "arrhenius.parquet").set_index(["u_ev", "quantity"])
                     for path in (new, STUDY))
    for key, row in wanted.iterrows():
        half = (row["activation_high_95"] - row["activation_low_95"]) / 2
        assert found.loc[key, "activation_ev"] == pytest.approx(row["activation_ev"], abs=half / 4)
        again = found.loc[key, "activation_high_95"] - found.loc[key, "activation_low_95"]
        assert 0.85 < again / (2 * half) < 1.3, key
