"""Tables of runs of dynamics and of exploration."""

from __future__ import annotations

from haven.core.columns import MATERIAL, RUN, SEED, TEMPERATURE, U_EV, Schema, real, text, whole

RUNS = Schema("runs", (
    *RUN,
    whole("atoms", "atoms"),
    whole("steps", "production steps"),
    real("timestep_fs", "time step", "fs"),
    real("duration_ps", "production time", "ps"),
    real("temperature_mean_k", "mean temperature over production", "K"),
    real("temperature_std_k", "standard deviation of the temperature", "K"),
    real("temperature_std_expected_k", "T sqrt(2 / degrees of freedom), canonical", "K"),
    real("energy_drift_mev_per_atom_per_ps", "slope of the conserved quantity", "meV"),
    real("min_distance_angstrom", "shortest distance in any frame of all atoms", "Angstrom"),
    real("host_msd_angstrom2", "largest mean-square displacement of the host", "Angstrom^2"),
    real("deviation_max_p95_ev_per_angstrom", "95th percentile of the largest force "
       "deviation in the ensemble", "eV/Angstrom", nullable=True),
    real("force_error_max_p95_ev_per_angstrom", "the same as a calibrated force error: times "
         "the scale of table calibration_scale; written by the report", "eV/Angstrom",
         nullable=True),
    real("share_beyond_window", "share of frames on which the calibrated force error of the "
         "worst atom is beyond the trained window; written by the report (before it: by the "
         "deviation alone)", nullable=True),
    text("trust", "trusted | beyond (the window, in too many frames) | uncalibrated (not well "
         "enough to say); written by the report", nullable=True),
    real("wall_s", "wall time of the production", "s"),
    whole("cores", "cores"),
    real("ns_per_day", "speed", "ns/day"),
    whole("segments", "parts the run was made in, restarts plus one"),
    text("verdict", "stable | exploded | melted | drifting"),
))

THERMO = Schema("thermo", (
    *RUN,
    real("time_ps", "time since production began", "ps"),
    real("temperature_now_k", "instantaneous temperature", "K"),
    real("potential_energy_ev", "potential energy", "eV"),
    real("conserved_ev", "conserved quantity of the thermostatted system", "eV"),
    real("pressure_gpa", "instantaneous pressure", "GPa"),
    real("deviation_max_ev_per_angstrom", "largest deviation of the ensemble's force on an "
         "atom", "eV/Angstrom", nullable=True),
))

EXPLORATION = Schema("exploration", (
    MATERIAL, U_EV, TEMPERATURE, SEED,
    whole("round", "learning round"),
    text("structure", "cell the run started from"),
    whole("atoms", "atoms of the cell"),
    whole("frames", "frames the run should have had"),
    whole("accurate", "frames on which the ensemble agrees"),
    whole("candidate", "frames in the window of deviations: worth a label"),
    whole("failed", "frames beyond the window, with atoms too close, or never reached"),
    real("deviation_median_ev_per_angstrom", "largest force deviation, median of the frames",
         "eV/Angstrom", nullable=True),
    real("deviation_p95_ev_per_angstrom", "the same, 95 % quantile", "eV/Angstrom",
         nullable=True),
    text("verdict", "complete | exploded | melted | drifting"),
))

TABLES = (RUNS, THERMO, EXPLORATION)
