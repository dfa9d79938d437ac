"""Physical constants and conversions, once: the values of CODATA 2022.

They are written out, since every script reads them and scipy.constants takes longer to import than
most tables to read; a test holds them against SciPy's.

Units are in the names. A limit that decides a verdict is no constant of this kind: it stands where
the verdict is made, with its reason.
"""

from __future__ import annotations

BOLTZMANN_J_PER_K = 1.380649e-23  # exact
ELEMENTARY_CHARGE_C = 1.602176634e-19  # exact
BOLTZMANN_EV_PER_K = BOLTZMANN_J_PER_K / ELEMENTARY_CHARGE_C
HARTREE_EV = 27.211386245981
RYDBERG_EV = HARTREE_EV / 2
BOHR_ANGSTROM = 0.529177210544
EV_PER_ANGSTROM3_GPA = ELEMENTARY_CHARGE_C * 1e30 * 1e-9  # 1 eV/Angstrom^3 in GPa
COULOMB_EV_ANGSTROM = HARTREE_EV * BOHR_ANGSTROM  # e^2 / (4 pi eps0)
BAR_GPA = 1e-4
Z95 = 1.959963984540054  # half width of a normal 95 % interval, in standard deviations

# Verdicts of a run of transport, the best first: a joined number carries the worst of its runs.
NOT_STATIONARY = "not_stationary"  # verdict on a run whose halves differ beyond their errors
SEVERITY = ("diffusive", "subdiffusive", "too_few_events", "no_host", "drifting", "not_stationary",
            "unstable")
