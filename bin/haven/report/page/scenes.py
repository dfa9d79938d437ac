"""Three-dimensional scenes of the page: cell, density, jumps, tracks, paths of jumps."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.types import Table, Tables
from haven.dynamics.cell import USABLE, shared_cell
from haven.report.figures.dynamics import at_room
from haven.report.figures.scene_names import path_name, run_name

if TYPE_CHECKING:
    from ase import Atoms

Scene = dict[str, Any]
MOST_ATOMS = 3000  # shown of a cell: more cannot be told apart
MOST_CELLS = 4  # replicas whose cells are shown
MOST_POINTS = 250  # of a track
NEAR = 4.0  # Angstrom from a track: atoms of the host that are shown with it
MOST_HOST = 600  # of these: the nearest ones
PLACES = ["x_angstrom", "y_angstrom", "z_angstrom"]


def scenes(tables: Tables, structures: list[Path]) -> list[Scene]:
    """Return the scenes of the page, each with ``kind``, ``name``, ``run`` and its numbers.

    Parameters
    ----------
    tables
        All tables by name.
    structures
        Files of the supercell and of cells of every set of occupancies.

    Returns
    -------
    list of dict
        Lengths in Angstrom. ``run`` is what a row of a table or a point of a figure refers to a
        scene by: ``u4_t298_r0_s1`` of a run, ``u4_r0_s1 [110]`` of a path; empty for a cell.
    """
    return [*_cells(structures), *_densities(tables["density_grid"]),
            *_networks(tables["network"]), *_tracks(tables, structures), *_bands(tables)]


def _words(row: Any, whole: Table) -> str:
    """Return a run in words; replica and seed only where there are several."""
    parts = [f"U = {row['u_ev']:g} eV", f"{row['temperature_k']:g} K"]
    parts += [f"{name} {row[name]}" for name in ("replica", "seed") if whole[name].nunique() > 1]
    return ", ".join(parts)


def _numbers(values: Any, digits: int = 2) -> list[float]:
    import numpy as np

    return np.round(np.asarray(values, float), digits).ravel().tolist()


def _cells(paths: list[Path]) -> Iterator[Scene]:
    """Yield every supercell, or the block of it that can still be told apart."""
    import numpy as np
    from ase.io import read

    supercells = sorted(p for p in paths if p.name.endswith(".supercell.extxyz"))[:MOST_CELLS]
    for path in supercells:
        atoms: Any = read(path)
        shown, cut = _block(atoms)
        symbols = shown.get_chemical_symbols()
        kinds = sorted(set(symbols))
        yield {"kind": "cell", "run": "", "name": "the simulated cell" + (
            f" {path.name.partition('.')[0]}" if len(supercells) > 1 else ""), "species": kinds,
               "which": [kinds.index(symbol) for symbol in symbols],
               "places": _numbers(shown.positions), "lattice": _numbers(shown.cell.array, 3),
               "note": f"{len(atoms)} atoms, {path.name}" + (
                   f"; shown is a block of {len(shown)} in its corner" if cut else "")}
    for path in sorted(p for p in paths if p.name.endswith(".occupancies.extxyz"))[:1]:
        cells: Any = read(path, ":")
        for cell in cells:
            kept = cell[np.array(cell.get_chemical_symbols()) != "X"]
            symbols = kept.get_chemical_symbols()
            kinds = sorted(set(symbols))
            name = str(cell.info.get("occupancies") or cell.info.get("name") or "occupancies")
            yield {"kind": "cell", "name": f"cations, occupancies {name}", "run": "",
                   "species": kinds, "which": [kinds.index(symbol) for symbol in symbols],
                   "places": _numbers(kept.positions), "lattice": _numbers(cell.cell.array, 3),
                   "note": f"{len(kept)} ions on the sites of {path.name}; anions are left out"}


def _block(atoms: Atoms) -> tuple[Atoms, bool]:
    """Return a cell's atoms, or those of a corner block with its own cell, and whether it is one.

    The block is cut where cells repeat: at whole shares of each vector.
    """
    import numpy as np

    parts = 1
    while len(atoms) / parts**3 > MOST_ATOMS:
        parts += 1
    if parts == 1:
        return atoms, False
    inside = (atoms.get_scaled_positions(wrap=True) < 1 / parts - 1e-9).all(axis=1)
    block = atoms[np.flatnonzero(inside)]
    block.wrap()
    block.set_cell(atoms.cell.array / parts, scale_atoms=False)
    return block, True


def _densities(table: Table) -> Iterator[Scene]:
    """Yield the density of each U at its temperature nearest 298 K, mean over its runs."""
    import numpy as np

    if table.empty:
        return
    near, kelvins = at_room(table)
    fractions = ["a_fraction", "b_fraction", "c_fraction"]
    for u_ev, mine in near.groupby("u_ev"):
        shapes = {tuple(run[name].nunique() for name in fractions): run
                  for _, run in mine.groupby(["replica", "seed"])}
        shape, one = next(iter(shapes.items()))
        alike = [run for _, run in mine.groupby(["replica", "seed"])
                 if tuple(run[name].nunique() for name in fractions) == shape]
        order = [run.sort_values(fractions)["density_per_angstrom3"].to_numpy() for run in alike]
        mean, one = np.mean(order, axis=0), one.sort_values(fractions)
        lattice = np.linalg.lstsq(one[fractions].to_numpy(), one[PLACES].to_numpy(), rcond=None)[0]
        top = float(mean.max()) or 1.0
        packed = np.round(255 * np.sqrt(mean / top)).astype(np.uint8)  # the root: fine when low
        yield {"kind": "density", "run": "", "lattice": _numbers(lattice, 3),
               "name": f"{', '.join(sorted(set(mine['species'])))} density, U = {u_ev:g} eV, "
                       f"{kelvins[float(str(u_ev))]:g} K",
               "shape": [int(n) for n in shape], "top": float(f"{top:.4g}"),
               "values": base64.b64encode(packed.tobytes()).decode(),
               "note": f"mean of {len(alike)} run{'s' if len(alike) > 1 else ''}, folded into one "
                       "conventional cell"}


def _networks(table: Table) -> Iterator[Scene]:
    """Yield the sites and jumps of every run."""
    if table.empty:
        return
    for _, run in table.groupby(["u_ev", "temperature_k", "replica", "seed"]):
        first = run.iloc[0]
        sites, jumps = run[run["kind"] == "site"], run[run["kind"] != "site"]
        yield {"kind": "network", "run": run_name(first),
               "name": f"jumps, {_words(first, table)}",
               "sites": [[str(row["from_site"]), *_numbers([row[p] for p in PLACES])]
                         for row in sites.to_dict("records")],
               "jumps": [[*_numbers([row[p] for p in (*PLACES, *(f"to_{p}" for p in PLACES))]),
                          int(row["count"]), int(row["kind"] == "inter_layer"),
                          f"{row['from_site']} to {row['to_site']}"]
                         for row in jumps.to_dict("records")],
               "note": f"{int(jumps['count'].sum())} jumps, folded into one conventional cell"}


def _tracks(tables: Tables, structures: list[Path]) -> Iterator[Scene]:
    """Yield the ways of the tracked ions of every run, and the host about them."""
    import numpy as np

    table = tables["tracks"]
    if table.empty:
        return
    hosts = _hosts(tables, structures)
    for _, run in table.groupby(["u_ev", "temperature_k", "replica", "seed"]):
        first, ions = run.iloc[0], []
        for ion, one in run.groupby("ion"):
            one = one.sort_values("time_ps")
            kept = np.unique(np.linspace(0, len(one) - 1, min(len(one), MOST_POINTS)).astype(int))
            ions.append({"ion": int(str(ion)), "places": _numbers(one[PLACES].iloc[kept], 1),
                         "far": round(float(one["displacement_angstrom"].max()), 1),
                         "layers": int(one["layer"].nunique())})
        cell = hosts.get(int(first["replica"]))
        about = _about(cell, _lattice_of(tables["cells"], first, cell),
                       run[PLACES].to_numpy(float)) if cell is not None else {}
        yield {"kind": "tracks", "run": run_name(first), "name": f"tracks, {_words(first, table)}",
               "ions": ions, **about, "note": f"{len(ions)} ions over "
               f"{run['time_ps'].max() - run['time_ps'].min():.4g} ps" + (
                   "; the host about them is that of the starting structure" if about else "")}


def _hosts(tables: Tables, structures: list[Path]) -> dict[int, Atoms]:
    """Return the atoms of every replica's supercell that are not of a mobile species.

    The number of the replica is what the file's name begins with: ``r0.supercell.extxyz``.
    """
    import numpy as np
    from ase.io import read

    mobile = {str(s) for name in ("network", "hops", "density_grid", "diffusion")
              for s in tables[name]["species"].dropna()}
    found = {}
    for path in structures:
        number = re.fullmatch(r"r(\d+)\.supercell\.extxyz", path.name)
        if number:
            atoms: Any = read(path)
            stays = ~np.isin(atoms.get_chemical_symbols(), sorted(mobile))
            found[int(number.group(1))] = atoms[stays]
    return found


def _lattice_of(cells: Table, run: Any, host: Atoms | None) -> Any:
    """Return the cell that a run kept: vectors in rows, Angstrom, (3, 3).

    That is the mean of the replicas' cells at its U and temperature; without one, the structure's.
    """
    import numpy as np

    keys = ("u_ev", "temperature_k", "seed")
    shared = cells[np.logical_and.reduce([cells[key] == run[key] for key in keys])] if len(
        cells) else cells
    good = shared[shared["verdict"].isin(USABLE)] if len(shared) else shared
    if good.empty:
        return host.cell.array if host is not None else None
    return shared_cell(good)


def _about(host: Atoms, lattice: Any, places: Any) -> Scene:
    """Return the atoms of a host, and images of them, within `NEAR` of any of some places.

    Parameters
    ----------
    host
        Atoms whose fractional coordinates are used.
    lattice
        Vectors of the cell they are put into, in rows, Angstrom, (3, 3).
    places
        Where ions were, unwrapped, Angstrom, (n, 3).

    Returns
    -------
    dict
        ``lattice``, ``species``, ``which`` and ``places``, as a cell has them.
    """
    import numpy as np
    from scipy.spatial import cKDTree

    shown = {"lattice": _numbers(lattice, 3), "species": [], "which": [], "places": []}
    if not len(host):
        return shown
    where = host.get_scaled_positions(wrap=True)
    visited = np.unique(np.floor(places @ np.linalg.inv(lattice)).astype(int), axis=0)
    steps = np.array(list(product((-1, 0, 1), repeat=3)))
    shifts = np.unique((visited[:, None, :] + steps[None, :, :]).reshape(-1, 3), axis=0)
    images = (where[None, :, :] + shifts[:, None, :]).reshape(-1, 3) @ lattice
    away, _ = cKDTree(places).query(images, distance_upper_bound=NEAR)
    near = np.argsort(away)[:min(MOST_HOST, int(np.isfinite(away).sum()))]
    symbols = np.array(host.get_chemical_symbols())[near % len(host)].tolist()
    kinds = sorted(set(symbols))
    return shown | {"species": kinds, "which": [kinds.index(symbol) for symbol in symbols],
                    "places": _numbers(images[near], 1)}


def _bands(tables: Tables) -> Iterator[Scene]:
    """Yield the atoms about every path of table ``barriers``, image by image."""
    table, energies = tables["band_atoms"], tables["barriers"]
    if table.empty or energies.empty:
        return
    keys = ["u_ev", "seed", "replica", "path"]
    rows = {key: mine.sort_values("image") for key, mine in energies.groupby(keys)}
    for key, mine in table.groupby(keys):
        if key not in rows:
            continue
        band, first = rows[key], rows[key].iloc[0]
        atoms = mine[mine["image"] == mine["image"].min()].sort_values("atom")
        kinds = sorted(set(atoms["species"]))
        images = [_numbers(image.sort_values("atom")[PLACES])
                  for _, image in mine.groupby("image")]
        yield {"kind": "band", "run": path_name(first),
               "name": f"path {first['path']}, U = {first['u_ev']:g} eV",
               "species": kinds, "which": [kinds.index(s) for s in atoms["species"]],
               "moves": [int(n) for n in atoms["moves"].to_numpy().nonzero()[0]],
               "images": images, "energies": _numbers(band["energy_ev"], 4),
               "note": f"{first['from_site']} to {first['to_site']}, barrier "
                       f"{first['barrier_ev']:.3f} eV there, {first['reverse_barrier_ev']:.3f} eV "
                       f"back{'' if first['converged'] else '; not converged'}"
                       f"{'; ' + str(first['flag']).replace('_', ' ') if first['flag'] else ''}; "
                       "atoms within 5 Å of the path"}
