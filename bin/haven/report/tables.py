"""The table of the comparison with published numbers."""

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
    text("verdict", "agrees (inside the interval) | differs | no_interval (a number alone) | "
         "not_measured"),
    text("note", "what Haven's is of"),
    text("published_note", "what is known, or not, of the published value"),
))

TABLES = (COMPARISON,)
