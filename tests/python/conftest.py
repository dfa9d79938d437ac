"""Fixtures that several tests share; `bin/` itself is put on the path by pyproject.toml."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Make one folder for what the workers of a test run share (see trained.py)."""
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist inherits it
        os.environ["HAVEN_TEST_SHARED"] = tempfile.mkdtemp(prefix="haven_shared_")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it once the last worker has ended."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["HAVEN_TEST_SHARED"], ignore_errors=True)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the repository."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator with a fixed seed, fresh for each test."""
    return np.random.default_rng(20260101)
