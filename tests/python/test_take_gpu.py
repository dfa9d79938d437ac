"""Cards of one machine are handed out: no two tasks share one unasked."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "conf" / "take_gpu.sh"
TASK = f""". '{SCRIPT}'
echo "$CUDA_VISIBLE_DEVICES" >> took
touch "in.$$"
ls in.* | wc -l >> together
read -r _ < done
rm "in.$$"
"""


def tasks(folder: Path, count: int, **variables: str) -> list[subprocess.Popen]:
    (folder / "dev").mkdir(exist_ok=True)
    for number in range(2):
        (folder / "dev" / f"nvidia{number}").touch()
    environment = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    environment |= {"HAVEN_DEVICES": str(folder / "dev"), "HAVEN_LOCKS": str(folder), **variables}
    return [subprocess.Popen(["bash", "-euo", "pipefail", "-c", TASK], cwd=folder, env=environment)
            for _ in range(count)]


def seen(folder: Path, expected: int) -> list[str]:
    """Return the cards taken so far, once there are so many; the others wait meanwhile."""
    for _ in range(600):
        took = (folder / "took").read_text().split() if (folder / "took").exists() else []
        if len(took) >= expected:
            return took
        time.sleep(0.2)
    raise AssertionError("no card was taken")


@pytest.mark.parametrize(("variables", "cards"), [
    ({}, {"0": 1, "1": 1}), ({"HAVEN_GPU_TASKS": "2"}, {"0": 2, "1": 2}),
    ({"CUDA_VISIBLE_DEVICES": "1"}, {"1": 1}),
    ({"CUDA_VISIBLE_DEVICES": "0,1"}, {"0": 1, "1": 1}),
])
def test_each_task_has_a_card_and_the_next_waits_for_it(tmp_path, variables, cards) -> None:
    os.mkfifo(tmp_path / "done")
    done = os.open(tmp_path / "done", os.O_RDWR)  # held open, so that no line of it is lost
    room = sum(cards.values())
    started = tasks(tmp_path, room + 1, **variables)
    assert Counter(seen(tmp_path, room)) == cards
    waiting = [task for task in started if task.poll() is None]
    assert len(waiting) == room + 1 and len(list(tmp_path.glob("in.*"))) <= room
    os.write(done, b"\n" * room)
    assert len(seen(tmp_path, room + 1)) == room + 1  # a card that was given back is taken
    os.write(done, b"\n")
    assert [task.wait(60) for task in started] == [0] * (room + 1)
    os.close(done)


def test_without_a_card_the_script_is_left_to_refuse(tmp_path: Path) -> None:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", f". '{SCRIPT}'; echo went on"],
                          env={"PATH": os.environ["PATH"], "HAVEN_DEVICES": str(tmp_path)},
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "went on\n", done.stderr


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="no other user")
def test_the_lock_of_another_user_of_the_machine_is_taken_as_well() -> None:
    """It can be read, and not written."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o1777)
        script = shutil.copy(SCRIPT, folder)
        lock = folder / "haven-gpu-0-1.lock"
        lock.touch(0o444)
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

        def take() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*(become if os.geteuid() == 0 else []), "bash", "-euo", "pipefail", "-c",
                 f". '{script}'; echo card $CUDA_VISIBLE_DEVICES"], text=True, check=False,
                capture_output=True, timeout=60, env={
                    "PATH": os.defpath, "HAVEN_LOCKS": name, "CUDA_VISIBLE_DEVICES": "0"})

        assert (take().stdout, take().stderr) == ("card 0\n", "")
        lock.chmod(0)
        refused = take()
        assert refused.returncode == 2 and refused.stderr == (
            f"haven: error: {lock}, which hands out card 0, can't be made or read: its owner may "
            "call chmod a+r on it\n")
