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
            planOf(typedParameters(all))
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
HOT = ("haven: error: --{} asks for 1200 K, above what the labels of u0_s1.pb cover (dynamics at "
       "up to 900.0 K): lower it")
SAID = {
    "nothing": "accepted",
    "short": "--production_ps is 0.03, shorter than one frame of all atoms",
    "a run twice": "has one run twice: u4_t500_r0.trajectory.npz and u4_t500_r0_s1.trajectory.npz",
    "frames twice": "--frames has s1_000.u4.extxyz twice",
    "no frames": "--frames is missing, and none of li3ycl6 are shipped",
    "a potential twice": "has one potential twice: u4_s1.pb and u4_s1.pt2",
    "hot runs": HOT.format("temperatures_k"),
    "a hot anneal": HOT.format("anneal_temperature_k"),
    "nothing earlier": "has no tables runs.parquet and diffusion.parquet",
}


def wanted(folder: Path) -> dict[str, dict[str, str]]:
    """Write what is given into a folder; return the parameters by the name of the case."""
    frames = ROOT / "assets" / "frames" / "li3ticl6"
    for place in ("runs", "frames", "models", "empty"):
        (folder / place).mkdir()
    for name in ("u4_t500_r0", "u4_t500_r0_s1"):
        (folder / "runs" / f"{name}.trajectory.npz").touch()
    (folder / "frames" / "s1_000.u4.extxyz").touch()
    for name in ("u4_s1.pb", "u4_s1.pt2"):
        (folder / "models" / name).touch()
    crystal = (ROOT / "assets" / "materials" / "li3ticl6.yml").read_text()
    (folder / "li3ycl6.yml").write_text(crystal.replace("Ti", "Y"))
    return {
        "nothing": {},
        "short": {"production_ps": "0.03"},
        "a run twice": {"trajectories": str(folder / "runs")},
        "frames twice": {"frames": f"{frames},{folder / 'frames'}", "label": "true"},
        "no frames": {"material": str(folder / "li3ycl6.yml")},
        "a potential twice": {"models": str(folder / "models"), "u_ev": "4"},
        "hot runs": {"models": SMALL, "temperatures_k": "300,1200"},
        "a hot anneal": {"models": SMALL, "anneal_temperature_k": "1200"},
        "nothing earlier": {"earlier": str(folder / "empty")},
    }


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What Haven says of each."""
    folder = jobs.place(tmp_path_factory.mktemp("refused") / "run", MAIN)
    (folder / "wanted.json").write_text(json.dumps(wanted(folder)))
    run = nextflow(folder, "refused.tsv", "-profile", "test", root=folder)
    assert run.status == 0 and not run.tasks, run.said
    return dict(re.findall(r"^([a-z ]+): (.*)$", run.said, re.MULTILINE))


@pytest.mark.parametrize("name", SAID)
def test_a_plan_that_cannot_be_is_one_clear_line(said: dict[str, str], name: str) -> None:
    assert SAID[name] in said[name]
