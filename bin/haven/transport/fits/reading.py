"""What a folder holds of runs: tables and modes, each run once, the mobile species apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from haven.core import tables
from haven.core.columns import Schema
from haven.core.errors import HavenError
from haven.core.types import Table
from haven.transport.fits.condition import ENDING, KEYS, Watched, read_folder, run_key
from haven.transport.tables import CONDUCTIVITY, DIFFUSION

FILE = "file"
"""Column with the name of the file that a row is read from."""


@dataclass(frozen=True)
class RunTables:
    """Tables of the runs of a folder.

    Attributes
    ----------
    diffusion, conductivity
        Rows of all files, with columns ``file`` and ``species``. Where runs of one material follow
        several mobile species, each species is a material of its own, such as ``LNC (Na)``.
    names
        Material and species of the runs that got such a name, to the name.
    """

    diffusion: Table
    conductivity: Table
    names: Mapping[tuple[str, str], str]


def read_runs(folder: Path) -> RunTables:
    """Return the tables of all runs of a folder.

    Raises
    ------
    HavenError
        If there are none, two runs have the same keys, or it is not told which species a
        conductivity is of.
    """
    diffusion, conductivity = (_with_files(what, folder) for what in (DIFFUSION, CONDUCTIVITY))
    if diffusion.empty or conductivity.empty:
        raise HavenError(f"{folder} has no diffusion and conductivity tables: analyse runs first")
    conductivity = conductivity.assign(species=_species_of(conductivity, diffusion))
    moving = diffusion.groupby("material")["species"].unique()
    names = {(str(material), str(one)): f"{material} ({one})"
             for material, some in moving.items() if len(some) > 1 for one in sorted(some)}
    found = []
    for rows, columns in ((diffusion, ("quantity", "axis")), (conductivity, ("quantity",))):
        named = rows.assign(material=[
            names.get((material, species), material)
            for material, species in zip(rows["material"], rows["species"], strict=True)])
        _check_once(named, [*KEYS, "species", *columns])
        found.append(named)
    return RunTables(found[0], found[1], names)


def read_modes(folder: Path, names: Mapping[tuple[str, str], str]) -> list[Watched]:
    """Return the modes of all runs of a folder, their materials named as in `RunTables`.

    Raises
    ------
    HavenError
        If two files are of runs with the same keys.
    """
    files: dict[tuple[Any, ...], str] = {}
    found = []
    paths = sorted(folder.glob(f"*{ENDING}"))
    for path, run in zip(paths, read_folder(folder), strict=True):
        material = names.get((run.keys["material"], run.species), run.keys["material"])
        found.append(replace(run, keys={**run.keys, "material": material}))
        key = (*run_key(found[-1].keys), run.species)
        if key in files:
            raise _twice([files[key], path.name], {**found[-1].keys, "species": run.species})
        files[key] = path.name
    return found


def _with_files(table: Schema, folder: Path) -> Table:
    """Return a table's rows of every file of a folder, with the file's name."""
    import pandas as pd

    read = [tables.read(table, path).assign(**{FILE: path.name})
            for path in tables.files_of(table, folder)]
    filled = [rows for rows in read if len(rows)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()


def _species_of(conductivity: Table, diffusion: Table) -> list[str]:
    """Return the species of each row of conductivities: that of the diffusion table beside it.

    Raises
    ------
    HavenError
        If that one holds several species under the same keys.
    """
    known: dict[tuple[Any, ...], set[str]] = {}
    for row in diffusion[[FILE, *KEYS, "species"]].drop_duplicates().to_dict("records"):
        stem = row[FILE].removesuffix(f"{DIFFUSION.name}.parquet")
        for place in (stem, None):
            known.setdefault((place, *run_key(row)), set()).add(str(row["species"]))
    found = []
    for row in conductivity[[FILE, *KEYS]].to_dict("records"):
        stem = row[FILE].removesuffix(f"{CONDUCTIVITY.name}.parquet")
        some = known.get((stem, *run_key(row))) or known.get((None, *run_key(row))) or {""}
        if len(some) > 1:
            raise HavenError(
                f"{row[FILE]} does not say which conductivities of {row['material']} are of "
                f"{' and which of '.join(sorted(some))}: give the folder with a table for each run "
                "and species, as ./haven transport writes them")
        found.extend(some)
    return found


def _check_once(rows: Table, columns: list[str]) -> None:
    """Refuse two rows that agree in ``columns``: they are of two runs with the same keys."""
    twice = rows[rows.duplicated(columns, keep=False)]
    if len(twice):
        first = twice.iloc[0]
        same = twice[(twice[columns] == first[columns]).all(axis=1)]
        raise _twice(list(dict.fromkeys(same[FILE])), first)


def _twice(files: Sequence[str], keys: Mapping[str, Any]) -> HavenError:
    """Return the error of two runs with the same keys, of which one would count as the other."""
    of_u = f", U = {keys['u_ev']:g} eV" if keys["u_ev"] else ""
    return HavenError(
        f"{' and '.join(files[:2])}: two runs of {keys['species']} in {keys['material']} at "
        f"{keys['temperature_k']:g} K{of_u}, replica {keys['replica']}, seed {keys['seed']}: "
        "analyse them in one command, or each with another --replica, into a new --out; if they "
        "are of one trajectory, remove the files of one")
