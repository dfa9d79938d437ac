"""Numbers and names in the lines of a dump, compiled; needs numba.

Decimal numbers of up to 2^53 as whole numbers, times a power of ten of up to 22, become the nearest
float by one multiplication or division (Clinger, PLDI 1990), as Python's own reading gives.
Whatever is not that plain is left to the reader of `haven.trajectory.readers.lammps_dump`.
"""

# numba reads the code, so annotations are not postponed here
import numpy as np
from numba import njit  # pyright: ignore[reportMissingImports]

SKIPPED, NAME = -1, -2
"""Columns that are not wanted, and the column of names."""
LARGEST = np.uint64(1 << 53)
ROOM = np.uint64((1 << 63) // 20)
POWERS = 10.0 ** np.arange(23)
NEWLINE = 10


@njit(nogil=True)
def _blank(letter):  # noqa: ANN001, ANN202
    """Tell whether a byte is white space, a newline included."""
    return letter == 32 or 9 <= letter <= 13


@njit(nogil=True)
def _past_blanks(text, at):  # noqa: ANN001, ANN202
    """Return the place of the next word of this line, or of its newline."""
    while at < len(text) and _blank(text[at]) and text[at] != NEWLINE:
        at += 1
    return at


@njit(nogil=True)
def _past_word(text, at):  # noqa: ANN001, ANN202
    """Return the place behind a word."""
    while at < len(text) and not _blank(text[at]):
        at += 1
    return at


@njit(nogil=True)
def _name(text, at):  # noqa: ANN001, ANN202
    """Return the code of a name, and the place behind it; -1 where it is not plain."""
    code, length = np.uint64(0), 0
    while at < len(text) and not _blank(text[at]):
        if length == 8 or text[at] > 126:
            return code, -1
        code |= np.uint64(text[at]) << np.uint64(8 * length)
        length += 1
        at += 1
    return code, at


@njit(nogil=True)
def _exponent(text, at):  # noqa: ANN001, ANN202
    """Return the power of ten behind an e, and the place behind it; -1 where it is not plain."""
    down, power, digits = False, 0, 0
    if at < len(text) and (text[at] == 45 or text[at] == 43):
        down = text[at] == 45
        at += 1
    while at < len(text) and 48 <= text[at] <= 57:
        power = power * 10 + (text[at] - 48)
        digits += 1
        at += 1
        if digits > 3:
            return 0, -1
    if not digits or (at < len(text) and not _blank(text[at])):
        return 0, -1
    return -power if down else power, at


@njit(nogil=True)
def _number(text, at, whole):  # noqa: ANN001, ANN202
    """Return a number, which may have to be whole, and the place behind it; -1 if not plain."""
    negative = text[at] == 45
    if text[at] == 45 or text[at] == 43:
        at += 1
    value, digits, dot, shift = np.uint64(0), 0, False, 0
    while at < len(text) and not _blank(text[at]):
        letter = text[at]
        at += 1
        if 48 <= letter <= 57:
            if value > ROOM:
                return 0.0, -1
            value = value * np.uint64(10) + np.uint64(letter - 48)
            digits += 1
            shift -= dot
        elif letter == 46 and not dot and not whole:
            dot = True
        elif (letter == 101 or letter == 69) and digits and not whole:
            power, at = _exponent(text, at)
            if at < 0:
                return 0.0, -1
            shift += power
        else:
            return 0.0, -1
    if not digits or value > LARGEST or shift > 22 or shift < -22:
        return 0.0, -1
    number = np.float64(value)
    number = number * POWERS[shift] if shift > 0 else number / POWERS[-shift]
    return -number if negative else number, at


@njit(nogil=True)
def read_numbers(text, places, whole, numbers, names):  # noqa: ANN001, ANN201
    """Read lines into arrays; tell whether all of them are plain and of as many words as columns.

    Parameters
    ----------
    text
        Bytes of the lines, each of which ends in a newline.
    places
        Of each column in the file, its column in ``numbers``, `SKIPPED` or `NAME`.
    whole
        Whether a column must hold whole numbers.
    numbers
        Filled, one row a line (A, K), float64.
    names
        Filled with names of up to eight letters, first letter in the lowest byte (A,), uint64.
    """
    at = 0
    for row in range(len(numbers)):
        for column in range(len(places)):
            at = _past_blanks(text, at)
            if at >= len(text) or text[at] == NEWLINE:
                return False
            place = places[column]
            if place == SKIPPED:
                at = _past_word(text, at)
            elif place == NAME:
                names[row], at = _name(text, at)
            else:
                numbers[row, place], at = _number(text, at, whole[column])
            if at < 0:
                return False
        at = _past_blanks(text, at)
        if at >= len(text) or text[at] != NEWLINE:
            return False
        at += 1
    return at == len(text)
