"""Damage done to bytes, from a seed: bits, bytes, spans and lines, one to four times."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
WORD = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
LIKE_NUMBER = re.compile(rb"[-+.\d_eE]+")
BETWEEN = re.compile(rb"([\s,;:=\"'<>{}\[\]()]+)")
ODD = (b"nan", b"NaN", b"inf", b"-inf", b"1e300", b"-1e300", b"1e-300", b"1e999", b"0", b"-1",
       b"-0", b"999999999999", b"9999999999999999999999", b"0x10", b"1_0", b"1.5_0", b"1,5", b"1d0",
       b"",
       b"*******", b"T", b"None", b"2147483648", b"\xd9\xa1", b"\xef\xbc\x91", b"1e5", b"+-1",
       b"--1")
BYTES = (0, 9, 10, 11, 12, 13, 26, 27, 28, 32, 34, 35, 39, 43, 44, 45, 46, 48, 57, 58, 61, 69, 92,
         95, 101, 123, 125, 127, 133, 160, 194, 255)


def flip(data: bytes, rng: random.Random) -> bytes:
    at, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]


def put(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.choice(BYTES)]) + data[at + 1:]


def insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.choice(BYTES)]) + data[at:]


def lose(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice((1, 1, 1, 2, 3, 4, 8, 16, 64, 512)):]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def behead(data: bytes, rng: random.Random) -> bytes:
    return data[rng.randrange(len(data)):]


def zeros(data: bytes, rng: random.Random) -> bytes:
    at, long = rng.randrange(len(data)), rng.choice((1, 2, 4, 8, 64, 512))
    return data[:at] + bytes(len(data[at : at + long])) + data[at + long:]


def double(data: bytes, rng: random.Random) -> bytes:
    at, long = rng.randrange(len(data)), rng.choice((1, 2, 4, 8, 64, 512))
    return data[: at + long] + data[at : at + long] + data[at + long:]


def lines(data: bytes, rng: random.Random) -> bytes:
    """Lose, double, swap or join lines."""
    rows = data.splitlines(keepends=True)
    at = rng.randrange(len(rows))
    kind = rng.randrange(4)
    if kind == 0:
        del rows[at : at + rng.choice((1, 1, 1, 2, 5))]
    elif kind == 1:
        rows.insert(at, rows[at])
    elif kind == 2:
        other = rng.randrange(len(rows))
        rows[at], rows[other] = rows[other], rows[at]
    else:
        rows[at] = rows[at].rstrip(b"\r\n") + b" "
    return b"".join(rows)


def number(data: bytes, rng: random.Random) -> bytes:
    """Put something odd in the place of a number."""
    found = list(NUMBER.finditer(data))
    if not found:
        return flip(data, rng)
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(ODD) + data[one.end():]


def word(data: bytes, rng: random.Random) -> bytes:
    """Lose, double or swap words."""
    found = list(re.finditer(rb"\S+", data))
    if not found:
        return flip(data, rng)
    one = rng.choice(found)
    kind = rng.randrange(3)
    if kind == 0:
        return data[: one.start()] + data[one.end():]
    if kind == 1:
        return data[: one.end()] + b" " + one.group() + data[one.end():]
    two = rng.choice(found)
    if one.start() > two.start():
        one, two = two, one
    if one is two or one.start() == two.start():
        return flip(data, rng)
    return (data[: one.start()] + two.group() + data[one.end() : two.start()] + one.group()
            + data[two.end():])


ANY: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip, flip, put, put, insert, lose, cut, behead, zeros, double)
TEXT = (*ANY, put, lines, lines, lines, number, number, number, word, word)


def mutated(data: bytes, seed: int, text: bool) -> list[bytes]:
    """Return bytes after each of one to four damages: the same for the same seed, the last new."""
    rng = random.Random(seed)
    stages: list[bytes] = []
    while not stages or stages[-1] == data:
        stages = []
        for _ in range(rng.choice((1, 1, 1, 1, 2, 4))):
            before = stages[-1] if stages else data
            if before:
                stages.append(rng.choice(TEXT if text else ANY)(before, rng))
    return stages


def tells_other_numbers(before: bytes, after: bytes, cut: bool = False) -> bool:
    """Tell whether two texts differ in whole numbers, or in whole words, alone.

    Such a text is as good as the first: nobody can see that it is damaged, and its reader must take
    it as it stands (or refuse what is not plausible). Where anything else differs, what is read
    must be what was there, or be refused. ``cut``: the second may end earlier, within a word.
    """
    one, two = BETWEEN.split(before), BETWEEN.split(after)
    if cut and len(two) < len(one):
        one, two = one[:len(two) - 1], two[:-1]
    if len(one) != len(two):
        return False
    for here, there in zip(one, two, strict=True):
        if here == there or (BETWEEN.fullmatch(here) and here.split() == there.split()
                             and here.count(b"\n") == there.count(b"\n")):
            continue
        same = (NUMBER.fullmatch(here) and NUMBER.fullmatch(there)) or (
            WORD.fullmatch(here) and WORD.fullmatch(there) and not NUMBER.fullmatch(here)
            and not LIKE_NUMBER.fullmatch(there))
        if not same:
            return False
    return True
