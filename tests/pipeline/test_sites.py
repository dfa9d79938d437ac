"""The sites' examples: a task's labels choose its queue, image and GPU; no site is asked."""

from __future__ import annotations

import csv

import pytest
from runs import ROOT, nextflow

# What a site is reached by needs a plugin or an account; everything else of its file is tried.
HERE = """
process.executor = 'local'
docker.enabled   = false
trace.fields     = 'task_id,hash,name,status,queue,container'
"""


@pytest.mark.parametrize(("site", "queues", "executor"), [
    ("aws_batch", ("haven-cpu", "haven-gpu"), "awsbatch"),
    ("google_batch", ("-", "-"), "google-batch"), ("kubernetes", ("-", "-"), "k8s")])
def test_a_task_s_labels_choose_its_queue_image_and_gpu(tmp_path, site, queues, executor) -> None:
    file = ROOT / "conf" / "site" / f"{site}.config"
    assert f"executor = '{executor}'" in file.read_text()
    (tmp_path / "here.config").write_text(HERE)
    run = nextflow(tmp_path, "trace.tsv", "-profile", "test", "-stub", "-c", str(file), "-c",
                   str(tmp_path / "here.config"), "--potentials_only", "true", "--u_ev", "4")
    assert run.status == 0, run.said
    assert "undefined parameter" not in run.said
    with (tmp_path / "trace.tsv").open(newline="") as stream:
        rows = {row["name"].split(" ")[0].split(":")[-1]: row
                for row in csv.DictReader(stream, delimiter="\t")}
    for name, device, queue in (("BUILD_DATASET", "cpu", queues[0]),
                                ("TRAIN_POTENTIAL", "gpu", queues[1])):
        assert rows[name]["container"] == f"my-registry/haven-{device}"
        assert rows[name]["queue"] == queue
