"""Verdicts on the claims of the published study, by one rule for each claim.

A rule compares Haven's number and its interval with the published one and the experiment's, and
returns ``supported``, ``contradicted`` or ``cannot_be_said``, with the reason in words.
"""

from __future__ import annotations

from collections.abc import Iterator

from haven.core.numbers import number
from haven.core.types import Row
from haven.report.claims import crystal, transport
from haven.report.claims.study import OPEN, Study, claim_row, judged_claim
from haven.report.numbers.soundness import against_runs

OF_RUNS = ("anti_correlation", "haven_ratio", "sigma", "activation", "interstitial_intra_layer",
           "interstitial_inter_layer", "cell_at_rest")  # claims that rest on the dynamics


def claim_rows(study: Study, material: str) -> list[Row]:
    """Return the rows of table ``claims``; none where no published study is on file.

    Parameters
    ----------
    study
        What to judge by.
    material
        For the rows.
    """
    rules = (transport.anti_correlation_claims, transport.haven_ratio_claims,
             transport.interstitial_claims, transport.sigma_claims, transport.activation_claims,
             transport.barriers_claims, crystal.rdf_claims, crystal.volume_claims,
             crystal.volume_with_u_claims, crystal.cell_at_rest_claims, cost_claims)
    doubts = {u: " and ".join(against_runs(study.tables, u)) for u in study.us}
    rows = []
    for rule in rules:
        for row in rule(study):
            words = doubts.get(row["u_ev"]) if row["claim"] in OF_RUNS else ""  # type: ignore[arg-type]
            rows.append({"material": material, **(settled(row, words) if words else row)})
    return rows


def settled(row: Row, doubt: str) -> Row:
    """Return a claim's row whose runs may not be trusted: whatever it said, it says no more.

    Parameters
    ----------
    row
        Of table ``claims``, less the material.
    doubt
        What stands against the runs, in words.
    """
    if row["verdict"] == OPEN:
        return row
    return row | {"verdict": OPEN, "why": f"{row['why']}; but settles nothing: {doubt}"}


def cost_claims(study: Study) -> Iterator[Row]:
    """Yield, for each U, the row on the ratio of costs to first-principles dynamics."""
    published = study.published("cost_ratio", None, False)
    if published is None:
        return
    says = f"dynamics with the potential is {number(published['value'])} times faster than AIMD"  # type: ignore[arg-type]
    for u_ev in study.us:
        row = next(iter(study.found("cost_ratio", u_ev)), None)
        verdict, why = judged_claim(row, published)
        if row is None and len(study.found("cost_ratio of another network", u_ev)):
            why = "the published network was not timed (--cost_networks)"
        why = why.replace("the 95 % interval", "the range of the cells timed")
        yield claim_row("cost", says, u_ev, published, None, row, "1", verdict, why)
