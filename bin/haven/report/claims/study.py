"""The numbers that claims of the published study are judged by, and how they are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from haven.core.numbers import known, number
from haven.core.types import Row, Table, Tables
from haven.report.numbers.comparison import limit_words, printed_rounding, standing_of
from haven.report.numbers.pooling import USUALLY_MOBILE, mobile_species
from haven.report.numbers.soundness import reservations

SUPPORTED, CONTRADICTED, OPEN = "supported", "contradicted", "cannot_be_said"
ROOM = 298.0  # K, of the study's claims on transport
NEAR_K = 50.0  # K: Haven ratios further from the claim's temperature do not judge it


@dataclass(frozen=True)
class Study:
    """The numbers that claims are judged by.

    Attributes
    ----------
    tables
        Tables by name.
    measured
        Rows of `haven.report.numbers.measured.collect`.
    reference
        Published values of the material, of `haven.report.numbers.comparison.load_reference`.
    us
        Values of U, eV.
    dispersion
        Dispersion correction of the labels (parameter ``dispersion``); empty where it is not known.
    longer
        Rows of `haven.report.numbers.comparison.load_studies`: what the study shipped with Haven
        found.
    """

    tables: Tables
    measured: Table
    reference: Table
    us: tuple[float, ...]
    dispersion: str = ""
    longer: tuple[Row, ...] = ()

    @property
    def ions(self) -> str:
        """The mobile ions as the subject of a sentence in the singular: ``lithium``."""
        from ase.data import atomic_names, atomic_numbers

        named = mobile_species(self.tables)
        if named == USUALLY_MOBILE:  # no run was analysed
            return "the mobile ion"
        return " or ".join(atomic_names[atomic_numbers[one]].lower() if one in atomic_numbers
                           else one for one in sorted(named))

    def published(self, quantity: str, u_ev: float | None, measured: bool) -> Row | None:
        """Return the published value of a quantity, calculated or measured.

        One of this U comes before one of no U in particular, and that before one of another U
        (which `published_for` tells); a doubtful one comes last.
        """
        rows = self.reference[(self.reference["quantity"] == quantity)
                              & (self.reference["measured"] == measured)].to_dict("records")

        def order(row: Row) -> tuple[bool, int]:
            other = known(row["u_ev"]) and row["u_ev"] != u_ev  # type: ignore[arg-type]
            return bool(row["doubtful"]), 2 * other + (not known(row["u_ev"]))  # type: ignore[arg-type]

        return min(rows, key=order, default=None)

    def found(self, quantity: str, u_ev: float) -> list[Row]:
        """Return Haven's rows of a quantity, with a number first, then by distance from 298 K."""
        rows = self.measured[(self.measured["quantity"] == quantity)
                             & (self.measured["u_ev"] == u_ev)].to_dict("records")

        def order(row: Row) -> tuple[bool, float]:
            at = row["temperature_k"]
            away = abs(float(str(at)) - ROOM) if known(at) else 0.0  # type: ignore[arg-type]
            return not known(row["value"], row["low_95"], row["high_95"]), away  # type: ignore[arg-type]

        return sorted(rows, key=order)


def published_for(published: Row, u_ev: float) -> str:
    """Return words to follow a claim whose value was published for another U; else nothing."""
    of_u = published["u_ev"]
    if not known(of_u) or float(str(of_u)) == u_ev:  # type: ignore[arg-type]
        return ""
    return f" (published for U = {float(str(of_u)):g} eV)"


def claim_row(
    claim: str, says: str, u_ev: float | None, published: Row | None, experiment: Row | None,
    ours: Mapping[str, object] | None, unit: str, verdict: str, why: str,
) -> Row:
    """Return a row but for the material."""
    ours = ours or {}

    def value(row: Mapping[str, object] | None, name: str = "value") -> float | None:
        found = row.get(name) if row else None
        return float(str(found)) if known(found) else None  # type: ignore[arg-type]

    return {"claim": claim, "says": says, "u_ev": u_ev, "published": value(published),
            "experiment": value(experiment), "temperature_k": value(ours, "temperature_k"),
            "value": value(ours), "low_95": value(ours, "low_95"),
            "high_95": value(ours, "high_95"), "unit": unit, "verdict": verdict, "why": why,
            "source": str(published["source"]) if published else ""}


def at_words(row: Row) -> str:
    """Return the temperature of a row as words that follow a number; empty without one."""
    at = row["temperature_k"]
    return f" at {float(str(at)):g} K" if known(at) else ""  # type: ignore[arg-type]


def is_far(row: Row, most_k: float = NEAR_K) -> bool:
    """Return whether a row's temperature is more than ``most_k`` from 298 K."""
    at = row["temperature_k"]
    return known(at) and abs(float(str(at)) - ROOM) > most_k  # type: ignore[arg-type]


def judged_claim(row: Row | None, published: Row) -> tuple[str, str]:
    """Return verdict and reason of a number that is claimed to have a published value.

    Parameters
    ----------
    row
        Haven's, or None.
    published
        Row of the reference.
    """
    if row is None:
        return OPEN, "not computed in this run"
    quantity = str(published["quantity"])
    spread = printed_rounding(number(published["value"]))  # type: ignore[arg-type]
    if known(published.get("rounding")):  # type: ignore[arg-type]
        spread = float(str(published["rounding"]))
    words = standing_of(row["value"], row["low_95"], row["high_95"],  # type: ignore[arg-type]
                        float(str(published["value"])), spread, quantity)
    note = f" ({row['note']})" if row.get("note") else ""
    against = reservations(row)
    if against and words in ("agrees", "differs"):
        held = "holds" if words == "agrees" else "excludes"
        return OPEN, (f"the interval {held} the published value, but settles nothing: "
                      f"{', '.join(against)}{note}")
    if words == "agrees":
        return SUPPORTED, f"the 95 % interval holds the published value{note}"
    if words == "differs":
        bound = not known(row["value"])  # type: ignore[arg-type]
        return CONTRADICTED, (f"even the upper bound is below the published value{note}" if bound
                              else f"the 95 % interval excludes the published value{note}")
    if words == "too_wide":
        return OPEN, "; ".join([f"the interval holds the published value, but is wider than "
                                f"{limit_words(quantity)}{note}", *against])
    if words == "as_machines":
        return OPEN, ("the published value is outside what was timed here, but less than "
                      f"{limit_words(quantity)} away, and machines and codes differ by as much"
                      f"{note}")
    if words == "no_interval":
        return OPEN, f"a number without interval{note}"
    if known(row["high_95"]):  # type: ignore[arg-type]
        return OPEN, f"only an upper bound is supported{note}"
    return OPEN, f"the data support no number{note}"
