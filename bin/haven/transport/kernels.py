"""Power spectra of many zero-padded series at once, for large trajectories; needs numba.

Sixteen real series are transformed together as eight complex ones, so that each step of the
transform (a butterfly) is a vector instruction on all of them. Padding costs nothing: the transform
of a series padded with zeros to twice its length consists of that of the series (even frequencies)
and that of the series times a phase of half a frequency step (odd ones). Only summed powers are
needed, so that frequencies are sorted at the end. All numbers are float64.
"""

# numba reads the signatures, so annotations are not postponed here
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir  # pyright: ignore[reportMissingImports]
from numba import njit, types  # pyright: ignore[reportMissingImports]
from numba.extending import intrinsic  # pyright: ignore[reportMissingImports]

LANES = 8
SERIES = 2 * LANES
CACHED_ROWS = 1 << 12
VECTOR = ir.VectorType(ir.DoubleType(), LANES)
SHUFFLE = ir.VectorType(ir.IntType(32), LANES)
Pair = tuple[ir.Value, ir.Value]


def _butterfly(radix: int) -> Callable:
    """Return an intrinsic: one butterfly in place on rows of a (rows, 2, LANES) array."""

    def build(typingctx, data, start, step, cosines, sines, turn):  # noqa: ANN001, ANN202
        def codegen(context, builder, signature, args):  # noqa: ANN001, ANN202
            base, cs, sn = (context.make_array(signature.args[i])(context, builder, args[i]).data
                            for i in (0, 3, 4))
            number = args[1].type
            lanes = builder.bitcast(base, VECTOR.as_pointer())
            where = []
            for k in range(radix):
                row = builder.add(args[1], builder.mul(args[2], number(k)))
                row = builder.mul(row, number(2))
                where.append([builder.gep(lanes, [builder.add(row, number(p))],
                                          source_etype=VECTOR) for p in (0, 1)])
            x = [(builder.load(a, align=16, typ=VECTOR), builder.load(b, align=16, typ=VECTOR))
                 for a, b in where]
            for k, value in enumerate(_transform(builder, x)):
                if k:
                    at = builder.mul(args[5], number(k))
                    c, s = (_spread(builder, builder.load(
                        builder.gep(t, [at], source_etype=ir.DoubleType()), typ=ir.DoubleType()))
                        for t in (cs, sn))
                    value = _turned(builder, value, c, s)
                for place, part in zip(where[k], value, strict=True):
                    builder.store(part, place, align=16)
            return context.get_dummy_value()

        return types.void(data, start, step, cosines, sines, turn), codegen

    return intrinsic(build)


def _spread(builder: ir.IRBuilder, scalar: ir.Value) -> ir.Value:
    empty = ir.Constant(VECTOR, ir.Undefined)
    one = builder.insert_element(empty, scalar, ir.IntType(32)(0))
    return builder.shuffle_vector(one, empty, ir.Constant(SHUFFLE, [ir.IntType(32)(0)] * LANES))


def _constant(value: float) -> ir.Constant:
    return ir.Constant(VECTOR, [ir.DoubleType()(value)] * LANES)


def _product(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    return builder.fmul(a, b, flags=("contract",))


def _turned(builder: ir.IRBuilder, x: Pair, c: ir.Value, s: ir.Value) -> Pair:
    """Return ``x (c + i s)``."""
    return (builder.fsub(_product(builder, x[0], c), _product(builder, x[1], s),
                         flags=("contract",)),
            builder.fadd(_product(builder, x[0], s), _product(builder, x[1], c),
                         flags=("contract",)))


def _transform(builder: ir.IRBuilder, x: Sequence[Pair]) -> list[Pair]:
    """Return the discrete Fourier transform of 2, 3, 4 or 5 complex vectors."""
    def plus(a: Pair, b: Pair) -> Pair:
        return builder.fadd(a[0], b[0]), builder.fadd(a[1], b[1])

    def minus(a: Pair, b: Pair) -> Pair:
        return builder.fsub(a[0], b[0]), builder.fsub(a[1], b[1])

    def down(a: Pair, b: Pair) -> Pair:  # a - i b
        return builder.fadd(a[0], b[1]), builder.fsub(a[1], b[0])

    def up(a: Pair, b: Pair) -> Pair:  # a + i b
        return builder.fsub(a[0], b[1]), builder.fadd(a[1], b[0])

    def mixed(terms: Sequence[tuple[float, Pair]], start: Pair | None = None) -> Pair:
        parts = []
        for p in (0, 1):
            total = None if start is None else start[p]
            for factor, value in terms:
                one = _product(builder, value[p], _constant(factor))
                total = one if total is None else builder.fadd(total, one, flags=("contract",))
            parts.append(total)
        return parts[0], parts[1]

    radix = len(x)
    if radix == 2:
        return [plus(x[0], x[1]), minus(x[0], x[1])]
    if radix == 4:
        a, b = plus(x[0], x[2]), minus(x[0], x[2])
        c, d = plus(x[1], x[3]), minus(x[1], x[3])
        return [plus(a, c), down(b, d), minus(a, c), up(b, d)]
    half = range(1, radix // 2 + 1)
    sums = [plus(x[k], x[radix - k]) for k in half]
    gaps = [minus(x[k], x[radix - k]) for k in half]
    angle = 2 * np.pi / radix
    out: list[Any] = [None] * radix
    out[0] = x[0]
    for one in sums:
        out[0] = plus(out[0], one)
    for q in half:
        even = mixed([(np.cos(angle * q * k), s) for k, s in zip(half, sums, strict=True)], x[0])
        odd = mixed([(np.sin(angle * q * k), g) for k, g in zip(half, gaps, strict=True)])
        out[q], out[radix - q] = down(even, odd), up(even, odd)
    return out


_two, _three, _four, _five = (_butterfly(r) for r in (2, 3, 4, 5))


@njit
def _pass(data, start, rows, radix, cosines, sines):  # noqa: ANN001, ANN202
    step = rows // radix
    turn = len(cosines) // rows
    if radix == 4:
        for j in range(step):
            _four(data, start + j, step, cosines, sines, j * turn)
    elif radix == 5:
        for j in range(step):
            _five(data, start + j, step, cosines, sines, j * turn)
    elif radix == 3:
        for j in range(step):
            _three(data, start + j, step, cosines, sines, j * turn)
    else:
        for j in range(step):
            _two(data, start + j, step, cosines, sines, j * turn)


@njit
def _transform_rows(data, radices, cosines, sines):  # noqa: ANN001, ANN202
    """Transform rows in place, frequencies left scrambled; large ones part by part in cache."""
    count = len(data)
    rows, done = count, 0
    while done < len(radices) and rows > CACHED_ROWS:
        for start in range(0, count, rows):
            _pass(data, start, rows, radices[done], cosines, sines)
        rows //= radices[done]
        done += 1
    for part in range(0, count, rows):
        inner = rows
        for k in range(done, len(radices)):
            for start in range(part, part + rows, inner):
                _pass(data, start, inner, radices[k], cosines, sines)
            inner //= radices[k]


@njit(nogil=True)
def _load(block, first, centre, series, squares, path):  # noqa: ANN001, ANN202
    """Fill ``series`` (3, T, 2, LANES) with SERIES ions relative to their start and ``centre``.

    Adds to ``squares`` and ``path`` (T, 3); returns the largest step along an axis.
    """
    frames, ions = block.shape[0], min(SERIES, block.shape[1] - first)
    largest = 0.0
    if ions < SERIES:
        series[:] = 0.0
    for t in range(frames):
        for axis in range(3):
            square, total = 0.0, 0.0
            for i in range(ions):
                x = np.float64(block[t, first + i, axis]) - np.float64(block[0, first + i, axis])
                x -= centre[t, axis]
                series[axis, t, i // LANES, i % LANES] = x
                square += x * x
                total += x
                if t:
                    step = abs(x - series[axis, t - 1, i // LANES, i % LANES])
                    if step > largest:
                        largest = step
            squares[t, axis] += square
            path[t, axis] += total
    return largest


@njit(nogil=True, fastmath={"reassoc", "contract"})
def _add_powers(series, radices, cosines, sines, half, data, powers):  # noqa: ANN001, ANN202
    """Add the powers of ``series`` (T, 2, LANES) to ``powers`` (2, rows), even and odd."""
    frames, rows = len(series), len(data)
    folded = frames > rows
    for odd in range(2):
        for t in range(min(frames, rows)):
            c, s = half[t, 0], half[t, 1]
            for lane in range(LANES):
                a, b = series[t, 0, lane], series[t, 1, lane]
                if folded and t + rows < frames:
                    a += (1 - 2 * odd) * series[t + rows, 0, lane]
                    b += (1 - 2 * odd) * series[t + rows, 1, lane]
                data[t, 0, lane] = a * c - b * s if odd else a
                data[t, 1, lane] = a * s + b * c if odd else b
        data[min(frames, rows):] = 0.0
        _transform_rows(data, radices, cosines, sines)
        for t in range(rows):
            total = 0.0
            for lane in range(LANES):
                total += data[t, 0, lane] * data[t, 0, lane] + data[t, 1, lane] * data[t, 1, lane]
            powers[odd, t] += total


def factors(least: int) -> list[int]:
    """Return the radices of the cheapest length not below ``least``; 5 and 3 stand first."""
    best: tuple[float, list[int]] | None = None
    for fives in range(8):
        for threes in range(6):
            base = 5**fives * 3**threes
            twos = max(0, int(np.ceil(np.log2(max(1.0, least / base)))))
            radices = [5] * fives + [3] * threes + [2] * (twos % 2) + [4] * (twos // 2)
            cost = base * 2**twos * sum({2: 1.6, 3: 2.6, 4: 2.2, 5: 4.0}[r] for r in radices)
            if base * 2**twos >= least and (best is None or cost < best[0]):
                best = (cost, radices)
    assert best is not None
    return best[1]


class Powers:
    """Summed powers of the ions' series: `add` blocks of ions, then call `correlation`.

    Parameters
    ----------
    frames
        Length T of the series.
    lags
        Correlations wanted: lags 0 to ``lags - 1``.
    """

    def __init__(self, frames: int, lags: int) -> None:
        self.radices = np.array(factors((frames + lags) // 2))
        rows = int(np.prod(self.radices))
        angle = -2 * np.pi * np.arange(rows) / rows
        self.tables = np.cos(angle), np.sin(angle)
        self.half = np.stack([np.cos(angle / 2), np.sin(angle / 2)], axis=1)
        self.data = np.empty((rows, 2, LANES))
        self.series = np.zeros((3, frames, 2, LANES))
        self.powers = np.zeros((3, 2, rows))

    def add(
        self, block: np.ndarray, centre: np.ndarray, squares: np.ndarray, path: np.ndarray,
    ) -> float:
        """Add ions (T, n, 3); add their squares and sums (T, 3); return their largest step."""
        largest = 0.0
        for first in range(0, block.shape[1], SERIES):
            largest = max(largest, _load(block, first, centre, self.series, squares, path))
            for axis in range(3):
                _add_powers(self.series[axis], self.radices, *self.tables, self.half, self.data,
                            self.powers[axis])
        return largest

    def correlation(self, lags: int) -> np.ndarray:
        """Return the sums over ions and origins of products a lag apart (lags, 3)."""
        import scipy.fft

        order = np.zeros(1, int)
        for radix in self.radices[::-1]:
            order = (np.arange(radix)[:, None] + radix * order[None, :]).ravel()
        full = np.empty((2 * len(order), 3))
        full[2 * order], full[2 * order + 1] = self.powers[:, 0].T, self.powers[:, 1].T
        return scipy.fft.ifft(full, axis=0).real[:lags]
