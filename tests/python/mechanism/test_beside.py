"""``./haven transport --structure --hops``: the tables of three commands from one reading."""

from __future__ import annotations

import logging

import analyse_hops
import analyse_run
import analyse_structure
import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.io import write
from test_hops import make_run

from haven.core import tables
from haven.core.errors import HavenError, log
from haven.material.file import load_material
from haven.mechanism.tables import DENSITY, HOPS, NETWORK, RDF, TRACKS, VAN_HOVE
from haven.trajectory.trajectory import read_members
from haven.transport.command import command

COMMON = ("--temperature_k", "300", "--seed", "1", "--out")


@pytest.fixture(scope="module")
def crystal(repository):
    return repository / "assets" / "materials" / "li3ticl6.yml"


def extxyz(path, run):
    """Write a container's run as extxyz, the host where it is in the first frame."""
    held = read_members(run)
    frames, host = [], held["all_angstrom"][0]
    for step in held["mobile_angstrom"]:
        host = host.copy()
        host[held["mobile_index"]] = step
        frames.append(Atoms(held["symbols"], host, cell=held["cell_angstrom"], pbc=True))
    write(path, frames)
    return path


@pytest.mark.parametrize("apart", [False, True], ids=["here", "in a process of its own"])
@pytest.mark.parametrize("ending", ["npz", "extxyz"])
def test_one_call_writes_what_three_do(tmp_path, crystal, rng, monkeypatch, ending, apart):
    run = make_run(load_material(crystal), tmp_path / "run.npz", rng, frames=60)
    reading = () if ending == "npz" else ("--frame_spacing_ps", "0.1")
    if ending != "npz":
        run = extxyz(tmp_path / "run.extxyz", run)
    if apart:
        monkeypatch.setattr(command, "LARGE", 0)
        monkeypatch.setattr(command.os, "sched_getaffinity", lambda _: {0, 1})
    one, many = tmp_path / "one", tmp_path / "many"
    analyse_run.main([str(run), "--material", str(crystal), "--structure", "--hops",
                            "--no-pictures", *reading, *COMMON, str(one)])
    analyse_hops.main([str(run), "--material", str(crystal), *reading, *COMMON, str(many)])
    for table in (HOPS, TRACKS, VAN_HOVE, DENSITY, NETWORK):
        (mine,), (other,) = (list(out.glob(f"*.{table.name}.parquet")) for out in (one, many))
        pd.testing.assert_frame_equal(tables.read(table, mine), tables.read(table, other))
        assert mine.with_suffix(".csv").exists()
    analyse_structure.main([str(run), "--material", str(crystal), *COMMON, str(many)])
    (mine,), (other,) = (list(out.glob("*.rdf.parquet")) for out in (one, many))
    pd.testing.assert_frame_equal(tables.read(RDF, mine), tables.read(RDF, other), atol=1e-4)
    assert len(list(one.glob("*.diffusion.parquet"))) == 1
    assert tables.inputs_of(mine)["sha256"] == tables.inputs_of(other)["sha256"]


def test_what_was_done_beside_is_said(tmp_path, crystal, rng, caplog):
    run = make_run(load_material(crystal), tmp_path / "run.npz", rng, frames=60)
    with caplog.at_level(logging.INFO, logger=log.name):
        analyse_run.main([str(run), "--material", str(crystal), "--structure", "--hops",
                                "--no-pictures", "--start", "15", *COMMON, str(tmp_path)])
    said = [record.getMessage().strip() for record in caplog.records]
    assert "radial distributions: 6 pairs, 4 frames of 72 atoms" in said
    assert "jumps between sites: 1 of 16 Li, 0 undone" in said


@pytest.mark.parametrize("options, words", [
    (["--hops", "--species", "Li"], "--hops: give the material file"),
    (["--hops", "--material", "Li3TiCl6", "--species", "Li"], "--hops: give the material file"),
    (["--hops", "--material", "CRYSTAL", "--species", "Cl"], "--hops: in .* Li moves between"),
])
def test_jumps_need_the_material_and_its_mobile_species(tmp_path, crystal, rng, options, words):
    run = make_run(load_material(crystal), tmp_path / "run.npz", rng, frames=20)
    given = [str(crystal) if word == "CRYSTAL" else word for word in options]
    with pytest.raises(HavenError, match=words):
        analyse_run.main([str(run), *given, *COMMON, str(tmp_path)])


def test_a_container_of_mobile_ions_alone_has_no_structure(tmp_path, crystal, rng):
    run = make_run(load_material(crystal), tmp_path / "whole.npz", rng, frames=40)
    held = {name: value for name, value in read_members(run).items()
            if not name.startswith("all_")}
    np.savez(tmp_path / "ions.npz", **held)
    with pytest.raises(HavenError, match=r"--structure: .* holds no frames of all atoms"):
        analyse_run.main([str(tmp_path / "ions.npz"), "--species", "Li", "--structure",
                                "--no-pictures", *COMMON, str(tmp_path)])
