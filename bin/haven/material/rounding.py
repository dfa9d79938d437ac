"""Random whole numbers whose mean and sums are those of a table of fractions."""

from __future__ import annotations

import numpy as np

FRACTION = 1e-6  # nearer to a whole number is one


def round_table(table: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a table rounded up or down at random, whose mean is the table and whose sums are its.

    Dependent rounding (Gandhi et al., J. ACM 53, 324, 2006): along a closed path of fractions,
    by turns along rows and columns, they are raised and lowered until one is whole.

    Parameters
    ----------
    table
        Numbers (R, C) whose rows and columns sum to whole numbers.
    random
        Source of random numbers.

    Returns
    -------
    ndarray
        Whole numbers (R, C).
    """
    made = table.copy()
    while (path := _closed_path(np.abs(made - np.rint(made)) > FRACTION)):
        raised, lowered = (tuple(np.array(path[start::2]).T) for start in (0, 1))
        up = min((np.ceil(made[raised]) - made[raised]).min(),
                 (made[lowered] - np.floor(made[lowered])).min())
        down = min((made[raised] - np.floor(made[raised])).min(),
                   (np.ceil(made[lowered]) - made[lowered]).min())
        step = up if random.random() < down / (up + down) else -down
        made[raised] += step
        made[lowered] -= step
    return np.rint(made).astype(int)


def _closed_path(loose: np.ndarray) -> list[tuple[int, int]]:
    """Return entries of a mask (R, C), by turns in one row and one column, that end at the first.

    Empty where there is none.
    """
    for row in np.flatnonzero(loose.any(axis=1)):
        path: list[tuple[int, int]] = []
        along_row, here = True, int(row)
        seen = {(along_row, here): 0}
        while True:
            line = np.flatnonzero(loose[here] if along_row else loose[:, here]).tolist()
            entries = [(here, n) if along_row else (n, here) for n in line]
            entry = next((one for one in entries if not path or one != path[-1]), None)
            if entry is None:
                break
            path.append(entry)
            along_row, here = not along_row, entry[1] if along_row else entry[0]
            if (along_row, here) in seen:
                return path[seen[along_row, here]:]
            seen[along_row, here] = len(path)
    return []
