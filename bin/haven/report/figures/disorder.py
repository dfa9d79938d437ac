"""Figures of the disorder: the simulated cell, and a cell of every set of occupancies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.report.figures.style import BY_SPECIES, GREY, OKABE, Picture, joint_legend, panels

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

MOST = 6  # panels


def occupancies(paths: list[Path]) -> Picture | None:
    """One layer of a cell of each set of occupancies: framework cations by site, ions, gaps."""
    paths = [path for path in paths if path.name.endswith(".occupancies.extxyz")]
    if not paths:
        return None
    import numpy as np
    from ase.io import read

    cells: Any = _unlike(list(read(sorted(paths)[0], ":")))[:MOST]
    first = cells[0]
    mobile, layer = str(first.info["mobile"]), np.asarray(first.get_array("layer"))
    kinds = np.array([cell.get_chemical_symbols() for cell in cells])
    framework = sorted(set(kinds.ravel()) - {mobile, "X"})
    shown = layer == layer[np.isin(kinds, framework).any(axis=0)].min()
    columns = min(2, len(cells))
    rows = -(-len(cells) // columns)
    height, width = np.ptp(first.positions[shown, :2], axis=0) + 3
    figure, axes = panels(rows, columns, sharex=True, sharey=True,
                          height=rows * (4.9 / columns * height / width + 0.4) + 0.8)
    for axis, cell in zip(axes.flat, cells, strict=False):
        _layer(axis, cell[shown], framework, mobile, 700 / columns**2 / shown.sum() ** 0.5)
    for axis in axes.flat[len(cells):]:
        axis.remove()
    for axis in axes[:, 0]:
        axis.set_ylabel("along a (Å)")
    for axis in axes.flat[max(0, len(cells) - columns) : len(cells)]:
        axis.set_xlabel("along b (Å)")
        axis.tick_params(labelbottom=True)
    joint_legend(figure, axes.flat[: len(cells)], columns=4)
    of = " and ".join(framework)
    caption = (f"Cations of the layer that holds {of}, in a cell of {first.info['repeat']} "
               f"conventional ones for each set of occupancies of the material; above each the "
               f"share of its sites that {of} fills here (sets that give the same shares in so "
               f"small a cell are drawn once). Anions are left out; seed {first.info['seed']}.")
    return Picture("occupancies", "Every set of occupancies", caption,
                   "Places of framework cations, mobile ions and vacancies in one layer for each "
                   "set of occupancies", figure)


def _unlike(cells: list[Any]) -> list[Any]:
    """Return the cells whose sites are filled in other numbers than any before."""
    seen: dict[tuple, Any] = {}
    for cell in cells:
        pairs = zip(cell.get_array("site"), cell.get_chemical_symbols(), strict=True)
        held = [pair for pair in pairs if pair[1] not in ("X", cell.info["mobile"])]
        seen.setdefault(tuple(sorted(held)), cell)
    return list(seen.values())


def _layer(axis: Axes, sites: Any, framework: list[str], mobile: str, size: float) -> None:
    """Draw one layer: squares and diamonds are the framework, dots ions, rings vacancies."""
    import numpy as np

    kinds, letters = np.array(sites.get_chemical_symbols()), np.asarray(sites.get_array("site"))
    styles = [(species, letter) for species in framework for letter in sorted(set(letters))]
    title = []
    for (species, letter), colour, marker in zip(styles, OKABE[:2] + OKABE[3:], "sDv^Ps"[:6],
                                                 strict=False):
        chosen = (kinds == species) & (letters == letter)
        axis.scatter(*sites.positions[chosen][:, 1::-1].T, s=1.3 * size, marker=marker,
                     color=colour, label=f"{species} on {letter}", linewidth=0, clip_on=False)
        title.append(f"{letter} {chosen.sum() / (letters == letter).sum():.3g}")
    axis.scatter(*sites.positions[kinds == mobile][:, 1::-1].T, s=size, clip_on=False,
                 color=BY_SPECIES.get(mobile, OKABE[2]), label=mobile, linewidth=0)
    axis.scatter(*sites.positions[kinds == "X"][:, 1::-1].T, s=0.6 * size, facecolor="none",
                 edgecolor=GREY, linewidth=0.7, label="vacancy", clip_on=False)
    axis.set_title(", ".join(title), fontsize=11)
    axis.set(aspect="equal")
    axis.grid(False)


def supercell(paths: list[Path]) -> Picture | None:
    """Cations of a supercell, one panel a layer, seen along the layer normal."""
    paths = [path for path in paths if path.name.endswith(".supercell.extxyz")]
    if not paths:
        return None
    import numpy as np
    from ase.io import read

    path = sorted(paths)[0]
    atoms: Any = read(path)
    symbols = np.array(atoms.get_chemical_symbols())
    scaled = atoms.get_scaled_positions(wrap=True)
    common = max(set(symbols), key=list(symbols).count)  # the anion makes most of the atoms
    cations = symbols != common
    normal = np.cross(atoms.cell[0], atoms.cell[1])
    height = atoms.positions @ (normal / np.linalg.norm(normal))
    spacing = float(atoms.info.get("layer_spacing_angstrom", 0)) or _spacing(height[cations])
    layer = np.rint((height - height[cations].min()) / spacing).astype(int)
    places = scaled[:, :1] * atoms.cell[0] + scaled[:, 1:2] * atoms.cell[1]
    shape = float(np.ptp(places[:, 0]) + 2) / float(np.ptp(places[:, 1]) + 2)
    figure, axes = panels(2, 1, height=2 * 4.6 * shape + 1.6, sharex=True)
    for axis, number in zip(axes[:, 0], (0, 1), strict=True):
        for species in sorted(set(symbols[cations])):
            chosen = cations & (symbols == species) & (layer == number)
            axis.scatter(places[chosen, 1], places[chosen, 0], label=species, edgecolor="white",
                         s=min(5000 / max(int(cations.sum()) ** 0.75, 1), 120), linewidth=0.4,
                         color=BY_SPECIES.get(species, "#CC79A7"), clip_on=False,
                         marker={"Ti": "s"}.get(species, "o"))
        axis.set(aspect="equal", ylabel="along a (Å)", title=f"cation layer {number + 1}")
        axis.grid(False)
    axes[1, 0].set_xlabel("along b (Å)")
    joint_legend(figure, axes[:, 0])
    caption = (f"{path.name}: {len(atoms)} atoms; cations of the two lowest layers, seen along "
               f"the layer normal; empty places are vacancies; {common} is left out.")
    return Picture("supercell", "The simulated cell", caption,
                   "Places of the cations in two layers of the supercell", figure)


def _spacing(heights: np.ndarray) -> float:
    """Return the distance of neighbouring layers from the heights of their atoms, Angstrom."""
    import numpy as np

    steps = np.diff(np.sort(heights))
    wide = steps[steps > 1.0]
    return float(np.median(wide)) if len(wide) else float(np.ptp(heights)) or 1.0
