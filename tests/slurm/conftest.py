"""Fixtures: a cluster on this machine, and one study on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from study import Study, conduct

HERE = Path(__file__).parent
NO_SLURM = 3


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for runs; ./haven test keeps it where something failed."""
    return Path(os.environ.get("HAVEN_SCRATCH") or tmp_path_factory.mktemp("slurm")) / "slurm"


@pytest.fixture(scope="session", autouse=True)
def cluster(scratch: Path) -> Iterator[Path]:
    """Two pretended GPUs; where SLURM can't be started the tests are skipped with the reason."""
    folder = scratch / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    started = subprocess.run([HERE / "cluster.sh", "start", folder, str(os.getpid())], text=True,
                             check=False, capture_output=True)
    if started.returncode == NO_SLURM:
        pytest.skip(started.stderr.strip())
    assert started.returncode == 0, started.stderr
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    yield folder
    subprocess.run([HERE / "cluster.sh", "stop", folder], check=True)
    left = subprocess.run([HERE / "cluster.sh", "left", folder], text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    assert not left, f"processes of the cluster are still there: {left}"


@pytest.fixture(scope="session")
def study(scratch: Path, cluster: Path) -> Study:
    """The miniature study through SLURM."""
    return conduct(scratch / "study")
