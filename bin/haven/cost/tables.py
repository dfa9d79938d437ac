"""Tables of what a step costs."""

from __future__ import annotations

from haven.core.columns import HIGH, LOW, MATERIAL, Schema, real, text, truth, whole

COST = Schema("cost", (
    MATERIAL,
    real("u_ev", "Hubbard U - J on the d shell", "eV", nullable=True),
    text("method", "aimd | label (a single point) | dlmd | training"),
    text("engine", "engine and version"),
    text("model", "network and precision, or the plane-wave settings"),
    truth("compressed", "whether the potential was compressed", nullable=True),
    whole("atoms", "atoms"),
    whole("cores", "cores"),
    text("device", "processor or accelerator"),
    whole("steps", "steps measured"),
    real("seconds_per_step", "wall seconds per step, single point or training step", "s"),
    real("seconds_per_atom_step", "the same per atom", "s"),
    real("hours_10_ps_per_atom", "core-hours (GPU-hours on a GPU) of 10 ps at 1 fs, per atom "
         "(paper, Fig. 1f)", "h"),
    real("ratio_to_aimd", "core-hours of aimd (of label where there is none) over these; over "
         "GPU-hours where the device is a GPU", nullable=True),
))

SCALING = Schema("scaling", (
    MATERIAL,
    real("u_ev", "Hubbard U - J on the d shell", "eV", nullable=True),
    text("engine", "engine and version"),
    text("model", "network and precision"),
    truth("compressed", "whether the potential was compressed", nullable=True),
    whole("cores", "cores"),
    text("device", "processor or accelerator"),
    whole("sizes", "sizes timed"),
    whole("atoms_least", "atoms of the smallest"),
    whole("atoms_most", "atoms of the largest"),
    real("exponent", "p of: time of a step proportional to atoms^p"),
    real("exponent_low_95", LOW),
    real("exponent_high_95", HIGH),
    real("overhead_s", "time of a step that does not grow with the atoms: intercept", "s"),
    real("overhead_low_95", LOW, "s"),
    real("overhead_high_95", HIGH, "s"),
    real("seconds_per_atom_step", "slope: seconds of a step that each atom adds", "s"),
    real("seconds_per_atom_step_low_95", LOW, "s"),
    real("seconds_per_atom_step_high_95", HIGH, "s"),
    text("verdict", "linear (the interval of p holds 1) | sublinear | superlinear"),
))

TABLES = (COST, SCALING)
