"""What a plan refuses before any task: one start of Nextflow reads many of them.

test_bad_input.py shows that main.nf ends with such a line and runs nothing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import jobs
import pytest
from runs import ROOT, nextflow

MAIN = """
import groovy.json.JsonSlurper

include { checkParameters } from './modules/parameters'
include { planOf } from './modules/plan'
include { typedParameters } from './modules/typed_parameters'

workflow {
    def wanted = new JsonSlurper().parse(file("${projectDir}/wanted.json").toFile())
    wanted.each { name, given ->
        def all = params + given
        def said = 'accepted'
        try {
            checkParameters(all, 'nextflow run main.nf')
            def plan = planOf(typedParameters(all))
            def modes = plan.earlier.findAll { path -> path.name.endsWith('.modes.npz') }
            said = "accepted, cells ${plan.rests.join(' ')}, ${modes.size()} modes"
        }
        catch (Exception mistake) {
            def why = mistake
            while (!why.message) { why = why.cause }
            said = why.message.replace('\\n', ' ')
        }
        println("${name}: ${said}")
    }
}
"""
SMALL = str(ROOT / "assets" / "models" / "small")
STUDY = ROOT / "assets" / "study" / "li3ticl6" / "main"  # 0 GPa; U 0 and 4 eV, seed 1; 600 K on
ADDED = {"models": SMALL, "first_replica": "3", "temperatures_k": "500,700", "pressure_gpa": "0"}
HOT = ("haven: error: --{} asks for 1200 K, above what the labels of u0_s1.pb cover (dynamics at "
       "up to 900.0 K): lower it")
SAID = {
    "nothing": "accepted",
    "no folder": "--outdir needs a value: give folder for results, or leave it out",
    "no temperatures": "--temperatures_k needs a value: give temperatures",
    "no models": "--models needs a value",
    "short": "--production_ps is 0.03, shorter than one frame of all atoms",
    "a run twice": "has one run twice: u4_t500_r0.trajectory.npz and u4_t500_r0_s1.trajectory.npz",
    "frames twice": "--frames has s1_000.u4.extxyz twice",
    "no frames": "--frames is missing, and none of li3ycl6 are shipped",
    "a potential twice": "has one potential twice: u4_s1.pb and u4_s1.pt2",
    "hot runs": HOT.format("temperatures_k"),
    "a hot anneal": HOT.format("anneal_temperature_k"),
    "nothing earlier": "has no tables runs.parquet and diffusion.parquet",
    "its own results": "is where this run puts its own results: give another --outdir",
    "its own tables": "is where this run puts its own results: give another --outdir",
    "another pressure": "is of --pressure_gpa 0, this run of 1: give the same",
    "another pressure of a fixed cell": "accepted, cells , 0 modes",
    "added": "accepted, cells 0_1_700 4_1_700, 0 modes",
    "added to tables": "accepted, cells 0_1_700 4_1_700, 0 modes",
    "added to tables alone": "accepted, cells 4_1_500 4_1_700, 0 modes",
    "a further potential": "accepted, cells 4_1_700, 0 modes",
    "a further U": "accepted, cells 4_1_700, 3 modes",
    "a further U, of tables": "accepted, cells 4_1_700, 3 modes",
    "its own labels": "is where this run puts its own new labels: give another --outdir",
    "hot cells": HOT.format("anneal_temperature_k"),
    "cells of an earlier run": "accepted",
    "no anneal": "accepted",
    "a hot anneal beside trajectories": "--anneal_temperature_k asks for 1200 K, above what the "
                                        "labels of u4_s1.pb cover",
    "dense frames": "--dump_ps is 0.001, less than a time step: make it at least --timestep_fs "
                    "= 2.5 fs",
    "rounded frames": "--dump_ps times --all_every = 1.005 ps in whole time steps",
    "one frame": "--production_ps is 0.1, shorter than two frames, --dump_ps times 2 = 0.2 ps",
    "a short cell": "--cell_ps is 0.001, shorter than two time steps",
    "no cell": "accepted",
}


def wanted(folder: Path) -> dict[str, dict[str, str | bool]]:
    """Write what is given into a folder; return the parameters by the name of the case."""
    frames = ROOT / "assets" / "frames" / "li3ticl6"
    for place in ("runs", "frames", "models", "empty", "alone", "further", "real",
                  "one"):
        (folder / place).mkdir()
    (folder / "one" / "u4_t500_r0.trajectory.npz").touch()
    (folder / "further" / "tables").mkdir()
    (folder / "further" / "modes").mkdir()
    for place in (folder / "alone", folder / "further" / "tables"):
        for name in ("runs", "diffusion", "cells"):
            (place / f"{name}.parquet").symlink_to(STUDY / "tables" / f"{name}.parquet")
    for replica in range(3):
        (folder / "further" / "modes" / f"u4_t700_r{replica}.modes.npz").touch()
    told = json.loads((STUDY / "parameters.json").read_text())
    (folder / "further" / "parameters.json").write_text(
        json.dumps({**told, "u_ev": [4], "drivers": {"4": [1]}}))
    (folder / "real" / "frames").symlink_to(frames)
    (folder / "linked").symlink_to(folder / "real")
    (folder / "study").symlink_to(STUDY)
    for name in ("u4_t500_r0", "u4_t500_r0_s1"):
        (folder / "runs" / f"{name}.trajectory.npz").touch()
    (folder / "frames" / "s1_000.u4.extxyz").touch()
    for name in ("u4_s1.pb", "u4_s1.pt2"):
        (folder / "models" / name).touch()
    crystal = (ROOT / "assets" / "materials" / "li3ticl6.yml").read_text()
    (folder / "li3ycl6.yml").write_text(crystal.replace("Ti", "Y"))
    return {
        "nothing": {},
        "no folder": {"outdir": True},
        "no temperatures": {"temperatures_k": True},
        "no models": {"models": "false"},
        "short": {"production_ps": "0.03"},
        "a run twice": {"trajectories": str(folder / "runs")},
        "frames twice": {"frames": f"{frames},{folder / 'frames'}", "label": "true"},
        "no frames": {"material": str(folder / "li3ycl6.yml")},
        "a potential twice": {"models": str(folder / "models"), "u_ev": "4"},
        "hot runs": {"models": SMALL, "temperatures_k": "300,1200"},
        "a hot anneal": {"models": SMALL, "anneal_temperature_k": "1200"},
        "nothing earlier": {"earlier": str(folder / "empty")},
        "its own results": {**ADDED, "earlier": str(STUDY), "outdir": str(folder / "study")},
        "its own tables": {**ADDED, "earlier": str(STUDY / "tables"), "outdir": str(STUDY)},
        "another pressure": {**ADDED, "earlier": str(STUDY), "pressure_gpa": "1"},
        "another pressure of a fixed cell": {
            **ADDED, "earlier": str(STUDY), "pressure_gpa": "1", "cell": "material"},
        "added": {**ADDED, "earlier": str(STUDY)},
        "added to tables": {**ADDED, "earlier": str(STUDY / "tables")},
        "a further U, of tables": {**ADDED, "earlier": str(folder / "further" / "tables")},
        "added to tables alone": {**ADDED, "earlier": str(folder / "alone"), "u_ev": "4"},
        "a further potential": {
            **ADDED, "earlier": str(STUDY), "u_ev": "4", "driving_potentials": "2"},
        "a further U": {**ADDED, "earlier": str(folder / "further")},
        "its own labels": {"label": "true", "frames": str(folder / "real" / "frames"),
                           "outdir": str(folder / "linked")},
        "hot cells": {"models": SMALL, "anneal_temperature_k": "1200", "anneal_ps": "0"},
        "cells of an earlier run": {**ADDED, "earlier": str(STUDY), "anneal_temperature_k": "1200",
                                    "anneal_ps": "0"},
        "no anneal": {"models": SMALL, "anneal_temperature_k": "1200", "anneal_ps": "0",
                      "relax_anneal_ps": "0"},
        "a hot anneal beside trajectories": {
            "models": SMALL, "anneal_temperature_k": "1200", "trajectories": str(folder / "one")},
        "dense frames": {"dump_ps": "0.001", "timestep_fs": "2.5"},
        "rounded frames": {"production_ps": "1", "dump_ps": "0.1", "all_every": "10",
                           "timestep_fs": "1.5"},
        "one frame": {"production_ps": "0.1", "dump_ps": "0.1", "all_every": "1"},
        "a short cell": {"cell_ps": "0.001"},
        "no cell": {"cell_ps": "0.001", "cell": "material"},
    }


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What Haven says of each."""
    folder = jobs.place(tmp_path_factory.mktemp("refused") / "run", MAIN)
    (folder / "wanted.json").write_text(json.dumps(wanted(folder)))
    run = nextflow(folder, "refused.tsv", "-profile", "test", root=folder)
    assert run.status == 0 and not run.tasks, run.said
    return dict(re.findall(r"^([a-zA-Z, ]+): (.*)$", run.said, re.MULTILINE))


@pytest.mark.parametrize("name", SAID)
def test_a_plan_that_cannot_be_is_one_clear_line(said: dict[str, str], name: str) -> None:
    assert SAID[name] in said[name]
