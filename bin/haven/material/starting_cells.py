"""Starting frames for labels: small disordered cells, strained and displaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from haven.material.crystal import Material, framework_counts, site_targets
from haven.material.disorder import draw_supercell
from haven.material.rounding import round_table

if TYPE_CHECKING:
    from ase import Atoms

REPEATS = ((1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 1, 2), (1, 1, 1), (1, 1, 1), (2, 1, 1))
FOURFOLD, EVERY = (2, 1, 2), 16
BALANCED = 200  # times that rows and columns of a table are brought to their sums


def draw_framework(
    material: Material, occupancies: str, repeat: tuple[int, int, int], random: np.random.Generator
) -> dict[str, dict[str, int]]:
    """Draw atoms of each kind of site for a cell too small to have the occupancies exactly.

    Each framework atom gets a kind of site with the probability that the occupancies give it, so
    that the average over many cells has the occupancies. Where elements share kinds of sites, the
    counts are those of the occupancies, rounded up or down at random (`round_table`).
    """
    cells = int(np.prod(repeat))
    targets = site_targets(material, occupancies)
    kinds = [site for by_site in targets.values() for site, value in by_site.items() if value]
    if len(set(kinds)) < len(kinds):
        return _of_shared_sites(material, targets, cells, random) or framework_counts(
            material, occupancies, cells)
    counts: dict[str, dict[str, int]] = {}
    for element, by_site in targets.items():
        total = material.atoms_of(element, cells)
        if not total:
            counts[element] = dict.fromkeys(by_site, 0)
            continue
        weight = np.array([v * len(material.sites[s]) for s, v in by_site.items()])
        room = np.array([len(material.sites[s]) * cells for s in by_site])
        drawn = np.minimum(random.multinomial(total, weight / weight.sum()), room)
        for _ in range(total - int(drawn.sum())):
            drawn[np.argmax(room - drawn)] += 1
        counts[element] = {s: int(n) for s, n in zip(by_site, drawn, strict=True)}
    return counts


def _of_shared_sites(
    material: Material, targets: Mapping[str, Mapping[str, float]], cells: int,
    random: np.random.Generator,
) -> dict[str, dict[str, int]] | None:
    """Return the counts of one draw where elements share kinds of sites; None if they don't fit."""
    sites = {site: len(points) * cells for site, points in material.sites.items()}
    totals = [material.atoms_of(element, cells) for element in targets]
    rows = np.array([*totals, sum(sites.values()) - sum(totals)], float)  # the last: what is free
    columns = np.array(list(sites.values()), float)
    table = np.array([[by_site.get(site, 0.0) for site in sites] for by_site in targets.values()])
    table = np.vstack([table, np.maximum(1 - table.sum(axis=0), 0.0)]) * columns
    for _ in range(BALANCED):  # printed occupancies are rounded: sums as they have to be
        for axis, wanted in ((1, rows), (0, columns)):
            now = table.sum(axis=axis, keepdims=True)
            table *= np.divide(np.expand_dims(wanted, axis), now, out=np.zeros_like(now),
                               where=now > 0)
    counts = round_table(table, random)
    if (counts.sum(axis=1) != rows).any() or (counts.sum(axis=0) != columns).any():
        return None
    return {element: {site: int(counts[row, column]) for column, site in enumerate(sites)
                      if site in by_site}
            for row, (element, by_site) in enumerate(targets.items())}


def starting_frames(
    material: Material, number: int, frames: int, displacement_angstrom: float, strain_max: float,
    seed: int, first: int = 0, atoms_max: int = 40,
) -> tuple[list[list[Atoms]], list[dict[str, object]]]:
    """Return trajectories of displaced frames, one for each starting structure.

    Structures take the material's occupancy sets in turn; mostly one conventional cell, every
    fourth a doubled and every sixteenth a fourfold one where ``atoms_max`` lets it; half have
    ordered, half random cations. All frames of a trajectory share one strain (uniform in each
    component); displacements are normal, 0.5 to 1.5 times the given width, larger for the mobile
    ion by the square root of the mass ratio to the mean, at most 2.

    Returns
    -------
    trajectories
        Lists of frames with ``info`` entries trajectory, frame, origin, strain_max.
    rows
        Rows of the table ``structures``.
    """
    atoms_per_cell = sum(material.composition.values()) * material.units_per_cell
    trajectories, rows = [], []
    for index in range(first, first + number):
        random = np.random.default_rng([seed, index])
        label = list(material.occupancies)[index % len(material.occupancies)]
        sizes = [REPEATS[index % len(REPEATS)], (1, 1, 1)]
        if index % EVERY == EVERY - 1:
            sizes.insert(0, FOURFOLD)
        repeat = next((size for size in sizes if np.prod(size) * atoms_per_cell <= atoms_max),
                      (1, 1, 1))
        framework = draw_framework(material, label, repeat, random)
        sweeps = 40 if index % 2 else 0
        atoms, new = draw_supercell(
            material, repeat, label, int(random.integers(2**31)), sweeps, framework)
        name = f"s{seed}_{index:03d}"
        rows += [{**row, "replica": index, "structure": name, "role": "cell"} for row in new]
        strain = random.uniform(-strain_max, strain_max, (3, 3))
        strain = 0.5 * (strain + strain.T)
        strained = atoms.copy()
        strained.set_cell(np.asarray(atoms.cell) @ (np.eye(3) + strain), scale_atoms=True)
        masses = atoms.get_masses()
        width = np.clip(np.sqrt(masses.mean() / masses), 0.5, 2.0) * displacement_angstrom
        trajectory = []
        for frame in range(frames):
            image = strained.copy()
            image.positions += random.normal(size=(len(image), 3)) * width[:, None] * (
                random.uniform(0.5, 1.5))
            image.info = {"trajectory": name, "frame": frame, "occupancies": label,
                          "origin": "strained" if strain_max else "rattled",
                          "strain_max": float(np.abs(strain).max())}
            trajectory.append(image)
        trajectories.append(trajectory)
    return trajectories, rows


