"""The contents of a report: a study's tables joined, judged and compared with published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError, existing
from haven.core.types import Row, Table, Tables
from haven.dynamics.trust import add_share, judge_runs
from haven.potential.calibration import calibration_rows, scale_rows
from haven.potential.gate import Gate, gate_rows, gates
from haven.report.claims import claim_rows
from haven.report.claims.study import Study
from haven.report.numbers.comparison import compare, load_reference, load_studies, of_material
from haven.report.numbers.measured import collect, study_u
from haven.report.numbers.verdicts import force_window, missing_runs, read_expected, verdict_rows
from haven.report.page.origins import number_rows
from haven.report.registry import TABLES


@dataclass(frozen=True)
class Contents:
    """The contents of a report.

    Attributes
    ----------
    material
        Name of the study's one material.
    tables
        All tables by name as tasks wrote them, an empty one where there is none; runs and what is
        made from them with columns that say whether they may be trusted.
    expected
        What should have been computed, `haven.report.numbers.verdicts.read_expected`.
    missing
        Names of the runs that were expected and are not there.
    gates
        Of each U, whether its potentials' deviation tells their errors.
    comparison, verdicts, claims
        Rows of the tables of these names.
    study
        What claims are judged by: the numbers joined over runs, and published ones.
    """

    material: str
    tables: Tables
    expected: Mapping[str, Any]
    missing: list[str]
    gates: Mapping[float, Gate]
    comparison: Table
    verdicts: Table
    claims: list[Row]
    study: Study

    @property
    def measured(self) -> Table:
        """Numbers joined over runs, rows of `haven.report.numbers.measured.collect`."""
        return self.study.measured

    @property
    def reference(self) -> Table:
        """Published values of the material."""
        return self.study.reference


def load_tables(folder: str | Path) -> dict[str, Table]:
    """Read every table of a flat folder; a table with no file is empty.

    Raises
    ------
    HavenError
        If the folder does not exist or holds no table at all.
    """
    from haven.core import tables

    place = existing(folder, "folder of tables")
    if not any(place.glob("*.parquet")):
        raise HavenError(f"no tables in {place}: expected files such as u4_t298_r0.msd.parquet")
    found = {}
    for name, schema in TABLES.items():
        found[name] = tables.read_folder(schema, place)
        for column in schema.names:
            if column not in found[name]:
                found[name][column] = None
    return found


def material_names(tables: Tables) -> list[str]:
    """Return the names of all materials of the tables, in their order."""
    return sorted({str(m) for table in tables.values() if "material" in table
                   for m in table["material"].dropna()})


def material_name(tables: Tables) -> str:
    """Return the name of the one material of the study.

    Raises
    ------
    HavenError
        If the tables are of several materials.
    """
    names = material_names(tables)
    if len(names) > 1:
        raise HavenError(f"tables of several materials ({', '.join(names)}): report one at a time")
    return names[0] if names else "unknown"


def published_network(reference: Table) -> str:
    """Return the published study's network, as table ``cost`` writes one; empty if not on file."""
    rows = reference[reference["quantity"] == "study_cutoff"]
    if rows.empty:
        return ""
    return f"{rows['note'].iloc[0]}, cutoff {rows['value'].iloc[0]:g} Å"


def contents_of(
    folder: str | Path, reference_folder: str | Path, expected_path: str | Path | None = None
) -> Contents:
    """Return the contents of a report on a study's tables.

    Parameters
    ----------
    folder
        Flat folder of ``<id>.<table>.parquet`` files.
    reference_folder
        Published values, CSV.
    expected_path
        JSON of expected runs and parameters, or None.

    Raises
    ------
    HavenError
        If there is no table, they are of several materials, or a file is none of its kind.
    """
    found = load_tables(folder)
    material, expected = material_name(found), read_expected(expected_path)
    gate = gates(found["parity"], force_window(expected))
    found["runs"] = judge_runs(found["runs"], found["thermo"], gate)
    for name in ("diffusion", "conductivity"):
        found[name] = add_share(found[name], found["runs"])
    reference = of_material(load_reference(reference_folder), material)
    measured = collect(found, published_network(reference))
    missing = missing_runs(expected, found)
    verdicts = verdict_rows(found, missing, material, expected, gate)
    us = study_u(found) or [float(u) for u in expected.get("u_ev", [])]
    study = Study({**found, "verdicts": verdicts}, measured, reference, tuple(us),
                  str((expected.get("parameters") or {}).get("dispersion") or ""),
                  tuple(load_studies(reference_folder, material)))
    return Contents(material, found, expected, missing, gate,
                    compare(measured, reference, material, us, study.tables), verdicts,
                    claim_rows(study, material), study)


def tables_of(contents: Contents, origins: Sequence[Row]) -> dict[str, Table]:
    """Return all tables by name: those of the study, and those that its report adds.

    ``origins`` are rows of the table of that name.
    """
    import pandas as pd

    material, parity = contents.material, contents.tables["parity"]
    added = {
        "calibration": calibration_rows(parity, material),
        "calibration_scale": scale_rows(parity, material),
        "claims": contents.claims,
        "trust_gate": gate_rows(parity, material, force_window(contents.expected)),
        "numbers": number_rows(contents.measured, contents.tables, material),
        "origins": origins,
    }
    return {**contents.tables, "comparison": contents.comparison, "verdicts": contents.verdicts,
            **{name: pd.DataFrame(rows) for name, rows in added.items()}}
