"""Physical constants and conversions, once: CODATA values as SciPy has them.

Units are in the names. A limit that decides a verdict is no constant of this kind: it stands where
the verdict is made, with its reason.
"""

from __future__ import annotations

from scipy import constants as si
from scipy.constants import physical_constants

BOLTZMANN_J_PER_K = si.k
ELEMENTARY_CHARGE_C = si.e
BOLTZMANN_EV_PER_K = si.k / si.e
HARTREE_EV = physical_constants["Hartree energy in eV"][0]
RYDBERG_EV = HARTREE_EV / 2
BOHR_ANGSTROM = physical_constants["Bohr radius"][0] * 1e10
EV_PER_ANGSTROM3_GPA = si.e * 1e30 * 1e-9  # 1 eV/Angstrom^3 in GPa
COULOMB_EV_ANGSTROM = si.e / (4 * si.pi * si.epsilon_0) * 1e10  # e^2 / (4 pi eps0)
BAR_GPA = 1e-4
Z95 = 1.959963984540054  # half width of a normal 95 % interval, in standard deviations

# Verdicts of a run of transport, the best first: a joined number carries the worst of its runs.
NOT_STATIONARY = "not_stationary"  # verdict on a run whose halves differ beyond their errors
SEVERITY = ("diffusive", "subdiffusive", "too_few_events", "no_host", "drifting", "not_stationary",
            "unstable")
