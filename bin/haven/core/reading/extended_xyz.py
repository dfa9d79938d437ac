"""Extended XYZ, read by ASE after strict checks of lines, header entries and numbers.

ASE's reader ignores surplus words at the end of a line, keeps the last of two header entries of one
name, and reads ``1_0`` as 10, as Python does. A damaged file would thus be read without an error,
but with wrong numbers.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from haven.core.errors import CutOffError, HavenError
from haven.core.reading import plain

if TYPE_CHECKING:
    from ase import Atoms

PLAIN = "species:S:1:pos:R:3"  # what a file without Properties holds, and perhaps more
MOST_ATOMS = 10**9
ENTRY = re.compile(r"""([^\s="'{}\[\]]+)\s*=\s*"""
                   r"""("(?:[^"\\]|\\.)*"|'[^']*'|\{[^}]*\}|\[[^\]]*\]|\S*)""")
CP2K_TIME = re.compile(r"^i =\s*\d+, time =\s*([-+0-9.Ee]+), E =")
"""The comment of CP2K's own XYZ; its manual gives the time in fs."""
# Entries that are numbers, beside those that ASE knows as results.
NUMBERS = ("Lattice", "virial", "virials", "u_ev", "frame", "time_ps", "time_fs", "temperature_k",
           "pulay_stress_ev_per_angstrom3", "deviation")
# Entries whose loss, when misspelt by a letter, would change a number without a word.
WEIGHTY = ("free_energy", "pulay_stress_ev_per_angstrom3", "converged", "energy_unit",
           "energy-unit", "forces_unit", "forces-unit", "force_unit", "force-unit", "stress_unit",
           "stress-unit", "virial_unit", "virial-unit", "length_unit", "length-unit", "trajectory")

SWALLOWED = re.compile(rf"(?<![\w-])({'|'.join((*NUMBERS, *WEIGHTY, 'energy', 'stress'))})=")


def frames(stream: IO[str]) -> Iterator[Atoms]:
    r"""Yield the frames of an (extended) XYZ file, opened with ``newline="\n"``.

    Raises
    ------
    CutOffError
        If the file ends without a newline: its last number may be cut off and still look like a
        number.
    HavenError
        If a line has other columns than ``Properties`` names, a header entry stands twice with
        different values, or a word where a number is due is not one.
    """
    from ase.io.extxyz import read_xyz

    number = 0
    while first := _plain_end(stream.readline()):
        if not first.strip():
            continue
        first = first.removeprefix("\ufeff")
        count = first.strip()
        if not (count.isascii() and count.isdecimal() and 0 < int(count) < MOST_ATOMS):
            raise HavenError(f"'{count[:40]}' stands where frame {number} has its number of atoms")
        comment = _plain_end(stream.readline())
        lines: list[str] = []
        for line in stream:
            lines.append(_plain_end(line))
            if len(lines) == int(count):
                break
        if len(lines) < int(count) or not lines[-1].endswith("\n"):
            whole = [line for line in lines if line.endswith("\n") and line.strip()]
            if whole:
                _check_rows(comment, whole)
            raise CutOffError(f"the file is cut off in frame {number}: copy or make it again")
        _check_rows(comment, lines)
        time = CP2K_TIME.match(comment.strip())
        text = io.StringIO("".join([first, "\n" if time else comment, *lines]))
        for atoms in read_xyz(text, 0, properties_parser=header):
            if time:
                atoms.info["cp2k_time_ps"] = float(time.group(1)) * 1e-3
            yield atoms
        number += 1


def _plain_end(line: str) -> str:
    """Return a line that ends as Unix's do; a carriage return elsewhere is no end of a line."""
    return line[:-2] + "\n" if line.endswith("\r\n") else line


def header(line: str) -> dict[str, Any]:
    """Return the entries of a comment line as ASE reads them; refuse those it would read wrongly.

    A text such as ``1_2`` is kept as text, while Python, and so ASE, would take it for 12.
    """
    from ase.io.extxyz import key_val_str_to_dict, per_config_properties

    found = key_val_str_to_dict(line)
    given: dict[str, str] = {}
    for key, raw in ENTRY.findall(line):
        if swallowed := SWALLOWED.search(raw if raw[:1] not in ("\"", "'", "{", "[") else ""):
            raise HavenError(f"{key} is '{raw[:60]}', which holds the entry {swallowed.group(1)}: "
                             "the space between the two is lost")
        value = raw[1:-1] if len(raw) > 1 and raw[0] in "\"'{[" else raw
        if given.setdefault(key, value) != value:
            raise HavenError(f"{key} stands twice, as {given[key][:40]} and {value[:40]}")
        if key not in found or isinstance(found[key], (str, bool, list, dict)) or (
                value.startswith("_JSON")):
            continue
        odd = [word for word in re.findall(r"[^\s,]+", value) if plain.odd(word)]
        if odd and (key in NUMBERS or key in per_config_properties):
            raise HavenError(f"{key} is {odd[0][:40]}, which is no plain number")
        if odd:
            found[key] = value
    for key in found:
        if str(key).startswith("pulay") and key not in WEIGHTY:
            raise HavenError(f"the entry {key} is none: it is damaged, or misspelt")
        near = next((one for one in WEIGHTY if one_letter_apart(str(key), one)), None)
        if near is not None and key not in WEIGHTY:
            raise HavenError(f"the entry {key} is nearly {near}: correct it, or rename it")
    return found


def one_letter_apart(one: str, other: str) -> bool:
    """Tell whether a word becomes another by one letter that is changed, lost or added."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    same = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b),
                len(short))
    return short[same + (len(short) == len(long)):] == long[same + 1:]


def _check_rows(comment: str, lines: list[str]) -> None:
    """Refuse lines of other columns than ``Properties`` names, or with numbers that are none."""
    told = re.search(r"""Properties\s*=\s*["']?([^\s"']+)""", comment)
    fields = (told.group(1) if told else PLAIN).split(":")
    counts = [int(word) if word.isdecimal() and word.isascii() else -1 for word in fields[2::3]]
    names = fields[::3]
    if len(fields) % 3 or min(counts) < 1 or len(set(names)) < len(names) or "pos" not in names or (
            not {"species", "Z"} & set(names)):
        raise HavenError(f"Properties is {':'.join(fields)[:80]}: a name, a type and a number of "
                         "columns each are due, species and pos among them")
    rows = [line.split() for line in lines]
    wide = sum(counts) if told else max(sum(counts), len(rows[0]))
    bad = next((row for row in rows if len(row) != wide), None)
    if bad is not None:
        raise HavenError(f"a line has {len(bad)} columns where {wide} are due "
                         f"('{' '.join(bad)[:40]}')")
    text = comment + "".join(lines)
    try:
        plain.without_controls(text)
    except ValueError as error:
        raise HavenError(str(error)) from error
    if "_" in text or not text.isascii():
        kinds = "".join(kind * count for kind, count in zip(fields[1::3], counts, strict=True))
        for row in rows:
            for kind, word in zip(kinds, row, strict=False):
                if kind in "RI" and plain.odd(word):
                    raise HavenError(f"{word[:40]} is no plain number")
