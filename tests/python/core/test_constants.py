"""Constants and conversions agree with SciPy's and with ASE's table of CODATA values."""

import pytest
from ase import units
from scipy import constants as si

from haven.core import constants


@pytest.mark.parametrize("name, value", [
    ("BOLTZMANN_EV_PER_K", units.kB), ("HARTREE_EV", units.Hartree), ("BOHR_ANGSTROM", units.Bohr),
    ("EV_PER_ANGSTROM3_GPA", 1 / units.GPa), ("BAR_GPA", units.bar / units.GPa),
    ("COULOMB_EV_ANGSTROM", units.Hartree * units.Bohr), ("ELEMENTARY_CHARGE_C", units._e),
    ("BOLTZMANN_J_PER_K", units._k),
])
def test_a_constant_is_that_of_another_table(name, value):
    assert getattr(constants, name) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("name, value", [
    ("BOLTZMANN_J_PER_K", si.k), ("ELEMENTARY_CHARGE_C", si.e), ("BOLTZMANN_EV_PER_K", si.k / si.e),
    ("HARTREE_EV", si.value("Hartree energy in eV")),
    ("BOHR_ANGSTROM", si.value("Bohr radius") * 1e10),
    ("COULOMB_EV_ANGSTROM", si.e / (4 * si.pi * si.epsilon_0) * 1e10),
])
def test_a_constant_is_scipy_s(name, value):
    assert getattr(constants, name) == pytest.approx(value, rel=1e-9)
