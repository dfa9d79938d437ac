"""Writing and reading tables: columns, types and units are checked against their schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven import __version__
from haven.core.columns import Schema
from haven.core.errors import HavenError, brief, existing
from haven.core.identity import package_digest, software

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

DIGEST = "haven_sha256"
"""Entry of a file's metadata: SHA-256 of all the rest."""


def _arrow_schema(table: Schema) -> pa.Schema:
    import pyarrow as pa

    kinds = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    return pa.schema(
        [
            pa.field(c.name, kinds[c.kind], c.nullable, {"unit": c.unit, "meaning": c.meaning})
            for c in table.columns
        ]
    )


def write(
    table: Schema, rows: pd.DataFrame | Iterable[Mapping[str, object]], path: str | Path,
    inputs: Mapping[str, object] | None = None,
) -> Path:
    """Write rows of a table as Parquet and return the path.

    Parameters
    ----------
    table
        What is written; each arc declares its own in ``haven.<arc>.tables``.
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
    columns, name = table.columns, table.name
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
    schema = _arrow_schema(table)
    try:
        made = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
        raise HavenError(f"table {name}: {' '.join(str(part) for part in error.args)}") from error
    metadata = {
        "haven_table": name,
        "haven_version": __version__,
        "haven_code": package_digest(),
        "haven_software": json.dumps(software()),
        "haven_inputs": json.dumps(dict(inputs or {}), sort_keys=True, default=str),
    }
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    metadata[DIGEST] = _digest(made, metadata)
    split = _measured(made)
    pq.write_table(made.replace_schema_metadata({**(schema.metadata or {}), **metadata}), target,
                   compression="zstd", write_page_checksum=True, use_byte_stream_split=split,
                   use_dictionary=[name for name in schema.names if name not in split])
    return target


def _measured(held: pa.Table) -> list[str]:
    """Return the columns of numbers of which few are equal.

    Parquet's usual list of a column's values is longer than the column then; its first bytes
    put beside one another, its second and so on, it is a quarter to a third smaller.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    return [field.name for field, column in zip(held.schema, held.columns, strict=True)
            if pa.types.is_floating(field.type)
            and pc.count_distinct(column).as_py() > 0.3 * len(column)]


def _digest(held: pa.Table, metadata: Mapping[str, str]) -> str:
    """Return the SHA-256 of a table's names, types, units and values and of what it was made from.

    Its pages have checksums of their own; this one holds the file's description against them.
    """
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for field, column in zip(held.schema, held.columns, strict=True):
        told = sorted((k.decode(), v.decode()) for k, v in (field.metadata or {}).items()
                      if not k.startswith(b"PARQUET"))
        digest.update(repr((field.name, str(field.type), told, column.to_pylist())).encode())
    return digest.hexdigest()


def _load(path: str | Path) -> tuple[pa.Table, dict[str, str]]:
    """Return a Parquet file and Haven's metadata, after a comparison with its checksums.

    Raises
    ------
    HavenError
        If it is missing, no Parquet file, or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if Path(path).exists():
        existing(path, "table file")
    try:
        held = pq.read_table(path, page_checksum_verification=True)
        found = {k.decode(): v.decode() for k, v in (held.schema.metadata or {}).items()
                 if k.startswith(b"haven_")}
        wanted = found.pop(DIGEST, None)
        damaged = wanted is not None and wanted != _digest(held, found)
    except FileNotFoundError as error:
        raise HavenError(f"table file {path} does not exist") from error
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        why = brief(error, 200)
        raise HavenError(f"{path} is no Parquet file, or damaged: {why}") from error
    if damaged:
        raise HavenError(f"{path} is damaged: it does not fit to its own checksum: write it again")
    return held, found


def read(table: Schema | str, *paths: str | Path) -> pd.DataFrame:
    """Read one or several Parquet files of one table into one data frame.

    Parameters
    ----------
    table
        The table, or its name; of a name, files without rows give no columns but their own.
    paths
        Files, each of which carries the table's name.

    Raises
    ------
    HavenError
        If a file is missing, is no Parquet file, is damaged, or holds another table.
    """
    import pandas as pd

    name = table.name if isinstance(table, Schema) else table
    frames = []
    for path in paths:
        held, about = _load(path)
        found = about.get("haven_table", "?")
        if found != name:
            raise HavenError(f"{path} holds table {found}, not {name}")
        frames.append(held.to_pandas())
    filled = [frame for frame in frames if len(frame)]
    if filled:
        return pd.concat(filled, ignore_index=True)
    columns = table.names if isinstance(table, Schema) else frames[0].columns if frames else []
    return pd.DataFrame(columns=list(columns))


def inputs_of(path: str | Path) -> dict[str, Any]:
    """Return what a table was made from, as `write` was told; nothing where there is no table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        held = pq.read_schema(path).metadata or {}
        return dict(json.loads(held.get(b"haven_inputs", b"{}")))
    except (FileNotFoundError, pa.ArrowInvalid, ValueError):
        return {}


def read_folder(table: Schema, folder: str | Path) -> pd.DataFrame:
    """Read the `files_of` a table in a folder into one data frame."""
    return read(table, *files_of(table, folder))


def files_of(table: Schema, folder: str | Path) -> list[Path]:
    """Return every ``*.<name>.parquet`` of a folder, or else its ``<name>.parquet``."""
    return sorted(Path(folder).glob(f"*.{table.name}.parquet")) or sorted(
        Path(folder).glob(f"{table.name}.parquet"))
