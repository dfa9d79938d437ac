"""The table of labels."""

from __future__ import annotations

from haven.core.columns import MATERIAL, U_EV, Schema, real, text, whole

LABELS = Schema("labels", (
    MATERIAL,
    U_EV,
    text("trajectory", "group of frames that share a starting structure"),
    whole("frame", "number of the frame in its trajectory"),
    text("origin", "rattled | strained | dynamics | pulled | aimd | relaxed | imported"),
    whole("atoms", "atoms of the frame"),
    real("temperature_k", "temperature of the dynamics the frame is from", "K", nullable=True),
    real("energy_ev", "total energy", "eV", nullable=True),
    real("energy_ev_per_atom", "total energy per atom", "eV", nullable=True),
    real("force_rms_ev_per_angstrom", "root mean square force component", "eV/Angstrom",
         nullable=True),
    real("force_max_ev_per_angstrom", "largest force on an atom", "eV/Angstrom",
         nullable=True),
    real("pressure_gpa", "minus a third of the trace of the stress, Pulay stress included",
         "GPa", nullable=True),
    real("moment_total", "total magnetic moment", "Bohr magneton", nullable=True),
    real("moment_metal_min", "smallest moment on a metal atom", "Bohr magneton", nullable=True),
    real("moment_metal_max", "largest moment on a metal atom", "Bohr magneton", nullable=True),
    real("min_distance_angstrom", "shortest interatomic distance", "Angstrom"),
    whole("scf_steps", "self-consistency steps", nullable=True),
    real("wall_s", "wall time of the label on the cores named", "s", nullable=True),
    real("cpu_s", "processor time of the label", "s", nullable=True),
    whole("cores", "cores the label used", nullable=True),
    text("engine", "engine and version"),
    text("verdict", "accepted | rejected | failed (no engine could label it)"),
    text("reason", "why a frame is not used, or empty"),
    text("source", "file the frame was read from"),
))

TABLES = (LABELS,)
