"""What kind of file a CIF is, and whether its sites can be those of one crystal.

Each check refuses with a ``ValueError``, whose text says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from haven.core.errors import log
from haven.core.reading.elements import element_labelled
from haven.core.reading.extended_xyz import one_letter_apart
from haven.material.cif.crystal import CifOrbit
from haven.material.cif.grammar import OPERATORS, first_of
from haven.material.cif.operators import HALLS, NUMBERS, SYMBOLS

SITE_COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy",
                "symmetry_multiplicity", "attached_hydrogens", "calc_flag")
CELL_TAGS = tuple(f"_cell_{name}" for name in ("length_a", "length_b", "length_c", "angle_alpha",
                                               "angle_beta", "angle_gamma"))
WEIGHTY = (*(f"_atom_site_{name}" for name in SITE_COLUMNS), *CELL_TAGS, *OPERATORS, *SYMBOLS,
           *NUMBERS, *HALLS)
"""Tags whose loss, when misspelt by a letter, would change the crystal without a word."""
MODULATED = ("_cell_modulation_", "_cell_wave_vector", "_cell_subsystem", "_space_group_ssg_",
             "_space_group_symop_ssg_", "_superspace_", "_atom_site_displace_",
             "_atom_site_fourier", "_atom_site_occ_fourier", "_atom_site_occ_special",
             "_atom_site_rot_fourier", "_atom_site_u_fourier")
"""Tags of crystals in superspace begin so (Madariaga, International Tables G, chapter 3.4)."""
MAGNETIC = ("_space_group_magn_", "_space_group_symop_magn_")  # magCIF, of .mcif
MOMENTS = "_atom_site_moment"
NEAR_ANGSTROM = 0.5  # no two atoms are there at once: less than any bond
LEAST_FULL = 0.98  # occupancy of a site that is filled
FULL = 1.02  # occupancy of a site: those of its species are printed with two or three digits
SAME_AMOUNT = 0.1  # share of an element by which its formula may: occupancies are rounded


def check_tags(tags: Mapping[str, list[str]]) -> None:
    """Refuse a tag that differs by one letter from one whose loss would change the crystal."""
    for tag in tags:
        near = next((one for one in WEIGHTY if one_letter_apart(tag, one)), None)
        if near is not None and tag not in WEIGHTY:
            raise ValueError(f"the tag {tag[:60]} is nearly {near}: correct it")


def check_kind(tags: Mapping[str, list[str]]) -> None:
    """Refuse a crystal in superspace, and a magnetic one; warn where moments stand beside sites.

    Read as a common CIF the former is its average, which no atom has; the latter's symmetry is that
    of its magnetic cell, which a nuclear space group beside it is not.
    """
    plain_cell = tags.get("_cell_modulation_dimension", ["1"])[0] == "0"
    waves = next((tag for tag in tags if tag.startswith(MODULATED)), None)
    if waves and not plain_cell:
        raise ValueError(f"it is modulated ({waves}): waves that its average cell does not have "
                         "shift or replace its atoms: give a commensurate supercell, or a CIF of "
                         "the average without these tags where that will do")
    if magnetic := next((tag for tag in tags if tag.startswith(MAGNETIC)), None):
        raise ValueError(f"it is a magnetic CIF ({magnetic}), whose symmetry is that of the "
                         "moments: give the CIF of the nuclear crystal, and the moments by "
                         "--moments")
    if any(tag.startswith(MOMENTS) for tag in tags):
        log.warning("the moments of its sites (%s) are not taken: give them by --moments", MOMENTS)


def check_apart(sites: Sequence[CifOrbit], cell: np.ndarray) -> None:
    """Refuse two full points so near that one atom alone may be there; warn where partial ones are.

    The former are the alternatives of disorder groups without their occupancies; the latter stand
    in averages that are published, of sites that a refinement let overlap.
    """
    from ase.neighborlist import primitive_neighbor_list

    points = np.concatenate([site.points for site in sites])
    filled = np.repeat([sum(site.occupancy.values()) for site in sites],
                       [len(site.points) for site in sites])
    owner = np.repeat(np.arange(len(sites)), [len(site.points) for site in sites])
    first, second, apart = primitive_neighbor_list("ijd", (True,) * 3, cell, points @ cell,
                                                   NEAR_ANGSTROM)
    if not len(first):
        return
    together = filled + np.bincount(first, filled[second], len(points))
    both = filled[first] + filled[second]
    worst = int(np.argmax(both))
    held = ", ".join(sorted({element for one in (int(first[worst]), int(second[worst]))
                             for element in sites[owner[one]].occupancy}))
    where = f"points of {held} {apart[worst]:.2g} Angstrom apart"
    if both[worst] > 2 * LEAST_FULL:
        raise ValueError(f"{where} are both filled: give each alternative its occupancy, or leave "
                         "one out")
    if together.max() > FULL:
        log.warning("%s: of such a group %.3g atoms would be there at once, more than one", where,
                    together.max())


def check_multiplicities(found: Sequence[tuple[int, str]], operators: int) -> None:
    """Refuse sites with other images than the file says; SHELX says the order of the site there."""
    told = [(count, int(word)) for count, word in found if word.isdecimal()]
    if not told or all(count == value for count, value in told) or (
            all(count * value == operators for count, value in told)):
        return
    if all(value == 1 for _, value in told):  # a default that says nothing
        return
    count, value = next(one for one in told if one[0] != one[1])
    raise ValueError(f"a site of multiplicity {value} has {count} images by its symmetry: one of "
                     "them, or a coordinate, is wrong")


def check_formula(tags: Mapping[str, list[str]], sites: Sequence[CifOrbit]) -> None:
    """Refuse sites of other elements than the file's own formula names."""
    formula = first_of(tags, ("_chemical_formula_sum",))
    named = {"H" if word in ("D", "T") else word for word in re.findall(r"[A-Z][a-z]?", formula)}
    here = {element for site in sites for element in site.occupancy}
    if not named or any(element_labelled(word) is None for word in named):
        return
    if named == here:
        _say_amounts(formula, sites)
        return
    if extra := sorted(here - named):
        raise ValueError(f"its sites hold {', '.join(extra)}, which its formula ({formula[:60]}) "
                         "does not have: correct one of them")
    lacking = sorted(named - here)
    raise ValueError(f"no site holds {', '.join(lacking)} of its formula ({formula[:60]}): add "
                     "the sites, or correct _chemical_formula_sum")


def _say_amounts(formula: str, sites: Sequence[CifOrbit]) -> None:
    """Warn where the sites hold an element in another share than the file's formula says."""
    told: dict[str, float] = {}
    for word, amount in re.findall(r"([A-Z][a-z]?)\s*(\d*\.?\d*)", formula):
        element = "H" if word in ("D", "T") else word
        told[element] = told.get(element, 0.0) + float(amount if amount.strip(".") else 1.0)
    found = dict.fromkeys(told, 0.0)
    for site in sites:
        for element, share in site.occupancy.items():
            found[element] += share * len(site.points)
    if not all(told.values()):
        return
    ratios = {element: found[element] / amount for element, amount in told.items()}
    usual = max(ratios.values(), key=lambda one: (sum(
        abs(ratio / one - 1) <= SAME_AMOUNT for ratio in ratios.values()), one))
    others = [f"{found[element] / usual:.3g} {element}" for element, ratio in ratios.items()
              if abs(ratio / usual - 1) > SAME_AMOUNT]
    if others:
        log.warning("its sites hold %s where its formula says %s: is a site or an occupancy "
                    "missing?", ", ".join(others), formula[:80])
