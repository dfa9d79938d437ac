"""Tables of the report: the comparison with published numbers, and the study's claims."""

from __future__ import annotations

from haven.core.columns import HIGH, LOW, MATERIAL, U_EV, Schema, real, text, truth, whole

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
    text("verdict", "agrees (inside the interval) | differs | as_machines (costs that differ by "
         "less than machines do) | too_wide (an interval that tells "
         "nothing) | not_sound (hardly known, of a curved line, of runs too short, or of runs "
         "that may not be trusted, as the note says) | no_interval (a number alone) | "
         "not_measured"),
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

NUMBERS = Schema("numbers", (
    MATERIAL,
    text("quantity", "what was measured"),
    text("system", "set of occupancies, where the number is of one"),
    real("u_ev", "Hubbard U - J", "eV", nullable=True),
    real("temperature_k", "temperature", "K", nullable=True),
    real("value", "the number, joined over runs", nullable=True),
    real("low_95", LOW, nullable=True),
    real("high_95", HIGH, nullable=True),
    text("unit", "unit of the three"),
    whole("runs", "runs, temperatures or cells joined"),
    text("verdict", "worst verdict of what was joined"),
    text("note", "what the number is of"),
    text("table", "table that it was made from"),
    text("rows", "rows of tables/<table>.parquet that it was made from, from 0: 0-3,7"),
))

ORIGINS = Schema("origins", (
    text("table", "table of the results"),
    whole("first_row", "row of tables/<table>.parquet, from 0, that the part begins with"),
    whole("rows", "rows of the part"),
    text("part", "file of the part in its task's folder"),
    text("sha256", "SHA-256 of the part"),
    text("task", "task that made it; empty where the tables are of no pipeline"),
    text("folder", "work folder of the task, with its script and log"),
    text("container", "image that the task ran in; empty without one"),
    text("version", "version of Haven"),
    text("code", "digest of bin/haven when it was made"),
    text("software", "versions of the packages that the task had loaded (JSON)"),
    text("inputs", "what the task says of its inputs (JSON)"),
))

TABLES = (COMPARISON, CLAIMS, NUMBERS, ORIGINS)
