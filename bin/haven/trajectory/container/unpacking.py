"""The steps of `haven.trajectory.container.packing` as positions again, compiled; needs numba."""

# numba reads the code, so annotations are not postponed here
import numpy as np
from numba import njit  # pyright: ignore[reportMissingImports]


@njit
def rows(raw, bits, lead, now, places, steps, resolution, out):  # noqa: ANN001, ANN201
    """Write positions of a span but for its first frame, which ``now`` holds and which changes.

    Parameters
    ----------
    raw
        Packed steps (R, bytes).
    bits, lead
        Bits of a step; steps of each row that come before those wanted, 0 or 1.
    now
        Positions of the first frame (V,), in units of the resolution.
    places, steps
        Steps too long for their bits: row and column in one number ``row V + column``, ascending.
    resolution
        Angstrom.
    out
        Positions (R, V), Angstrom, float32.
    """
    wide, following, offset = len(now), 0, np.int32(-(1 << (bits - 1)))
    codes = np.empty(raw.shape[1] // 3 * 2 if bits == 12 else wide, np.int32)
    for row in range(len(out)):
        line = raw[row]
        if bits == 12:
            for pair in range(len(codes) // 2):
                middle = np.int32(line[3 * pair + 1])
                codes[2 * pair] = np.int32(line[3 * pair]) | (middle & 15) << 8
                codes[2 * pair + 1] = middle >> 4 | np.int32(line[3 * pair + 2]) << 4
        else:
            for v in range(wide):
                code = np.int32(0)
                for byte in range(bits // 8):
                    code |= np.int32(line[bits // 8 * v + byte]) << 8 * byte
                codes[v] = code
        for v in range(wide):
            now[v] += codes[v + lead] + offset
        while following < len(places) and places[following] // wide == row:
            now[places[following] % wide] += steps[following]
            following += 1
        for v in range(wide):
            out[row, v] = now[v] * resolution
