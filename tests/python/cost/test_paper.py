"""Profile `paper` ends: hours of its longest runs against those that the schedulers' files give."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CONF = ROOT / "conf"
ATOMS_OF_CELL = 20  # of the conventional cell of Li3TiCl6
SITES = ["slurm.config", "site/lsf.config", "site/pbs.config", "site/sge.config",
         "site/flux.config", "site/aws_batch.config", "site/google_batch.config",
         "site/kubernetes.config"]


def setting(file: str, name: str) -> list[str]:
    return re.findall(rf"^\s*{name}\s*=\s*(.*?)\s*(?://.*)?$", (CONF / file).read_text(), re.M)


def paper(name: str) -> float:
    values = re.findall(r"[\d.]+", setting("paper.config", name)[0])
    product = 1.0
    for value in values:
        product *= float(value)
    return product


def steps() -> float:
    """Steps of one run: equilibration and production."""
    return 1000 * (paper("equilibration_ps") + paper("production_ps")) / paper("timestep_fs")


def allowed_hours(file: str) -> float:
    """Hours of all tries of one run of dynamics: every one takes as long as the site lets it."""
    hours = re.findall(r"time: (\d+)\.h", (CONF / file).read_text())
    return (max(int(text) for text in setting(file, "maxRetries")) + 1) * float(hours[0])


def seconds(file: str, **keys: str) -> float:
    """Wall seconds a step of the row of a table of measurements that has these values."""
    with (ROOT / "tests" / "bench" / file).open(newline="") as stream:
        row, = (row for row in csv.DictReader(stream) if all(row[k] == v for k, v in keys.items()))
    return float(row["seconds_per_step"])


@pytest.mark.parametrize("file", SITES)
def test_the_longest_run_of_paper_ends_on_a_gpu(file: str) -> None:
    assert paper("supercell") * ATOMS_OF_CELL == pytest.approx(20_000)
    step = seconds("gpu.csv", work="dynamics", network="paper", device="gpu",
                   atoms_or_batch="20160", runs_at_once="1")
    assert steps() * step / 3600 < allowed_hours(file)


@pytest.mark.parametrize("file", SITES)
def test_the_longest_run_of_paper_ends_on_sixteen_cores(file: str) -> None:
    """Half of what sixteen cores do is enough, so that they need not scale ideally."""
    step = seconds("cost.csv", method="dlmd", compressed="True", atoms="20000", cores="1",
                   model="32-64-128 / 256-256-256, cutoff 7 Å, float64")
    assert steps() * step / 3600 / (16 / 2) < allowed_hours(file)


def test_a_task_whose_machine_was_lost_is_tried_again_at_every_site() -> None:
    """A node that failed, a machine taken back: Nextflow's exit status for none is 2147483647."""
    list_of = re.compile(r"errorStrategy\s*=.*exitStatus in(.*)\?")
    strategies = {(path.name, text) for path in CONF.glob("**/*.config")
                  for text in list_of.findall(path.read_text())}
    assert len(strategies) >= 9
    assert not [told for told in strategies if "2147483647" not in told[1]]
