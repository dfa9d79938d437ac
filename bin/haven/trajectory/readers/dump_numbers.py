"""Numbers and names in the lines of a dump, compiled; needs numba.

Decimal numbers of up to 2^53 as whole numbers, times a power of ten of up to 22, become the nearest
float by one multiplication or division (Clinger, PLDI 1990), as Python's own reading gives.
Whatever is not that plain is left to the reader of `haven.trajectory.readers.lammps_dump`.

The loop over the bytes is one function: with names, numbers and exponents in functions of their own
it takes 1.6 times as long (20 in place of 12 ms for 200,000 lines of five columns).
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
def read_numbers(text, places, whole, numbers, names):  # noqa: ANN001, ANN201
    """Read lines into arrays; return whether every line has one plain word for each column.

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
    at, end = 0, len(text)
    for row in range(len(numbers)):
        for column in range(len(places)):
            while at < end and (text[at] == 32 or (9 <= text[at] <= 13 and text[at] != NEWLINE)):
                at += 1
            if at >= end or text[at] == NEWLINE:
                return False
            place = places[column]
            if place == SKIPPED:
                while at < end and text[at] != 32 and not 9 <= text[at] <= 13:
                    at += 1
            elif place == NAME:
                code, length = np.uint64(0), 0
                while at < end and text[at] != 32 and not 9 <= text[at] <= 13:
                    if length == 8 or text[at] > 126:
                        return False
                    code |= np.uint64(text[at]) << np.uint64(8 * length)
                    length += 1
                    at += 1
                names[row] = code
            else:
                negative = text[at] == 45
                if text[at] == 45 or text[at] == 43:
                    at += 1
                value, digits, dot, shift = np.uint64(0), 0, False, 0
                while at < end and text[at] != 32 and not 9 <= text[at] <= 13:
                    letter = text[at]
                    at += 1
                    if 48 <= letter <= 57:
                        if value > ROOM:
                            return False
                        value = value * np.uint64(10) + np.uint64(letter - 48)
                        digits += 1
                        shift -= dot
                    elif letter == 46 and not dot and not whole[column]:
                        dot = True
                    elif (letter == 101 or letter == 69) and digits and not whole[column]:
                        down, power, some = False, 0, 0
                        if at < end and (text[at] == 45 or text[at] == 43):
                            down = text[at] == 45
                            at += 1
                        while at < end and 48 <= text[at] <= 57:
                            power = power * 10 + (text[at] - 48)
                            some += 1
                            at += 1
                            if some > 3:
                                return False
                        if not some or (at < end and text[at] != 32 and not 9 <= text[at] <= 13):
                            return False
                        shift += -power if down else power
                    else:
                        return False
                if not digits or value > LARGEST or shift > 22 or shift < -22:
                    return False
                number = np.float64(value)
                number = number * POWERS[shift] if shift > 0 else number / POWERS[-shift]
                numbers[row, place] = -number if negative else number
        while at < end and (text[at] == 32 or (9 <= text[at] <= 13 and text[at] != NEWLINE)):
            at += 1
        if at >= end or text[at] != NEWLINE:
            return False
        at += 1
    return at == end
