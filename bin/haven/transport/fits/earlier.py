"""Tables of an earlier run of the same study, laid beside those of replicas added to it."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from haven.core import tables
from haven.core.columns import Schema
from haven.core.errors import HavenError, existing, log
from haven.core.numbers import count_of
from haven.core.types import Table

NAME = "earlier"
"""Stem of the files that hold an earlier run's rows: ``earlier.<table>.parquet``."""
KEYS = ("material", "u_ev", "temperature_k", "replica", "seed", "source", "species", "structure",
        "system", "occupancies")
OF_A_REPLICA = re.compile(r"u[0-9.]+_(t[0-9.]+_)?r[0-9]+(_s[0-9]+|_aimd)?")
"""Subjects of verdicts on a replica: its cell, its run (with the seed, if another than the first
potential drives it), or its first-principles run."""
SAME_ERROR = 0.02  # relative: a potential's force error repeats to far less on other processors


@contextmanager
def tables_of(
    folder: str | Path, earlier: str | None, schemas: Mapping[str, Schema],
) -> Iterator[Path]:
    """Hold a run's folder of tables, with those of an earlier run beside it if one is given.

    Parameters, errors: see `beside_earlier`, whose folder is removed at the end.
    """
    if not earlier:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory() as place:
        yield beside_earlier(folder, earlier, Path(place) / "both", schemas)


def beside_earlier(
    folder: str | Path, earlier: str | Path, out: str | Path, schemas: Mapping[str, Schema],
) -> Path:
    """Lay a run's tables and those of an earlier run of the same study into one folder.

    Tables of runs (those with a column ``replica``) hold the rows of both; where both have rows of
    the same replica (relaxed cells, say), this run's are kept. Verdicts of the earlier run count
    where their subject is one of its replicas. Of all other tables, those of this run are kept,
    and the earlier run's where this one has none.

    Parameters
    ----------
    folder
        Holds this run's ``<id>.<table>.parquet`` and ``<id>.modes.npz``.
    earlier
        Holds the earlier run's ``<table>.parquet``, and ``<id>.modes.npz`` if they were kept; those
        of some of its runs alone are left, since its joined table is of all of them.
    out
        Folder to make: links to this run's files, and ``earlier.<table>.parquet``.
    schemas
        Tables by name.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    HavenError
        If both have the same run, they are of two materials, or a potential of one U and seed is
        not the same in both.
    """
    here, there = existing(folder, "folder of tables"), existing(earlier, "folder of tables")
    target = Path(out)
    target.mkdir(parents=True)
    runs = _runs(there, schemas)
    modes = sorted(there.glob("*.modes.npz"))
    if len(modes) < len(runs):
        if modes:
            log.warning("%d of %d runs of --earlier have modes: all of them count by its joined "
                        "table", len(modes), len(runs))
        modes = []
    for path in (*here.iterdir(), *modes):
        if (target / path.name).exists():
            raise HavenError(f"--earlier {there} has {path.name}, and so has this run: give the "
                             "new replicas other numbers (--first_replica)")
        (target / path.name).symlink_to(path.resolve())
    _check(here, there, runs, schemas)
    for name, schema in schemas.items():
        path = there / f"{name}.parquet"
        if not path.exists():
            continue
        old = tables.read(name, path)
        new = tables.read_folder(schema, here)
        if name == "verdicts":
            old = old[[bool(OF_A_REPLICA.fullmatch(str(s))) for s in old["subject"]]]
            old = _without(old, new, ("material", "subject", "check"))
        elif "replica" in schema.names:
            old = _without(old, new, [key for key in KEYS if key in schema.names])
        elif len(new):
            continue
        if len(old):
            inputs = {**tables.inputs_of(path), "earlier": there.resolve().name}
            tables.write(schema, old.reindex(columns=schema.names),
                         target / f"{NAME}.{name}.parquet", inputs)
    log.info("%s of an earlier run joined", count_of(len(runs), "run"))
    return target


def _runs(there: Path, schemas: Mapping[str, Schema]) -> Table:
    """Return the earlier run's table ``runs``."""
    return tables.read(schemas["runs"], existing(there / "runs.parquet", "earlier run's table"))


def _check(here: Path, there: Path, runs: Table, schemas: Mapping[str, Schema]) -> None:
    """Refuse an earlier run that is this one, or of another material or potential."""
    new = tables.read_folder(schemas["runs"], here)
    materials = sorted({str(name) for name in (*runs["material"], *new["material"])})
    if len(materials) > 1:
        raise HavenError(f"--earlier {there} is of another material ({', '.join(materials)})")
    moving = sorted({str(name) for rows in (
        tables.read_folder(schemas["diffusion"], place) for place in (here, there))
        for name in rows["species"]})
    if len(moving) > 1:
        raise HavenError(f"--earlier {there} is of another mobile species ({', '.join(moving)})")
    keys = ["u_ev", "temperature_k", "replica", "seed"]
    twice = runs[keys].astype(float).merge(new[keys].astype(float), on=keys)
    if len(twice):
        u_ev, temperature_k, replica, _ = twice.iloc[0]
        raise HavenError(f"--earlier {there} has the run at U = {u_ev:g} eV, {temperature_k:g} K "
                         f"of replica {replica:g}, and so has this one: give the new replicas "
                         "other numbers (--first_replica)")
    path = there / "accuracy.parquet"
    if "accuracy" not in schemas or not path.exists():
        return
    keys = ["u_ev", "seed", "subset", "quantity", "species", "component"]
    both = tables.read("accuracy", path).merge(
        tables.read_folder(schemas["accuracy"], here), on=keys, suffixes=("_old", "_new"))
    for row in both.to_dict("records"):
        first, second = float(row["rmse_old"]), float(row["rmse_new"])
        if not math.isclose(first, second, rel_tol=SAME_ERROR):
            raise HavenError(
                f"--earlier {there} is of another potential at U = {row['u_ev']:g} eV, seed "
                f"{row['seed']:g}: error of the {row['quantity']} {first:.4g}, this run's "
                f"{second:.4g} {row['unit_new']}: give the same --models and frames")


def _without(old: Table, new: Table, keys: Iterable[str]) -> Table:
    """Return the rows of ``old`` whose keys ``new`` does not have."""
    names = list(keys)
    if not len(new) or not names:
        return old
    known = set(map(tuple, new[names].astype(str).to_numpy()))
    return old[[tuple(row) not in known for row in old[names].astype(str).to_numpy()]]
