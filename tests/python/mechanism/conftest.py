"""The crystal and the sites that tests of jumps share."""

from __future__ import annotations

import numpy as np
import pytest

from haven.material.file import load_material
from haven.material.sites import lattice as sites


@pytest.fixture(scope="module")
def material(repository):
    return load_material(repository / "assets/materials/li3ticl6.yml")


@pytest.fixture(scope="module")
def lattice(material):
    return sites.site_lattice(material, material.cell * np.array([2.0, 1.0, 2.0])[:, None])
