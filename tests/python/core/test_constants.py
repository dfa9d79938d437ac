"""Constants and conversions agree with ASE's, an independent table of the same CODATA values."""

import pytest
from ase import units

from haven.core import constants


@pytest.mark.parametrize("name, value", [
    ("BOLTZMANN_EV_PER_K", units.kB), ("HARTREE_EV", units.Hartree), ("BOHR_ANGSTROM", units.Bohr),
    ("EV_PER_ANGSTROM3_GPA", 1 / units.GPa), ("BAR_GPA", units.bar / units.GPa),
    ("COULOMB_EV_ANGSTROM", units.Hartree * units.Bohr), ("ELEMENTARY_CHARGE_C", units._e),
    ("BOLTZMANN_J_PER_K", units._k),
])
def test_a_constant_is_that_of_another_table(name, value):
    assert getattr(constants, name) == pytest.approx(value, rel=1e-6)
