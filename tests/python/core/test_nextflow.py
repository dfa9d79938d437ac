"""What Nextflow is handed beside the options that were given."""

from __future__ import annotations

import pytest

from haven.core.nextflow import starting

CONFIGS = {
    "k8s": "process.executor = 'k8s'\n", "aws": 'process { executor = "awsbatch" }\n',
    "local": "process.executor = 'local' // not k8s\n",
}


@pytest.mark.parametrize(("words", "plugins"), [
    ([], []), (["-resume", "--material", "k8s.yml"], []),
    (["-w", "s3://bucket/work"], ["nf-amazon"]), (["--outdir=gs://bucket"], ["nf-google"]),
    (["-work-dir", "az://here", "--frames", "s3://there"], ["nf-amazon", "nf-azure"]),
    (["-profile", "paper,wave"], ["nf-wave"]), (["-c", "k8s"], ["nf-k8s"]),
    (["-config", "aws", "-C", "k8s"], ["nf-amazon", "nf-k8s"]), (["-c", "local"], []),
    (["-c", "not there"], []), (["-c"], [])])
def test_plugins_are_those_of_stores_profiles_and_executors(
    tmp_path, monkeypatch, words, plugins
):
    monkeypatch.chdir(tmp_path)
    for name, text in CONFIGS.items():
        (tmp_path / name).write_text(text)
    assert starting.plugins(words) == plugins


def test_nothing_is_said_again_where_no_file_says_it(tmp_path, monkeypatch):
    """No Nextflow is started for it, either."""
    (tmp_path / "site").write_text("process.queue = 'q'")
    monkeypatch.setattr(starting.subprocess, "run", None)
    assert starting.late_options(["-c", str(tmp_path / "site")], tmp_path) == []
