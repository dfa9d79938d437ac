"""Fixtures that several tests share; `bin/` itself is put on the path by pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the repository."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator with a fixed seed, fresh for each test."""
    return np.random.default_rng(20260101)
