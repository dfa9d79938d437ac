"""Tables of structures and of relaxed cells."""

from __future__ import annotations

from haven.core.columns import MATERIAL, REPLICA, SEED, U_EV, Schema, real, text, truth, whole

STRUCTURES = Schema("structures", (
    MATERIAL,
    REPLICA,
    whole("seed", "random seed of the disorder"),
    text("structure", "name of the structure"),
    text("role", "cell (for labels) | supercell (for dynamics)"),
    text("site", "Wyckoff site"),
    text("species", "element on the site, or vacancy"),
    whole("count", "sites of this kind so occupied"),
    whole("sites", "sites of this kind"),
    real("occupancy", "count / sites"),
    real("target_occupancy", "what the material file asks for", nullable=True),
    whole("atoms", "atoms of the structure"),
    real("volume_angstrom3", "|det(cell)|", "Angstrom^3"),
    real("min_distance_angstrom", "shortest interatomic distance", "Angstrom"),
    real("warren_cowley", "Ti about Ti on cation neighbours; 0 is random", nullable=True),
))

LATTICE = Schema("lattice", (
    MATERIAL, U_EV, SEED, REPLICA,
    text("occupancies", "name of the set of occupancies"),
    text("system", "occupancies of the framework cation by site, three digits"),
    text("engine", "potential, or the program that relaxed the cell from first principles (and the "
         "dispersion correction added)"),
    text("start", "annealed (mobile ions, until settled) | not settled (annealed for the time "
         "given) | as made | first principles", nullable=True),
    whole("atoms", "atoms of the relaxed supercell"),
    real("a_angstrom", "lattice constant of the conventional cell", "Angstrom"),
    real("b_angstrom", "lattice constant", "Angstrom"),
    real("c_angstrom", "lattice constant", "Angstrom"),
    real("alpha_degree", "angle of b and c", "degree"),
    real("beta_degree", "angle of a and c", "degree"),
    real("gamma_degree", "angle of a and b", "degree"),
    real("volume_angstrom3", "|det(cell)| of the conventional cell", "Angstrom^3"),
    real("energy_ev_per_atom", "potential energy", "eV/atom"),
    real("force_max_ev_per_angstrom", "largest force left on an atom", "eV/Angstrom"),
    real("stress_max_gpa", "largest component of the stress left", "GPa"),
    whole("steps", "steps of the relaxation"),
    truth("converged", "whether forces and stress are within their limits"),
))

TABLES = (STRUCTURES, LATTICE)
