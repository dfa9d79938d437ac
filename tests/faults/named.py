"""Bad inputs by name: each must be refused in one line, or change nothing.

Every entry of `INPUTS` here is a whole valid input with one thing wrong: a value of another kind, a
number that is none, a member that lacks, a file that is a folder or a pipe.
"""

from __future__ import annotations

import copy
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import corpus
import numpy as np
import yaml
from corpus import INPUTS, MATERIAL
from judge import EQUAL, Case, Verdict, judge

NAN, INF = float("nan"), float("inf")
VALUES: tuple[Any, ...] = (
    None, "", " ", "x", "nan", "1_0", "0x10", "1e999", [], {}, [1], [[]], {"a": 1}, True, NAN, INF,
    -INF, -1, 10**30, 1e300, "../x", "a\nb", "١", "=1+1", "$(touch x)")
NUMBERS: tuple[Any, ...] = (
    None, "", "x", "nan", "1_0", "0x10", "1,5", [], {}, True, NAN, INF, -INF, 1e300, -1e300, 10**30)
WORDS = ("nan", "inf", "-inf", "1e300", "-1e300", "1_0", "x", "T", "0x10", "1,5", "--1", "*****",
         "1e999", "١", "")


@dataclass(frozen=True)
class Bad:
    """One bad input: its kind, its name, and what it is made of and read by.

    ``numbers``: it holds other numbers that could be there, which no reader can see.
    """

    kind: str
    name: str
    make: Callable[[Case], None]
    case: str
    numbers: bool = False


def _write(data: bytes | str) -> Callable[[Case], None]:
    raw = data.encode() if isinstance(data, str) else data
    return lambda case: _put(case.path, raw)


def _put(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)


def nested(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every entry of nested dictionaries and lists."""
    items = (content.items() if isinstance(content, dict) else
             enumerate(content) if isinstance(content, list) else ())
    for key, value in items:
        yield (*path, key)
        yield from nested(value, (*path, key))


def replaced(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return nested content with one entry in the place of another."""
    out = copy.deepcopy(content)
    place = out
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return out


def of_materials() -> Iterator[Bad]:
    """Every entry of the shipped material file with values of other kinds, or lost."""
    content = yaml.safe_load(MATERIAL.read_text())
    content.pop("closest_angstrom")
    for path in nested(content):
        deep = len(path) > 1
        name = ".".join(map(str, path))
        for value in (NUMBERS if deep else VALUES):
            if path == ("name",) and isinstance(value, (str, int)) and str(value).isalnum():
                continue
            if path == ("name",) and value == "1_0":
                continue
            if deep and path[0] in ("anion_sites", "cation_sites") and isinstance(
                    path[-1], int) and value in (1e300, 10**30):
                continue
            made = yaml.safe_dump(replaced(content, path, value), allow_unicode=True)
            yield Bad("material file", f"{name} = {value!r}", _write(made), "material")
        if "positions" in path[:-1]:
            continue  # a crystal with fewer sites is one
        lost = copy.deepcopy(content)
        place = lost
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        yield Bad("material file", f"{name} lost", _write(yaml.safe_dump(lost)), "material")


def of_text(kind: str, case: str, every: int = 1) -> Iterator[Bad]:
    """Each number of a text, by its place, with words that are no number of it."""
    text = _valid(case)
    found = list(re.finditer(rb"(?<![\w.+-])[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?(?![\w.])", text))
    for number, one in enumerate(found[::every]):
        word = WORDS[number % len(WORDS)].encode()
        line = text.count(b"\n", 0, one.start()) + 1
        made = text[: one.start()] + word + text[one.end():]
        yield Bad(kind, f"{case} line {line}: {one.group().decode()} is {word.decode()!r}",
                  _write(made), case)


_HELD: dict[str, bytes] = {}


def _valid(case: str) -> bytes:
    if case not in _HELD:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            _HELD[case] = INPUTS[case].write(Path(folder)).read_bytes()
    return _HELD[case]


MEMBERS: tuple[tuple[str, Callable[[np.ndarray], Any]], ...] = (
    ("empty", lambda v: np.empty(0)), ("text", lambda v: np.array("x")),
    ("complex", lambda v: np.full(np.shape(v), 1j)),
    ("of objects", lambda v: np.array([{}], object)),
    ("one axis more", lambda v: np.asarray(v)[None]), ("half", lambda v: np.atleast_1d(v)[
        : max(1, np.size(v) // 2 and len(np.atleast_1d(v)) // 2)]),
    ("NaN", lambda v: np.full(np.shape(v), np.nan)), ("infinite", lambda v: np.full(
        np.shape(v), np.inf)), ("1e300", lambda v: np.full(np.shape(v), 1e300)),
    ("-1", lambda v: np.full(np.shape(v), -1)), ("truth", lambda v: np.full(np.shape(v), True)),
    ("a date", lambda v: np.array("2020-01-01", "datetime64[D]")))


def _other_numbers(word: str, values: np.ndarray) -> bool:
    """Tell whether an array of real numbers is replaced by another that could be there."""
    return word == "-1" and np.asarray(values).dtype.kind == "f"


def of_npz() -> Iterator[Bad]:
    """Every member of a container missing, of another type, another shape or not finite."""
    for case in ("npz_packed", "npz_plain"):
        with np.load(io.BytesIO(_valid(case)), allow_pickle=False) as held:
            members = {name: held[name] for name in held.files}
        for name, value in members.items():
            for word, change in MEMBERS:
                made = {**members, name: change(value)}
                yield Bad("npz", f"{case}: {name} is {word}", _write(_packed(made)), case,
                          _other_numbers(word, value))
            rest = {key: held for key, held in members.items() if key != name}
            yield Bad("npz", f"{case}: no {name}", _write(_packed(rest)), case)
        for meta in ("", "[]", "null", "{", '{"temperature_k": "hot"}', "\x00"):
            yield Bad("npz", f"{case}: meta {meta!r}",
                      _write(_packed({**members, "meta": np.array(meta)})), case)


def _packed(members: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **members)
    return stream.getvalue()


def of_deepmd() -> Iterator[Bad]:
    """Every array of a DeePMD set lost, empty, pickled, of another type or shape."""
    for case in ("deepmd_coord", "deepmd_energy", "deepmd_virial"):
        values = np.load(io.BytesIO(_valid(case)), allow_pickle=False)
        for word, change in MEMBERS:
            stream = io.BytesIO()
            np.save(stream, change(values))
            yield Bad("deepmd sets", f"{case} is {word}", _write(stream.getvalue()), case,
                      _other_numbers(word, values))
        for word, data in (("no file of numbers", b"x"), ("cut in its head", _valid(case)[:40]),
                           ("empty", b""), ("cut", _valid(case)[:-8])):
            yield Bad("deepmd sets", f"{case} is {word}", _write(data), case)
        yield Bad("deepmd sets", f"{case} is lost", lambda held: held.path.unlink(), case)
    for case in ("deepmd_types", "deepmd_map"):
        for text in ("", " ", "-1\n", "x\n", "0\n", "99\n" * 20, "1.5\n" * 20, "nan\n" * 20,
                     "Li\n", "Li\nLi\nLi\n", "Li\nTi\nXx\n", "0 " * 40, "\x00", "1_0\n" * 20,
                     "²\n" * 20):
            yield Bad("deepmd sets", f"{case} is {text[:12]!r}", _write(text), case)


def of_parameters() -> Iterator[Bad]:
    """Every parameter with texts that are no value of it."""
    from haven.core import options

    for name, told in corpus.declared().items():
        if told.default is None:
            continue
        usual = options.text_of(told.default)
        for text in ("", " ", "nan", "inf", "-inf", "1e999", "-1e999", "1_0", "0x10", "x y", "$(x)",
                     "a;b", "-", ",", f"{usual},{usual},", "١", "1e-999", "[", "None"):
            whole = _valid("parameters").decode()
            made = re.sub(rf"(?m)^{name}: .*$", lambda _, n=name, t=text: f"{n}: {t}", whole)
            yield Bad("parameters", f"--{name} {text!r}", _write(made), "parameters")


def of_twice() -> Iterator[Bad]:
    """Every entry of a material file, of a header and of a CIF a second time, with another value.

    Libraries keep the last of two without a word.
    """
    for kind, case, entry, again in (
        ("material file", "material", rb"(?m)^([a-z_]+):", rb"\g<1>: 7\n\g<0>"),
        ("extxyz trajectory", "extxyz", rb"(?<= )([a-z_]+)=(?=[0-9])", rb"\g<0>7 \g<0>"),
        ("extxyz labels", "labels_own", rb"(?<= )([a-z_]+)=(?=[0-9])", rb"\g<0>7 \g<0>"),
        ("CIF", "cif", rb"(?m)^_[a-z_]+(?=[ \t]+[0-9])", rb"\g<0> 7\n\g<0>"),
    ):
        text = _valid(case)
        for found in re.finditer(entry, text):
            made = text[: found.start()] + found.expand(again) + text[found.end():]
            yield Bad(kind, f"{case}: {found.group().decode()} stands twice", _write(made), case)


def of_files() -> Iterator[Bad]:
    """A folder, a pipe, a link to itself, an empty or a strange file in the place of each input."""
    for case, kind in INPUTS.items():
        for name, make in (("a folder", _folder), ("empty", _write(b"")), ("a pipe", _pipe),
                           ("a link to itself", _loop), ("zeros", _write(bytes(4096))),
                           ("one newline", _write(b"\n")), ("a web page", _write(
                               "<html><script>alert(1)</script></html>\n" * 3)),
                           ("no text", _write(bytes(range(256)) * 4)),
                           ("lost", lambda held: held.path.unlink()),
                           ("a zip bomb's claim", _write(_bomb()))):
            yield Bad(kind.kind, f"{case} is {name}", make, case)


def _bomb() -> bytes:
    """Return a container with a member that claims 80 GB."""
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("mobile_angstrom", "all_angstrom", "time_ps"):
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                head, {"descr": "<f8", "fortran_order": False, "shape": (10**10,)})
            archive.writestr(f"{name}.npy", head.getvalue())
    return stream.getvalue()


def _folder(case: Case) -> None:
    case.path.unlink()
    case.path.mkdir()


def _pipe(case: Case) -> None:
    case.path.unlink()
    os.mkfifo(case.path)


def _loop(case: Case) -> None:
    case.path.unlink()
    case.path.symlink_to(case.path.name)


def every() -> Iterator[Bad]:
    """Yield all bad inputs."""
    yield from of_materials()
    for kind, case, step in (
        ("LAMMPS dump", "dump_xyz", 2), ("LAMMPS dump", "dump_images", 3),
        ("LAMMPS dump", "dump_units", 3), ("extxyz trajectory", "extxyz", 1),
        ("XDATCAR, .traj", "xdatcar", 1), ("extxyz labels", "labels_own", 5),
        ("extxyz labels", "labels_foreign", 5), ("OUTCAR", "outcar", 2),
        ("vasprun.xml", "vasprun", 1),
        ("Quantum ESPRESSO", "espresso", 3), ("CP2K", "cp2k", 1), ("CIF", "cif", 1),
        ("CIF", "cif_operators", 1),
        ("LAMMPS data", "topology", 1), ("GPAW", "gpaw", 2), ("deepmd sets", "deepmd_raw", 10),
        ("material file", "material_symmetry", 1),
    ):
        yield from of_text(kind, case, step)
    yield from of_npz()
    yield from of_deepmd()
    yield from of_parameters()
    yield from of_twice()
    yield from of_files()


def tried(bad: Bad, case: Case) -> Verdict:
    """Make a bad input in the place of a valid one, read it, and put the valid one back."""
    from judge import honest_change

    try:
        bad.make(case)
        plain = case.path.is_file() and not case.path.is_symlink()
        honest = bad.numbers or (
            plain and honest_change(case.kind, case.bytes, case.path.read_bytes()))
        return judge(case.kind, case.path, case.whole, honest)
    finally:
        if case.path.is_symlink() or (case.path.exists() and not case.path.is_dir()):
            case.path.unlink()
        elif case.path.is_dir():
            shutil.rmtree(case.path)
        case.path.write_bytes(case.bytes)


__all__ = ["EQUAL", "Bad", "every", "tried"]
