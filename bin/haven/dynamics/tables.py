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
    real("host_msd_angstrom2", "largest mean-square displacement of a species of the host",
         "Angstrom^2"),
    real("deviation_max_p95_ev_per_angstrom", "95th percentile of the largest force "
       "deviation in the ensemble", "eV/Angstrom", nullable=True),
    real("force_error_max_p95_ev_per_angstrom", "the same as a calibrated force error: times "
         "the scale of table calibration_scale; written by the report", "eV/Angstrom",
         nullable=True),
    real("share_beyond_window", "share of frames on which the calibrated force error of the "
         "worst atom is beyond the force window; written by the report (before it: by the "
         "deviation alone)", nullable=True),
    text("trust", "trusted | beyond (the window, in too many frames) | uncalibrated (not well "
         "enough to say); written by the report", nullable=True),
    real("wall_s", "wall time of the production", "s"),
    whole("cores", "cores"),
    real("ns_per_day", "speed", "ns/day"),
    whole("segments", "parts the run was made in, restarts plus one"),
    text("cell", "npt (mean cell at the pressure asked for and this temperature) | relaxed (at "
         "that pressure and 0 K) | material (of the material file)", nullable=True),
    real("pressure_asked_gpa", "pressure the cell was to be at", "GPa", nullable=True),
    real("pressure_gpa", "mean pressure over production, kinetic part included", "GPa",
         nullable=True),
    real("pressure_error_gpa", "its standard error, correlation in time included", "GPa",
         nullable=True),
    real("inherent_change_mev_per_atom", "mean energy of minimised snapshots, second half less "
         "first", "meV", nullable=True),
    real("inherent_change_bound_mev_per_atom", "what a stationary run stays within, at the level "
         "of the verdict", "meV", nullable=True),
    whole("moves_first", "mobile ions on another site from one minimised snapshot to the next, "
          "first half", nullable=True),
    whole("moves_second", "the same, second half", nullable=True),
    text("verdict", "stable | exploded | melted | drifting | not_stationary"),
))

ANNEALS = Schema("anneals", (
    *RUN,
    text("cell", "npt | relaxed (both at constant pressure) | material (fixed cell)"),
    real("pressure_asked_gpa", "pressure that the cell follows; empty in a fixed cell", "GPa",
         nullable=True),
    whole("atoms", "atoms", nullable=True),
    real("duration_ps", "length, to where it was settled or to its end; empty where it broke down "
         "before it could be judged", "ps", nullable=True),
    real("longest_ps", "length allowed", "ps"),
    real("pressure_gpa", "mean pressure of its second half", "GPa", nullable=True),
    real("pressure_error_gpa", "its standard error", "GPa", nullable=True),
    real("energy_fall_mev_per_atom", "energy of minimised snapshots, start less mean of the second "
         "half", "meV", nullable=True),
    real("energy_change_mev_per_atom", "the same within the second half: its second half less its "
         "first", "meV", nullable=True),
    real("energy_change_bound_mev_per_atom", "half width of the 95 % interval of that", "meV",
         nullable=True),
    whole("moves_first", "mobile ions on another site from one minimised snapshot to the next, in "
          "the first half of the second half", nullable=True),
    whole("moves_second", "the same in its second half", nullable=True),
    whole("framework_left", "cations of the framework on another site at the end", nullable=True),
    text("verdict", "settled, or what speaks against it"),
))

INHERENT = Schema("inherent", (
    *RUN,
    text("stage", "ANNEAL | RUN_DYNAMICS"),
    real("time_ps", "time since the run began", "ps"),
    real("inherent_energy_ev", "potential energy of the minimised snapshot, all of one run in one "
         "cell", "eV"),
))

CELLS = Schema("cells", (
    *RUN,
    whole("atoms", "atoms of the supercell"),
    real("pressure_asked_gpa", "pressure that the cell followed", "GPa"),
    *(real(f"{vector}{axis}_angstrom", f"mean {axis} component of the supercell's vector {vector}; "
           "a along x, b in the plane of x and y", "Angstrom", nullable=True)
      for vector, axis in ("ax", "bx", "by", "cx", "cy", "cz")),
    real("volume_angstrom3", "mean volume of the supercell", "Angstrom^3", nullable=True),
    real("volume_error_angstrom3", "its standard error, correlation in time included",
         "Angstrom^3", nullable=True),
    real("duration_ps", "length of the run", "ps", nullable=True),
    real("left_out_ps", "beginning that was left out as not stationary", "ps", nullable=True),
    real("temperature_mean_k", "mean temperature of the rest", "K", nullable=True),
    real("pressure_gpa", "mean pressure of the rest", "GPa", nullable=True),
    real("pressure_error_gpa", "its standard error", "GPa", nullable=True),
    text("verdict", "complete | too short | beyond the labels | ran away | exploded | melted | "
         "drifting"),
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

TABLES = (RUNS, THERMO, ANNEALS, INHERENT, CELLS, EXPLORATION)
