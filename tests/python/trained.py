"""A small potential, trained for real once for all tests, and killed half-way on purpose."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from analytic import write_labelled

from haven.potential.families.deepmd.train import checkpoints as whole_checkpoints

ROOT = Path(__file__).resolve().parents[2]
MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"
STEPS = 400


def script(name: str, *arguments: object) -> list[str]:
    words = [str(one) for one in arguments]
    for option in {word for word in words if word.startswith("--") and words.count(word) > 1}:
        at = words.index(option)
        del words[at : at + 2]  # a later value stands in the place of the usual one
    return [sys.executable, str(ROOT / "bin" / name), "--material", str(MATERIAL), *words]


def call(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(script(name, *arguments), capture_output=True, text=True,
                          env=environment, check=False)


def kill_when(command: list[str], ready, limit_s: float = 1800.0) -> bool:
    """Start a command in a session of its own, SIGKILL it once ``ready()``; False if it ended."""
    with tempfile.TemporaryFile() as screen:
        process = subprocess.Popen(command, stdout=screen, stderr=screen)
        end = time.monotonic() + limit_s
        while not ready() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        screen.seek(0)
        print(screen.read().decode(errors="replace")[-3000:])  # shown where the test fails
    return alive


def train_arguments(folder: Path) -> list[object]:
    return ["--dataset", folder / "u4.dataset", "--u_ev", 4, "--seed", 1,
            "--training_steps", STEPS, "--embedding", "4,8", "--axis_neurons", 4,
            "--fitting", "16,16", "--cutoff_angstrom", 5, "--precision", "float64",
            "--learning_rate_start", 0.01, "--learning_rate_stop", 0.001, "--decay_steps", 100,
            "--type_one_side", "false", "--compress",
            "--checkpoint_dir", folder / "checkpoints", "--out", folder]


@functools.cache
def trained() -> Path:
    """Return a folder with a data set and a potential whose training was killed and gone on with.

    The folder holds ``killed``: whether the first attempt was still running when it was killed.
    Tests that run side by side share it (``HAVEN_TEST_SHARED`` of conftest.py): the first that
    asks trains, the others wait for it.
    """
    shared = Path(os.environ["HAVEN_TEST_SHARED"])
    folder = shared / "trained"
    with (shared / "trained.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "said").is_file():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker whose training failed
            folder.mkdir()
            _train(folder)
    return folder


def _train(folder: Path) -> None:
    write_labelled(folder / "frames", 6, 4, rattle=0.06)
    built = call("build_dataset.py", "--frames", folder / "frames", "--u_ev", 4, "--test_share",
                 0.3, "--out", folder)
    assert built.returncode == 0, built.stderr
    checkpoints = folder / "checkpoints"
    killed = kill_when(
        script("train_potential.py", *train_arguments(folder)),
        lambda: any(whole_checkpoints(job) for job in checkpoints.glob("*")),
    )
    (folder / "killed").write_text(str(killed))
    done = call("train_potential.py", *train_arguments(folder))
    assert done.returncode == 0, done.stderr
    (folder / "said").write_text(done.stderr)
