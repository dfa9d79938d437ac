"""Numbers as text: rounded as their interval allows, with their unit; upper bounds rounded up."""

from __future__ import annotations

import math

DASH = "–"  # an en dash: no number
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNITS = {
    "1": "", "Angstrom": "Å", "Angstrom^2": "Å²",
    "Angstrom^3": "Å³", "eV/Angstrom": "eV/Å", "meV/Angstrom": "meV/Å", "cm2/s": "cm²/s",
    "degree": "°", "cm^-3": "cm⁻³",
}


def unit_text(unit: str, plain: bool = False) -> str:
    """Return a table's unit as written in a report, such as ``cm²/s``."""
    return ("" if unit == "1" else unit) if plain else _UNITS.get(unit, unit)


def known(*numbers: float | None) -> bool:
    """Return whether all numbers are given (not None) and finite."""
    return all(number is not None and math.isfinite(number) for number in numbers)


def _decimals(gap: float, digits: int = 2) -> int:
    """Return the decimals that show ``gap`` with so many significant digits."""
    if gap <= 0 or not math.isfinite(gap):
        return 3
    rounded = float(f"{gap:.{digits - 1}e}")
    return digits - 1 - math.floor(math.log10(rounded))


def significant(number: float, digits: int = 2) -> str:
    """Return ``number`` with so many significant digits, without an exponent where readable."""
    if number == 0 or not math.isfinite(number):
        return "0" if number == 0 else str(number)
    decimals = _decimals(abs(number), digits)
    if decimals > 6 or abs(round(number, decimals)) >= 1e5:
        return f"{number:.{digits - 1}e}"
    return fixed(number, decimals)


def fixed(number: float, decimals: int) -> str:
    """Return a number with so many decimals; rounded to tens, hundreds where they are negative.

    What is rounded to zero has no sign.
    """
    rounded = round(number, decimals) + 0.0  # -0.0 + 0.0 is 0.0
    return f"{rounded:.{max(decimals, 0)}f}"


def plus_minus(value: float, error: float) -> str:
    """Return ``value ± error``, both to two digits of the error."""
    if not known(value, error) or error <= 0:
        return f"{fixed(value, 2)} ± {fixed(error, 2)}"
    decimals = _decimals(error)
    return f"{fixed(value, decimals)} ± {fixed(error, decimals)}"


def _power(text: str, exponent: int, plain: bool) -> str:
    if exponent == 0:
        return text
    if plain:
        return f"{text}e{exponent:+03d}"
    return f"{text} × 10{str(exponent).translate(_SUPERSCRIPT)}"


def _exponent(number: float) -> int:
    """Return the power of ten to take out; 0 for numbers that read well as they are."""
    if number == 0:
        return 0
    exponent = math.floor(math.log10(abs(number)))
    return 0 if -4 < exponent < 5 else exponent


def _alone(number: float, plain: bool) -> str:
    """Return a number to two digits, with a power of ten of its own where it has one."""
    exponent = _exponent(float(f"{number:.1e}"))
    return _power(significant(number / 10.0**exponent), exponent, plain)


def interval(
    value: float | None, low: float | None, high: float | None, unit: str = "1",
    plain: bool = False,
) -> str:
    """Return ``value [low, high] unit`` rounded to two digits of the interval's shorter arm.

    Of an interval over more than a factor of ten each number has two digits of its own, and where
    it is over so many powers of ten that none fits all three, a power of its own.

    Parameters
    ----------
    value
        The number.
    low, high
        Ends of its 95 % interval. Without both, the answer is a dash: no number stands alone.
    unit
        Unit as in the tables.
    plain
        ASCII exponents, for a terminal.

    Returns
    -------
    str
        For example ``1.06 [0.84, 1.31] mS/cm``.
    """
    if value is None or low is None or high is None or not known(value, low, high):
        return DASH
    exponent = (_exponent(value) if low > 0
                else _exponent(float(f"{max(abs(value), abs(low), abs(high)):.0e}")))
    if low > 0 and high > 10 * low:
        ends = [float(f"{number:.1e}") / 10.0**exponent for number in (low, high)]
        fits = (not any(map(_exponent, ends)) if not exponent
                else ends[0] > 0.0099 and ends[1] < 9999)
        if not fits:  # one power of ten for all three reads badly
            first, lower, upper = (_alone(number, plain) for number in (value, low, high))
            return f"{first} [{lower}, {upper}] {unit_text(unit, plain)}".rstrip()
    elif not exponent:
        exponent = max(_exponent(float(f"{high:.0e}")), 0)
    scaled = [number / 10.0**exponent for number in (value, low, high)]
    arms = [arm for arm in (scaled[0] - scaled[1], scaled[2] - scaled[0]) if arm > 0]
    if scaled[1] > 0 and scaled[2] > 10 * scaled[1]:
        first, lower, upper = (significant(number) for number in scaled)
    else:
        decimals = min(_decimals(min(arms)), _decimals(max(arms)) + 2) if arms else 3
        first, lower, upper = (fixed(number, decimals) for number in scaled)
    if plain and exponent:
        first, lower, upper = (f"{part}e{exponent:+03d}" for part in (first, lower, upper))
    body = f"{first} [{lower}, {upper}]"
    if exponent and not plain:
        body = _power(f"({body})", exponent, plain)
    return f"{body} {unit_text(unit, plain)}".rstrip()


def bound(high: float | None, unit: str = "1", plain: bool = False) -> str:
    """Return ``< high unit`` with two digits, rounded up so that the bound stays one."""
    if high is None or not known(high) or high <= 0:
        return DASH
    exponent = math.floor(math.log10(high))
    mantissa = math.ceil(round(high / 10.0 ** (exponent - 1), 9)) / 10
    if mantissa >= 10:
        mantissa, exponent = mantissa / 10, exponent + 1
    if -4 < exponent < 5:
        body = f"{mantissa * 10.0**exponent:.{max(1 - exponent, 0)}f}"
    else:
        body = _power(f"{mantissa:.1f}", exponent, plain)
    return f"< {body} {unit_text(unit, plain)}".rstrip()


def number(value: float | None, unit: str = "1", digits: int = 4, plain: bool = False) -> str:
    """Return a number that has no interval by nature (a setting, a count, a published value)."""
    if value is None or not known(value):
        return DASH
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{int(value)} {unit_text(unit, plain)}".rstrip()
    exponent = _exponent(value)
    scaled = float(f"{value / 10.0**exponent:.{digits}g}")
    body = f"{scaled:.0f}" if abs(scaled) >= 10**digits else f"{scaled:.{digits}g}"
    return f"{_power(body, exponent, plain)} {unit_text(unit, plain)}".rstrip()


def percent(share: float, decimals: int = 0, signed: bool = False) -> str:
    """Return a share in per cent, as units are written: ``5 %``, with a sign ``+2.6 %``.

    Parameters
    ----------
    share
        1 for the whole.
    decimals
        Of the per cents.
    signed
        Whether what is above zero has a plus.
    """
    return f"{100 * share:{'+' if signed else ''}.{decimals}f} %"


def count_of(number: int, noun: str) -> str:
    """Return ``1 run`` or ``12 runs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """Return a duration a person reads, such as ``2.5 h``."""
    if math.isnan(seconds):
        return "-"
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
