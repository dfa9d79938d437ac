"""Material files of twelve kinds of crystals: published structures, coordinates rounded."""

from __future__ import annotations

from typing import Any


def lattice(a: float, b: float, c: float, alpha=90.0, beta=90.0, gamma=90.0) -> dict[str, float]:
    return {"a_angstrom": a, "b_angstrom": b, "c_angstrom": c, "alpha_degree": alpha,
            "beta_degree": beta, "gamma_degree": gamma}


def at(x: float, y: float, z: float, species: Any = None, layer: float | None = None) -> dict:
    site: dict[str, Any] = {"position": [x, y, z]}
    return site | ({"species": species} if species else {}) | (
        {} if layer is None else {"layer": layer})


THIRD, TWO_THIRDS = 1 / 3, 2 / 3
CRYSTALS: dict[str, dict[str, Any]] = {
    "argyrodite": {
        "name": "li6ps5cl", "formula": "Li6PS5Cl", "space_group": "F-43m",
        "lattice": lattice(9.86, 9.86, 9.86), "mobile": "Li",
        "charges": {"Li": 1, "P": 5, "S": -2, "Cl": -1},
        "anion_sites": {"4a": at(0, 0, 0, {"Cl": 0.6, "S": 0.4}),
                        "4d": at(0.25, 0.25, 0.75, {"S": 0.6, "Cl": 0.4}),
                        "16e": at(0.1195, -0.1195, 0.6195, "S")},
        "cation_sites": {"4b": at(0, 0, 0.5), "48h": at(0.183, 0.183, 0.024)},
        "occupancies": {"default": {"P": {"4b": 1}, "Li": {"48h": 0.5}}}},
    "LATP": {
        "name": "latp", "formula": "Li1.3Al0.3Ti1.7(PO4)3", "space_group": "R-3c", "setting": "H",
        "lattice": lattice(8.5, 8.5, 20.82, gamma=120), "mobile": "Li",
        "charges": {"Li": 1, "Al": 3, "Ti": 4, "P": 5, "O": -2},
        "anion_sites": {"36f_1": at(0.186, 0.995, 0.19, "O"), "36f_2": at(0.19, 0.165, 0.081, "O")},
        "cation_sites": {"6b": at(0, 0, 0), "12c": at(0, 0, 0.142), "18e": at(0.29, 0, 0.25),
                         "18e_2": at(0.64, 0, 0.25)},
        "occupancies": {"default": {"Al": {"12c": 0.15}, "Ti": {"12c": 0.85}, "P": {"18e": 1}}}},
    "LGPS": {
        "name": "lgps", "formula": "Li10GeP2S12", "space_group": "P42/nmc", "setting": "1",
        "lattice": lattice(8.718, 8.718, 12.635), "mobile": "Li",
        "charges": {"Li": 1, "Ge": 4, "P": 5, "S": -2},
        "anion_sites": {"8g_1": at(0, 0.18, 0.40, "S"), "8g_2": at(0, 0.29, 0.095, "S"),
                        "8g_3": at(0, 0.70, 0.79, "S")},
        "cation_sites": {"4d": at(0, 0.5, 0.69), "2b": at(0, 0, 0.5),
                         "16h": at(0.257, 0.272, 0.182), "4d_2": at(0, 0.5, 0.945),
                         "8f": at(0.24, 0.24, 0)},
        "occupancies": {"default": {"Ge": {"4d": 0.5}, "P": {"4d": 0.5, "2b": 1}}}},
    "LLZO": {
        "name": "llzo", "formula": "Li7La3Zr2O12", "space_group": 230,
        "lattice": lattice(12.97, 12.97, 12.97), "mobile": "Li",
        "charges": {"Li": 1, "La": 3, "Zr": 4, "O": -2},
        "anion_sites": {"96h": at(-0.032, 0.0546, 0.1499, "O")},
        "cation_sites": {"24c": at(0.125, 0, 0.25), "16a": at(0, 0, 0), "24d": at(0.375, 0, 0.25),
                         "96h_2": at(0.0985, 0.6878, 0.5766)},
        "occupancies": {"default": {"La": {"24c": 1}, "Zr": {"16a": 1}}}},
    "Na3PS4": {
        "name": "na3ps4", "formula": "Na3PS4", "space_group": "I-43m",
        "lattice": lattice(7.07, 7.07, 7.07), "mobile": "Na", "charges": {"Na": 1, "P": 5, "S": -2},
        "anion_sites": {"8c": at(0.165, 0.165, 0.165, "S")},
        "cation_sites": {"2a": at(0, 0, 0), "6b": at(0, 0.5, 0.5)},
        "occupancies": {"default": {"P": {"2a": 1}}}},
    "LiFePO4, antiferromagnetic": {
        "name": "lifepo4", "formula": "LiFePO4", "space_group": "Pnma",
        "lattice": lattice(10.33, 6.01, 4.69), "mobile": "Li",
        "charges": {"Li": 1, "Fe": 2, "P": 5, "O": -2},
        "moments": {"Fe": {"4c_up": 4.0, "4c_down": -4.0}}, "hubbard": {"Fe": "d"},
        "anion_sites": {"4c_O1": at(0.0968, 0.25, 0.7428, "O"),
                        "4c_O2": at(0.4571, 0.25, 0.2060, "O"),
                        "8d": at(0.1656, 0.0465, 0.2848, "O")},
        "cation_sites": {
            "4a": at(0, 0, 0), "4c": at(0.0948, 0.25, 0.4182),
            "4c_up": {"positions": [[0.2822, 0.25, 0.9747], [0.2178, 0.75, 0.4747]]},
            "4c_down": {"positions": [[0.7178, 0.75, 0.0253], [0.7822, 0.25, 0.5253]]}},
        "occupancies": {"default": {"Fe": {"4c_up": 1, "4c_down": 1}, "P": {"4c": 1}}}},
    "NMC with antisites": {
        "name": "nmc811", "formula": "LiNi0.8Mn0.1Co0.1O2", "space_group": "R-3m", "setting": "H",
        "lattice": lattice(2.87, 2.87, 14.2, gamma=120), "mobile": "Li",
        "charges": {"Li": 1, "Ni": 3, "Mn": 3, "Co": 3, "O": -2},
        "moments": {"Ni": 1.0, "Mn": 4.0},
        "hubbard": {"Ni": {"shell": "d", "u_ev": 6.2}, "Mn": {"shell": "d", "u_ev": 3.9},
                    "Co": {"shell": "d", "u_ev": 3.3}},
        "anion_sites": {"6c": at(0, 0, 0.259, "O")},
        "cation_sites": {"3a": at(0, 0, 0), "3b": at(0, 0, 0.5)},
        "occupancies": {"default": {"Ni": {"3b": 0.76, "3a": 0.04}, "Mn": {"3b": 0.1},
                                    "Co": {"3b": 0.1}, "Li": {"3a": 0.96, "3b": 0.04}}}},
    "beta-alumina": {
        "name": "beta", "formula": "NaAl11O17", "space_group": "P63/mmc",
        "lattice": lattice(5.59, 5.59, 22.5, gamma=120), "mobile": "Na",
        "charges": {"Na": 1, "Al": 3, "O": -2},
        "anion_sites": {"12k_1": at(0.1571, 0.3142, 0.0502, "O"),
                        "12k_2": at(0.503, 0.006, 0.1478, "O"),
                        "4f_O": at(THIRD, TWO_THIRDS, -0.0555, "O"), "4e": at(0, 0, 0.1424, "O"),
                        "2c": at(THIRD, TWO_THIRDS, 0.25, "O")},
        "cation_sites": {"12k": at(0.832, 0.664, 0.1063), "4f_1": at(THIRD, TWO_THIRDS, 0.0248),
                         "4f_2": at(THIRD, TWO_THIRDS, 0.1755), "2a": at(0, 0, 0),
                         "2d": at(TWO_THIRDS, THIRD, 0.25)},
        "occupancies": {"default": {"Al": {"12k": 1, "4f_1": 1, "4f_2": 1, "2a": 1}}}},
    "AgI": {
        "name": "agi", "formula": "AgI", "space_group": "Im-3m",
        "lattice": lattice(5.07, 5.07, 5.07), "mobile": "Ag", "charges": {"Ag": 1, "I": -1},
        "anion_sites": {"2a": at(0, 0, 0, "I")}, "cation_sites": {"12d": at(0.25, 0, 0.5)},
        "occupancies": {"default": {}}},
    "Li3YCl6": {
        "name": "li3ycl6", "formula": "Li3YCl6", "space_group": "P-3m1",
        "lattice": lattice(11.20, 11.20, 6.03, gamma=120), "mobile": "Li",
        "charges": {"Li": 1, "Y": 3, "Cl": -1},
        "anion_sites": {"6i_1": at(0.112, -0.112, 0.779, "Cl"), "6i_2": at(0.22, -0.22, 0.26, "Cl"),
                        "6i_3": at(0.444, -0.444, 0.768, "Cl")},
        "cation_sites": {"1a": at(0, 0, 0, layer=0.0),
                         "2d_2": at(THIRD, TWO_THIRDS, 0.49, layer=0.5),
                         "2d_3": at(THIRD, TWO_THIRDS, 0.0, layer=0.0),
                         "6g": at(0.34, 0, 0, layer=0.0), "6h": at(0.34, 0, 0.5, layer=0.5)},
        "occupancies": {"default": {"Y": {"1a": 1, "2d_2": 0.9, "2d_3": 0.1},
                                    "Li": {"6g": 1.0, "6h": 0.5}}}},
    "Li3InCl6": {
        "name": "li3incl6", "formula": "Li3InCl6", "space_group": "C2/m",
        "lattice": lattice(6.41, 11.10, 6.39, beta=109.8), "mobile": "Li",
        "charges": {"Li": 1, "In": 3, "Cl": -1},
        "anion_sites": {"4i": at(0.2418, 0, 0.7685, "Cl"), "8j": at(0.2405, 0.1605, 0.2405, "Cl")},
        "cation_sites": {"2a": at(0, 0, 0, layer=0.0), "4g": at(0, 0.333, 0, layer=0.0),
                         "2d": at(0, 0.5, 0.5, layer=0.5), "4h": at(0, 0.167, 0.5, layer=0.5)},
        "occupancies": {"default": {"In": {"2a": 0.9, "4g": 0.05}}}},
    "fluorite oxide": {  # the mobile ion is the anion: the metals are the host that stays
        "name": "gdc20", "formula": "Ce0.8Gd0.2O1.9", "space_group": "Fm-3m",
        "lattice": lattice(5.42, 5.42, 5.42), "mobile": "O", "charges": {"Ce": 4, "Gd": 3, "O": -2},
        "anion_sites": {"4a": at(0, 0, 0, {"Ce": 0.8, "Gd": 0.2})},
        "cation_sites": {"8c": at(0.25, 0.25, 0.25)}, "occupancies": {"default": {}}},
}
# atoms of the supercell that the test builds, with its conventional cells
EXPECTED = {
    "argyrodite": ((1, 1, 1), {"Li": 24, "P": 4, "S": 20, "Cl": 4}),
    "LATP": ((1, 1, 1), {"Li": 8, "Al": 2, "Ti": 10, "P": 18, "O": 72}),
    "LGPS": ((1, 1, 1), {"Li": 20, "Ge": 2, "P": 4, "S": 24}),
    "LLZO": ((1, 1, 1), {"Li": 56, "La": 24, "Zr": 16, "O": 96}),
    "Na3PS4": ((2, 1, 1), {"Na": 12, "P": 4, "S": 16}),
    "LiFePO4, antiferromagnetic": ((1, 2, 1), {"Li": 8, "Fe": 8, "P": 8, "O": 32}),
    "NMC with antisites": ((4, 2, 1), {"Li": 24, "Ni": 19, "Mn": 3, "Co": 2, "O": 48}),
    "beta-alumina": ((1, 1, 1), {"Na": 2, "Al": 22, "O": 34}),
    "AgI": ((2, 2, 2), {"Ag": 16, "I": 16}),
    "Li3YCl6": ((1, 1, 2), {"Li": 18, "Y": 6, "Cl": 36}),
    "Li3InCl6": ((2, 1, 1), {"Li": 12, "In": 4, "Cl": 24}),
    "fluorite oxide": ((5, 1, 1), {"Ce": 16, "Gd": 4, "O": 38}),
}
