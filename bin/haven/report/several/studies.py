"""Several studies beside each other: materials, values of U, potentials, versions, settings.

A study is a results folder of the pipeline, or the folder that ``./haven transport`` wrote to. A
material file stands for a material that nothing has been computed for: what was measured of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from haven.core.errors import HavenError, existing
from haven.core.types import Row, Table, Tables
from haven.report.claims.study import Study
from haven.report.claims.transport import sigma_at_room
from haven.report.numbers.measured import collect, study_u
from haven.report.page.provenance import provenance

MOST_STUDIES = 20  # curves that one picture can hold and a reader tell apart
MATERIAL_FILES = (".yml", ".yaml")


@dataclass(frozen=True)
class One:
    """A study.

    Attributes
    ----------
    label
        What it is called here.
    folder
        Where it is; of a material without results its material file.
    material
        Name of the material.
    tables, measured
        Its tables, and `haven.report.numbers.measured.collect` of them.
    parameters
        Settings as text; empty where the folder does not say them.
    made_by
        Versions of Haven with digests of the code that wrote the tables.
    """

    label: str
    folder: Path
    material: str
    tables: Tables
    measured: Table
    parameters: Mapping[str, str]
    made_by: tuple[str, ...]

    @property
    def computed(self) -> bool:
        """Whether it has results; False of a material file."""
        return not self.measured.empty

    @property
    def called_as_material(self) -> bool:
        """Whether it is called as its material, which the page then writes as a formula."""
        return self.label.lower() == self.material.lower()

    @property
    def us(self) -> list[float]:
        """Values of U with any number, eV."""
        return study_u(self.tables)

    @property
    def study(self) -> Study:
        """The study as its own report judges it, without published values."""
        return Study(self.tables, self.measured, self.tables["verdicts"].iloc[:0], tuple(self.us))

    def row(self, quantity: str, u_ev: float, kelvin: float | None = None) -> Row | None:
        """Return a number at a temperature (K), or the one nearest to 298 K.

        Parameters
        ----------
        quantity
            As in `haven.report.numbers.measured.collect`, or ``sigma``: the conductivity at 298 K,
            of runs there, else from the Arrhenius line.
        u_ev
            Of which U, eV.
        kelvin
            None: nearest to 298 K.
        """
        if quantity == "sigma":
            return sigma_at_room(self.study, u_ev)
        return next((row for row in self.study.found(quantity, u_ev)
                     if kelvin is None or row["temperature_k"] == kelvin), None)


def read_studies(folders: Sequence[str], names: Sequence[str] = ()) -> list[One]:
    """Read several studies; all folders that are none are named at once.

    Parameters
    ----------
    folders
        Results folders; material files of materials without results.
    names
        What they are called. If empty, studies of different materials are called as their
        materials, others by the ends of their paths.

    Raises
    ------
    HavenError
        If there is none, names do not fit, folders hold no study, or none has results.
    """
    places = [Path(folder) for folder in folders]
    if len(places) < 1:
        raise HavenError("give a results folder or more, which are to be shown")
    if len(places) > MOST_STUDIES:
        raise HavenError(f"{len(places)} studies: a picture tells {MOST_STUDIES} apart at most; "
                         "compare fewer at once")
    same = [place for place in places if [p.resolve() for p in places].count(place.resolve()) > 1]
    if same:
        raise HavenError(f"{same[0]} is named twice: name each results folder once")
    if names and len(names) != len(places):
        raise HavenError(f"--names has {len(names)} names for {len(places)} folders")
    labels = list(names) or _labels(places)
    if len(set(labels)) < len(labels):
        raise HavenError(f"--names {','.join(labels)}: two are alike")
    found, wrong = [], []
    for place, label in zip(places, labels, strict=True):
        try:
            found += ([_read_material(place, label)] if place.suffix in MATERIAL_FILES
                      else _read(place, label))
        except HavenError as error:
            wrong.append(str(error))
    if wrong:
        raise HavenError("; ".join(wrong))
    if not any(one.computed for one in found):
        raise HavenError("all of these are material files: name one results folder or more")
    materials = {one.material for one in found}
    if not names and len(materials) == len(found):
        return [replace(one, label=one.material) for one in found]
    return found


def _labels(places: Sequence[Path]) -> list[str]:
    """Return the shortest ends of the paths that tell the folders apart."""
    parts = [(place.with_suffix("") if place.suffix in MATERIAL_FILES else place).resolve().parts
             for place in places]
    for depth in range(1, max(map(len, parts)) + 1):
        ends = ["/".join(one[-depth:]) for one in parts]
        if len(set(ends)) == len(ends):
            plain = depth > 1 and all(end.endswith("/results") for end in ends)
            return [end.removesuffix("/results") if plain else end for end in ends]
    return [str(place) for place in places]


def _read(place: Path, label: str) -> list[One]:
    """Return the study of a folder; of a run of several mobile species one for each of them."""
    from haven.report.page.contents import load_tables, material_name

    existing(place, "results folder")
    held = place / "tables" if (place / "tables").is_dir() else place
    if any(path.stat().st_size == 0 for path in held.glob("*.parquet")):
        raise HavenError(f"{held} has tables without content (of a stub run): compare real runs, "
                         "or name its material file (.yml) to see what was measured of it")
    found = [(name, tables, collect(tables))
             for name, tables in _by_species(load_tables(held), label)]
    if all(measured.empty for _, _, measured in found):
        raise HavenError(f"{held} holds no number that could be compared: name results of a "
                         "finished run, or its material file (.yml) to see what was measured of it")
    said = place / "parameters.json"
    try:
        stored = json.loads(said.read_text(encoding="utf-8")) if said.exists() else {}
    except ValueError as error:
        raise HavenError(f"{said} is no JSON: {error}") from error
    parameters = {str(k): str(v) for k, v in (stored.get("parameters") or {}).items()
                  if v is not None}
    made = sorted({f"Haven {row['version']}, code {row['code']}" for row in provenance(held)})
    return [One(name, place, material_name(tables), tables, measured, parameters, tuple(made))
            for name, tables, measured in found]


def _by_species(tables: Tables, label: str) -> list[tuple[str, Tables]]:
    """Return the tables of a study, those of each mobile species apart where there are several.

    ``./haven transport --species Li,Na`` calls them ``X (Li)`` and ``X (Na)``; what it says of
    both together, as ``X``, belongs to neither.
    """
    from haven.report.page.contents import material_names

    names = material_names(tables)
    parts = [re.fullmatch(r"(.+) \(([A-Z][a-z]?)\)", name) for name in names]
    apart = [part for part in parts if part]
    wholes = {part[1] for part in apart}
    if len(apart) < 2 or len(wholes) > 1 or not {name for name, part in zip(
            names, parts, strict=True) if not part} <= wholes:
        return [(label, tables)]
    return [(f"{label} ({part[2]})", {
        name: table[table["material"] == part[0]] if "material" in table else table
        for name, table in tables.items()}) for part in apart]


def _read_material(place: Path, label: str) -> One:
    """Return a material that nothing was computed for."""
    import pandas as pd

    from haven.material.file import load_material
    from haven.report.registry import TABLES

    tables = {name: pd.DataFrame(columns=list(schema.names)) for name, schema in TABLES.items()}
    return One(label, place, load_material(place).name, tables, collect(tables), {}, ())
