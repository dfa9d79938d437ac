"""What conf/base.config does with tasks that fail: more memory or time, and the others go on."""

from __future__ import annotations

import csv
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from runs import ROOT

SCRIPT = """
process STARVED {
    label 'process_long'

    input:
    val code

    script:
    \"\"\"
    echo ${code} \\$(( ${task.memory.toMega()} / 1024 )) ${task.time.toHours()} >> '%(asked)s'
    [ ${task.attempt} -eq 3 ] || exit ${code}
    \"\"\"
}

process FAN_OUT {
    tag "${temperature_k}"
    label 'process_fan_out'

    input:
    val temperature_k

    script:
    \"\"\"
    [ ${temperature_k} -ne 350 ]
    \"\"\"
}

workflow {
    STARVED(channel.of(137, 140, 134))
    FAN_OUT(channel.of(300, 310, 320, 330, 340, 350, 360, 370, 380, 390, 400, 410))
}
"""
CONFIG = f"""
params.job_array = null
includeConfig '{ROOT}/conf/base.config'
process.resourceLimits = [memory: 16.GB, time: 100.h]
executor.memory = '64 GB'
trace {{ enabled = true; overwrite = true; file = 'trace.tsv'; fields = 'name,status,attempt' }}
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess]:
    folder = tmp_path_factory.mktemp("retries")
    (folder / "main.nf").write_text(SCRIPT % {"asked": folder / "asked"})
    (folder / "nextflow.config").write_text(CONFIG)
    done = subprocess.run(["nextflow", "run", "main.nf", "-ansi-log", "false"], cwd=folder,
                          text=True, capture_output=True, check=False, timeout=600)
    return folder, done


@pytest.mark.parametrize(("code", "expected"), [
    (137, [(6, 48), (12, 48), (16, 48)]),  # out of memory
    (140, [(6, 48), (6, 96), (6, 100)]),  # out of time
    (134, [(6, 48), (6, 48), (6, 48)]),  # neither
])
def test_a_task_that_ran_out_gets_more_of_that_up_to_the_site_s_limits(
    failed, code, expected
) -> None:
    folder, done = failed
    lines = [tuple(map(int, line.split())) for line in (folder / "asked").read_text().splitlines()]
    assert [line[1:] for line in lines if line[0] == code] == expected, done.stdout


def test_one_temperature_that_fails_loses_no_other_and_the_run_ends_non_zero(failed) -> None:
    folder, done = failed
    with (folder / "trace.tsv").open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    fan_out = [row for row in rows if row["name"].startswith("FAN_OUT")]
    assert Counter(row["status"] for row in fan_out) == {"COMPLETED": 11, "FAILED": 3}
    assert {row["name"] for row in fan_out if row["status"] == "FAILED"} == {"FAN_OUT (350)"}
    assert sorted(row["attempt"] for row in fan_out if row["status"] == "FAILED") == ["1", "2", "3"]
    assert done.returncode != 0


HERE_ALONE = """
process SLOW {
    label 'process_low'

    script:
    \"\"\"
    [ ${task.attempt} -eq 3 ] || exec sleep 60
    \"\"\"
}

process WAITING {
    label 'process_low'
    label 'process_gpu'

    script:
    \"\"\"
    true
    \"\"\"
}

workflow {
    SLOW()
    WAITING()
}
"""
SHORT = f"""
params {{ job_array = null; checkpoint_minutes = 1; gpu_tasks = 1 }}
includeConfig '{ROOT}/conf/base.config'
includeConfig '{ROOT}/conf/gpu.config'
process.resourceLimits = [time: 45.s]
process {{
    withLabel: process_low {{ ext.time = 10.s }}
    withLabel: process_gpu {{ ext.before = 'sleep 50' }} // the card of another task is waited for
}}
trace {{ enabled = true; overwrite = true; file = 'trace.tsv'; fields = 'name,status,time' }}
"""


def test_on_one_machine_time_doubles_as_well_and_waiting_for_a_card_takes_none_of_it(
    tmp_path: Path,
) -> None:
    """Nextflow ends a local task without an exit status, and counts from before the wait."""
    (tmp_path / "main.nf").write_text(HERE_ALONE)
    (tmp_path / "nextflow.config").write_text(SHORT)
    done = subprocess.run(["nextflow", "run", "main.nf", "-ansi-log", "false"], cwd=tmp_path,
                          text=True, capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout
    with (tmp_path / "trace.tsv").open(newline="") as stream:
        rows = [tuple(row.values()) for row in csv.DictReader(stream, delimiter="\t")]
    assert [row[1:] for row in rows if row[0] == "SLOW"] == [
        ("FAILED", "10s"), ("FAILED", "20s"), ("COMPLETED", "40s")]
    assert [row[1:] for row in rows if row[0] == "WAITING"] == [("COMPLETED", "-")]


@pytest.mark.parametrize("name", ["run_dynamics", "analyse_transport", "analyse_structure",
                                  "analyse_hops", "select_beyond", "find_barriers"])
def test_what_is_done_for_one_run_alone_may_fail_alone(name: str) -> None:
    assert "label 'process_fan_out'" in (ROOT / "modules" / name / "main.nf").read_text()


ENDED = """
process %(name)s {
    tag "${code}"
    label 'process_%(size)s'
    label 'process_fan_out'

    input:
    val code

    script:
    \"\"\"
    echo ${code} %(size)s \\$(( ${task.memory.toMega()} / 1024 )) >> '%(asked)s'
    [ ${task.attempt} -eq 5 ] || exit ${code}
    \"\"\"
}
"""
TWICE = """
workflow {
    LONG(channel.of(137, 143))
    MEDIUM(channel.of(137))
}
"""
HERE = """
process.executor = 'local'
docker.enabled = false
executor.memory = '64 GB'
"""


@pytest.mark.parametrize("site", ["aws_batch", "google_batch", "kubernetes"])
def test_in_a_cloud_a_task_that_ends_again_and_again_asks_four_times_its_memory_at_most(
    tmp_path, site
) -> None:
    """A machine that is taken back ends a task as lack of memory does: neither may decide alone."""
    (tmp_path / "main.nf").write_text("".join(
        ENDED % {"name": size.upper(), "size": size, "asked": tmp_path / "asked"}
        for size in ("long", "medium")) + TWICE)
    (tmp_path / "base.config").write_text(
        f"params.job_array = null\nincludeConfig '{ROOT}/conf/base.config'\n")
    (tmp_path / "here.config").write_text(HERE)
    done = subprocess.run(
        ["nextflow", "run", "main.nf", "-ansi-log", "false", "-c", "base.config", "-c",
         str(ROOT / "conf" / "site" / f"{site}.config"), "-c", "here.config"], cwd=tmp_path,
        text=True, capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout
    asked: dict[str, list[int]] = {}
    for line in (tmp_path / "asked").read_text().splitlines():
        code, size, gb = line.split()
        asked.setdefault(f"{code} {size}", []).append(int(gb))
    assert asked == {"137 long": [6, 12, 24, 24, 24], "137 medium": [4, 8, 16, 16, 16],
                     "143 long": [6] * 5}


ENDED_AGAIN = """
process RESTARTED {
    tag "${codes}"
    label 'process_fan_out'

    input:
    val codes

    script:
    \"\"\"
    exit ${codes.tokenize('_')[task.attempt - 1] ?: 0}
    \"\"\"
}

workflow {
    RESTARTED(channel.of('140_143_138_1_143_1', '140_143_140_1_1_1', '1_1_1', '137_139_137'))
}
"""


def test_on_slurm_restarts_are_no_failures_and_what_fails_again_is_left_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "main.nf").write_text(ENDED_AGAIN)
    (tmp_path / "base.config").write_text(
        f"params.job_array = null\nincludeConfig '{ROOT}/conf/base.config'\n"
        "trace { enabled = true; overwrite = true; file = 'trace.tsv'; "
        "fields = 'tag,status,attempt' }\n")
    (tmp_path / "here.config").write_text(HERE)
    done = subprocess.run(
        ["nextflow", "run", "main.nf", "-ansi-log", "false", "-c", "base.config", "-c",
         str(ROOT / "conf" / "slurm.config"), "-c", "here.config"], cwd=tmp_path,
        text=True, capture_output=True, check=False, timeout=600)
    with (tmp_path / "trace.tsv").open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    last = {row["tag"]: (row["attempt"], row["status"])
            for row in sorted(rows, key=lambda row: int(row["attempt"]))}
    assert last == {
        "140_143_138_1_143_1": ("7", "COMPLETED"), "140_143_140_1_1_1": ("6", "FAILED"),
        "1_1_1": ("3", "FAILED"), "137_139_137": ("3", "FAILED")}, done.stdout
    assert done.returncode != 0  # what was left out is told, and nothing else was stopped
