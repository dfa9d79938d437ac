"""Tables of the report: the comparison with published numbers, and the study's claims."""

from __future__ import annotations

from haven.core.columns import HIGH, LOW, MATERIAL, U_EV, Schema, real, text, truth

COMPARISON = Schema("comparison", (
    MATERIAL,
    text("quantity", "what is compared"),
    U_EV,
    real("temperature_k", "temperature", "K", nullable=True),
    real("value", "Haven's", nullable=True),
    real("low_95", LOW, nullable=True),
    real("high_95", HIGH, nullable=True),
    real("published", "published value", nullable=True),
    text("unit", "unit of all four"),
    text("source", "where it was published"),
    truth("doubtful", "whether the printed value is doubtful"),
    text("verdict", "agrees (inside the interval) | differs | too_wide (an interval that tells "
         "nothing) | no_interval (a number alone) | not_measured"),
    text("note", "what Haven's is of"),
    text("published_note", "what is known, or not, of the published value"),
))

CLAIMS = Schema("claims", (
    MATERIAL,
    text("claim", "anti_correlation | haven_ratio | interstitial_intra_layer | "
         "interstitial_inter_layer | sigma | activation | barrier [..] | rdf | volume | "
         "volume_with_u | cell_at_rest | cost"),
    text("says", "what the published study says"),
    real("u_ev", "Hubbard U - J of Haven's number; empty where two are compared", "eV",
         nullable=True),
    real("temperature_k", "temperature of Haven's number", "K", nullable=True),
    real("published", "the study's value", nullable=True),
    real("experiment", "the measured value", nullable=True),
    real("value", "Haven's", nullable=True),
    real("low_95", LOW, nullable=True),
    real("high_95", HIGH, nullable=True),
    text("unit", "unit of all five"),
    text("verdict", "supported | contradicted | cannot_be_said"),
    text("why", "the reason, in words"),
    text("source", "where it is claimed"),
))

TABLES = (COMPARISON, CLAIMS)
