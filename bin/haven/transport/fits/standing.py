"""What may be said of an Arrhenius line: known to what, of which temperatures, what is against it.

The command ``./haven transport``, the report and the comparison of studies all ask here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from haven.core.numbers import count_of, interval, known, percent

FEWEST_TEMPERATURES = 3  # of a line that can be seen to bend
DIFFUSIVE = "diffusive"
ACTIVATION = "activation of "  # begins the name of the activation energy of a line's quantity
AT_298 = " at 298 K"  # ends the name of the conductivity that a line leads to
CURVED = "curved"  # 1/T has a quadratic term
JUMPS_ALONE = "jumps_alone"  # fewer than three temperatures are known to be diffusive
DOUBTFUL_P = 0.05  # p value of a quadratic term in 1/T below which a line is curved
HARDLY = 100.0  # upper over lower end of an interval above which a number is hardly known
AGAINST = {
    CURVED: "the Arrhenius line is curved",
    JUMPS_ALONE: "runs too short: jumps that lead back later count in full",
}
"""What may stand against a line, in words."""
AT_A_TEMPERATURE = {
    "subdiffusive": "not diffusive yet", "drifting": "drifts", "unstable": "unstable",
    "not_stationary": "not stationary", "too_few_events": "too few jumps to tell",
    "no_host": "no host to tell by", "": "runs disagree",
}
"""Verdicts of a temperature that is not known to be diffusive, in words."""


def is_curved(fit: Mapping[str, Any]) -> bool:
    """Return whether a row of table ``arrhenius`` is of a line that is curved in 1/T."""
    return (fit.get("verdict") == DIFFUSIVE and known(fit.get("curvature_p"))
            and float(fit["curvature_p"]) < DOUBTFUL_P)


def of_jumps_alone(verdicts: Iterable[str]) -> bool:
    """Return whether too few temperatures are diffusive to tell that jumps do not lead back.

    Parameters
    ----------
    verdicts
        Of D_self of all runs of each temperature joined; without any, nothing is known against
        the line.
    """
    found = list(verdicts)
    return bool(found) and found.count(DIFFUSIVE) < FEWEST_TEMPERATURES


def standing_of(fit: Mapping[str, Any], single_ions: Iterable[str]) -> str:
    """Return what may be said of a line: ``diffusive``, what is against it, or why there is none.

    Parameters
    ----------
    fit
        Row of table ``arrhenius``, of which ``verdict`` and ``curvature_p`` are read.
    single_ions
        As `of_jumps_alone` takes them.
    """
    if fit["verdict"] != DIFFUSIVE:
        return str(fit["verdict"])
    against = [CURVED] * is_curved(fit) + [JUMPS_ALONE] * of_jumps_alone(single_ions)
    return ", ".join(against) or DIFFUSIVE


def line_note(fit: Mapping[str, Any]) -> str:
    """Return what stands against a line as words that follow its name in a legend; or nothing.

    Parameters
    ----------
    fit
        Row of table ``arrhenius``; those of earlier versions do not say their ``standing``.
    """
    return (", curved" if is_curved(fit) else "") + (
        ", of runs too short" if JUMPS_ALONE in str(fit.get("standing")) else "")


def known_to(value: float, low: float, high: float) -> float | None:
    """Return the longer arm of a 95 % interval over its value; None of a value that is not > 0."""
    return max(high - value, value - low) / value if value > 0 else None


def hardly_known_energy(value: float, low: float, high: float) -> str:
    """Return in words that an activation energy is hardly known, of its 95 % interval, or nothing.

    An interval that reaches zero or twice the value tells no line from a flat one.
    """
    share = known_to(value, low, high)
    return "" if share is not None and share < 1 else (
        "hardly known: the interval reaches zero or twice the value")


def hardly_known_factor(low: float, high: float) -> str:
    """Return in words that a positive number is hardly known, of its 95 % interval, or nothing.

    A conductivity, a coefficient of diffusion or a ratio of them is hardly known where its interval
    spans two powers of ten or more, or reaches zero.
    """
    if low <= 0:
        return "hardly known: the interval reaches zero"
    return (f"hardly known: the interval spans {math.log10(high / low):.0f} powers of ten"
            if high > HARDLY * low else "")


def temperatures_text(kelvin: Iterable[float]) -> str:
    """Return temperatures for a table: ``300, 400.5, 500``."""
    return ", ".join(f"{t:g}" for t in sorted(set(kelvin)))


def not_diffusive_text(verdicts: Mapping[float, str]) -> str | None:
    """Return the temperatures that are not known to be diffusive, with the reason; None of none.

    Parameters
    ----------
    verdicts
        Of all runs of each temperature (K) together.
    """
    told = [f"{t:g} K {AT_A_TEMPERATURE.get(verdict, verdict.replace('_', ' '))}"
            for t, verdict in sorted(verdicts.items()) if verdict != DIFFUSIVE]
    return "; ".join(told) or None


def line_words(fit: Mapping[str, Any]) -> str:
    """Return a row of table ``arrhenius`` for a terminal: activation energy, verdict, reasons."""
    count = count_of(int(fit["temperatures"]), "temperature")
    fitted = f"fitted: {fit['fitted_k']} K" if fit.get("fitted_k") else "none fitted"
    if fit.get("not_diffusive"):
        fitted += f"; not known to be diffusive: {fit['not_diffusive']}"
    elif fit.get("fitted_k"):
        fitted += ", all diffusive"
    if not known(fit.get("activation_ev")):
        return f"no fit ({fit['verdict']}: {count}; {fitted})"
    energy = interval(fit["activation_ev"], fit["activation_low_95"], fit["activation_high_95"],
                      "eV", plain=True)
    ends = [float(fit[name]) for name in ("activation_ev", "activation_low_95",
                                          "activation_high_95")]
    told = [hardly_known_energy(*ends) or f"known to {percent(fit['known_to'])}"]
    if is_curved(fit):
        told.append(f"p = {fit['curvature_p']:.2g} of a straight line, so one activation energy "
                    "does not describe it")
    if JUMPS_ALONE in str(fit["standing"]):
        told.append(f"fewer than {FEWEST_TEMPERATURES} temperatures have runs long enough to show "
                    "that jumps do not lead back")
    return f"Ea {energy} from {count} ({fit['standing']}: {'; '.join([*told, fitted])})"
