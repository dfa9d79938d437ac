"""Every table once: columns, types, units, meaning; all reading and writing goes through here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from haven import __version__
from haven.core.columns import MADE, Column
from haven.core.columns_analysis import FOUND
from haven.core.errors import HavenError
from haven.core.identity import package_digest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


TABLES: dict[str, tuple[Column, ...]] = {**MADE, **FOUND}


def _arrow_schema(name: str) -> pa.Schema:
    import pyarrow as pa

    kinds = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    return pa.schema(
        [
            pa.field(c.name, kinds[c.kind], c.nullable, {"unit": c.unit, "meaning": c.meaning})
            for c in declared(name)
        ]
    )


def declared(name: str) -> tuple[Column, ...]:
    """Return the columns of table ``name``.

    Raises
    ------
    HavenError
        If there is no such table.
    """
    if name not in TABLES:
        raise HavenError(f"no table is called {name}: choose from {', '.join(sorted(TABLES))}")
    return TABLES[name]


def write(
    name: str, rows: pd.DataFrame | Iterable[Mapping[str, object]], path: str | Path,
    inputs: Mapping[str, object] | None = None,
) -> Path:
    """Write rows of table ``name`` as Parquet and return the path.

    Parameters
    ----------
    name
        A key of `TABLES`.
    rows
        A data frame or records with exactly the declared columns (nullable ones may be left out).
    path
        File to write; folders are made.
    inputs
        What the rows were made from, kept in the file's metadata as JSON.

    Raises
    ------
    HavenError
        If a column is missing, unknown, of another type, or empty where it may not be.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = pd.DataFrame(rows if isinstance(rows, pd.DataFrame) else list(rows)).copy()
    columns = declared(name)
    unknown = sorted(set(frame.columns) - {c.name for c in columns})
    if unknown:
        raise HavenError(f"table {name} has no column {', '.join(unknown)}")
    for column in columns:
        if column.name not in frame:
            if not column.nullable and len(frame):
                raise HavenError(f"table {name} needs column {column.name}")
            frame[column.name] = None
        if not column.nullable and frame[column.name].isna().any():
            raise HavenError(f"table {name}: column {column.name} has an empty value")
    schema = _arrow_schema(name)
    try:
        table = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
        raise HavenError(f"table {name}: {' '.join(str(part) for part in error.args)}") from error
    metadata = {
        "haven_table": name,
        "haven_version": __version__,
        "haven_code": package_digest(),
        "haven_inputs": json.dumps(dict(inputs or {}), sort_keys=True, default=str),
    }
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = schema.metadata or {}
    pq.write_table(table.replace_schema_metadata({**kept, **metadata}), target, compression="zstd")
    return target


def read(name: str, *paths: str | Path) -> pd.DataFrame:
    """Read one or several Parquet files of table ``name`` into one data frame.

    Raises
    ------
    HavenError
        If a file is missing, is no Parquet file, or holds another table.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frames = []
    for path in paths:
        try:
            table = pq.read_table(path)
        except FileNotFoundError as error:
            raise HavenError(f"table file {path} does not exist") from error
        except pa.ArrowInvalid as error:
            raise HavenError(f"{path} is no Parquet file: {error}") from error
        found = (table.schema.metadata or {}).get(b"haven_table", b"?").decode()
        if found != name:
            raise HavenError(f"{path} holds table {found}, not {name}")
        frames.append(table.to_pandas())
    columns = [c.name for c in declared(name)]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def read_folder(name: str, folder: str | Path) -> pd.DataFrame:
    """Read every ``*.<name>.parquet`` or ``<name>.parquet`` of a folder into one data frame."""
    found = sorted(Path(folder).glob(f"*.{name}.parquet")) or sorted(
        Path(folder).glob(f"{name}.parquet")
    )
    return read(name, *found)
