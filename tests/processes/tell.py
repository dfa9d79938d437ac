"""Say what files hold: tell.py NAME=PATH ..., each under the name of the process's output.

The lines are a snapshot's: names, tables with their columns and types, and of every column the
extent and the mean size of its values, rounded to three digits. What a clock measured is left out.
nf-test (tests/lib/Told.groovy) and pytest (test_processes.py) compare the same lines.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))

# Measured by a clock, or named after the machine.
MEASURED = re.compile(
    r"(^|_)(wall|cpu|seconds|hours|ns|ratio|device|cores|s|engine)(_|$)|overhead|exponent|version")
SMALL = 1e-9
FEW = 6


def rounded(value: float) -> str:
    """Return a number with three digits that count; noise about zero is 0."""
    return "0" if abs(value) < SMALL else f"{value:.3g}"


def extent(values: np.ndarray) -> str:
    """Return smallest, largest, and mean size of some numbers."""
    good = values[np.isfinite(values)]
    if not len(good):
        return "none"
    mean = rounded(np.abs(good).mean())
    return f"{rounded(good.min())} to {rounded(good.max())}, mean size {mean}"


def of_column(values: Any, kind: str) -> str:
    """Return what one column of a table holds."""
    held = values.dropna()
    empty = f", {len(values) - len(held)} empty" if len(values) > len(held) else ""
    if kind == "bool":
        return f"{int(held.sum())} true{empty}"
    if kind in ("int64", "double"):
        return extent(held.to_numpy(float)) + empty
    kinds = sorted(set(map(str, held)))
    if values.name == "message":  # sentences with the numbers of other columns
        return f"{len(held)} sentences{empty}"
    return (" | ".join(kinds) if len(kinds) <= FEW else f"{len(kinds)} texts") + empty


def table(path: Path) -> Iterator[str]:
    """Say what a Parquet file holds."""
    import pyarrow.parquet as pq

    held = pq.read_table(path)
    name = (held.schema.metadata or {}).get(b"haven_table", b"?").decode()
    yield f"table {name}, {held.num_rows} rows"
    frame = held.to_pandas()
    for field in held.schema:
        kind = str(field.type)
        said = "measured" if MEASURED.search(field.name) else of_column(frame[field.name], kind)
        yield f"  {field.name} {kind}: {said}"


def cells(path: Path) -> Iterator[str]:
    """Say what frames of atoms are."""
    from ase.io import read

    frames: Any = read(path, ":")
    formulas = sorted({str(atoms.symbols.get_chemical_formula()) for atoms in frames})
    yield f"{len(frames)} frames of {' | '.join(formulas)}"
    yield f"  volume {extent(np.array([atoms.get_volume() for atoms in frames]))}"
    places = np.concatenate([atoms.get_scaled_positions() for atoms in frames])
    yield f"  positions {extent(places.ravel())}"
    for key in sorted({key for atoms in frames for key in atoms.info} & {
            "u_ev", "trajectory", "frame", "origin", "engine", "functional", "temperature_k"}):
        texts = sorted({str(atoms.info.get(key)) for atoms in frames})
        if not MEASURED.search(key):
            yield f"  {key} {' | '.join(texts[:FEW])}"
    labelled = [atoms for atoms in frames if atoms.calc is not None]
    if labelled:
        yield f"  energy {extent(np.array([atoms.get_potential_energy() for atoms in labelled]))}"
        forces = np.concatenate([atoms.get_forces() for atoms in labelled])
        yield f"  forces {extent(forces.ravel())}"


def arrays(path: Path) -> Iterator[str]:
    """Say what arrays of numpy hold."""
    with np.load(path, allow_pickle=False) as held:
        for name in sorted(held.files):
            one = held[name]
            said = extent(one.astype(float).ravel()) if one.dtype.kind in "if" else "text"
            yield f"  {name} {one.dtype.kind} {list(one.shape)}: {said}"


def numbers(path: Path) -> Iterator[str]:
    """Say what one array of numpy holds."""
    held = np.load(path, allow_pickle=False)
    yield f"  {held.dtype.kind} {list(held.shape)}: {extent(held.astype(float).ravel())}"


def potential(path: Path) -> Iterator[str]:
    """Say what a frozen potential says of itself."""
    from haven.potential.families.deepmd.summary import summarise

    about = summarise(path)
    yield f"  {about.model.replace(path.name, '(its name)')}, compressed {about.compressed}"


def words(path: Path) -> Iterator[str]:
    """Say how long a text is, and its headings where it is a page."""
    text = path.read_text(errors="replace")
    if path.suffix == ".html":
        for title in re.findall(r"<h1.*?</h1>", text, re.S):
            yield f"  {re.sub('<[^>]*>', '', title).strip()}"
    elif path.suffix == ".json":
        held = json.loads(text)
        yield from (f"  {key}" for key in sorted(held if isinstance(held, dict) else []))


KINDS = {".parquet": table, ".extxyz": cells, ".npz": arrays, ".npy": numbers, ".pb": potential,
         ".html": words, ".json": words}


def of_file(path: Path) -> list[str]:
    """Return what a file, or each file of a folder, is."""
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        return [f"  {line}" for file in files
                for line in (str(file.relative_to(path)), *of_file(file))]
    return list(KINDS.get(path.suffix, lambda _path: iter(()))(path))


def tell(given: list[str]) -> list[str]:
    """Return the lines of all outputs, in the order of their names."""
    split = [text.partition("=") for text in set(given)]
    pairs = [(name, Path(path)) for name, _, path in split]
    lines: list[str] = []
    told: set[Path] = set()
    for name, path in sorted(pairs, key=lambda pair: (pair[0], pair[1].name)):
        lines.append(f"{name}: {path.name}")
        if path not in told:
            lines += of_file(path)
        told.add(path)
    return lines


if __name__ == "__main__":
    print("\n".join(tell(sys.argv[1:])))
