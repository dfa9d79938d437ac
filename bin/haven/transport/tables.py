"""Tables of diffusion, conductivity, their temperature dependence and its errors."""

from __future__ import annotations

from haven.core.columns import (
    AXIS,
    FRAME,
    HIGH,
    LOW,
    MATERIAL,
    RUN,
    TEMPERATURE,
    U_EV,
    VERDICT,
    Schema,
    real,
    text,
    whole,
)

MSD = Schema("msd", (
    *RUN,
    text("species", "mobile element"),
    text("quantity", "self | total | distinct"),
    AXIS,
    real("lag_ps", "time lag", "ps"),
    real("value_angstrom2", "mean-square displacement per mobile ion", "Angstrom^2"),
    real("standard_error_angstrom2", "standard error over independent stretches", "Angstrom^2",
       nullable=True),
    whole("origins", "time origins averaged over"),
    FRAME,
    real("non_gaussian", "3 <r^4> / (5 <r^2>^2) - 1 of the self part, xyz", nullable=True),
))

DIFFUSION = Schema("diffusion", (
    *RUN,
    text("species", "mobile element"),
    text("quantity", "self | total | distinct | haven; beside them total_NAME and haven_NAME by "
         "another estimator"),
    text("axis", "xyz | x | y | z | a | b | c (along the cell's vectors) | xy | xz | yz "
         "(off-diagonal, self only)"),
    real("value", "coefficient, or Haven ratio D_self / D_total", nullable=True),
    real("low_95", LOW, nullable=True),
    real("high_95", HIGH, nullable=True),
    text("unit", "cm2/s, or 1 for the Haven ratio"),
    real("fit_start_ps", "first lag of the fit", "ps", nullable=True),
    real("fit_stop_ps", "last lag of the fit", "ps", nullable=True),
    real("loglog_slope", "slope of log MSD against log lag in the window; 1 is diffusive",
       nullable=True),
    real("loglog_slope_error", "standard error of that slope", nullable=True),
    real("hop_events", "cage-to-cage jumps of the mobile ions seen in the trajectory",
       nullable=True),
    text("estimator", "walk (sum over all ions, sine modes of the increments) | local (pairs of "
         "ions within a radius) | blocks (means over stretches)"),
    FRAME,
    VERDICT,
    whole("ions", "mobile ions", nullable=True),
    real("duration_ps", "time analysed", "ps", nullable=True),
    real("watched_ps", "time in which jumps are counted: without a residence time at both ends",
         "ps", nullable=True),
    real("share_beyond_window", "share of the run's frames whose calibrated force error is "
         "beyond the force window", nullable=True),
    real("force_error_max_p95_ev_per_angstrom", "calibrated force error of the worst atom in "
         "95 % of the run's frames, at most", "eV/Angstrom", nullable=True),
))

CONDUCTIVITY = Schema("conductivity", (
    *RUN,
    text("quantity", "sigma_total (D_total) | sigma_self (tracer D_self)"),
    real("value_ms_per_cm", "ionic conductivity", "mS/cm", nullable=True),
    real("low_95", LOW, "mS/cm", nullable=True),
    real("high_95", HIGH, "mS/cm", nullable=True),
    real("carrier_density_per_cm3", "mobile ions per volume", "cm^-3"),
    real("volume_angstrom3", "|det(cell)|", "Angstrom^3"),
    VERDICT,
    real("share_beyond_window", "share of the run's frames whose calibrated force error is "
         "beyond the force window", nullable=True),
    real("force_error_max_p95_ev_per_angstrom", "calibrated force error of the worst atom in "
         "95 % of the run's frames, at most", "eV/Angstrom", nullable=True),
))

ONSAGER = Schema("onsager", (
    *RUN,
    text("species", "mobile element, or several with + between"),
    text("other_species", "second element of sigma_ij; else empty", nullable=True),
    text("quantity", "sigma_total | sigma_self (without correlation of ions) | haven (their "
         "ratio) | sigma_ij (e^2 z_i z_j L_ij: what two species carry together)"),
    text("axis", "xyz | x | y | z | a | b | c (along the cell's vectors) | xy | xz | yz"),
    real("value", "conductivity, or Haven ratio", nullable=True),
    real("low_95", LOW, nullable=True),
    real("high_95", HIGH, nullable=True),
    text("unit", "mS/cm, or 1 for the Haven ratio"),
    real("l_per_ev_angstrom_ps", "Onsager coefficient L_ij = <dR_i . dR_j> / (6 V kB T t)",
         "1/(eV Angstrom ps)", nullable=True),
    real("l_low_95", LOW, "1/(eV Angstrom ps)", nullable=True),
    real("l_high_95", HIGH, "1/(eV Angstrom ps)", nullable=True),
    VERDICT,
))

JOINED = Schema("joined", (
    MATERIAL, U_EV, TEMPERATURE,
    whole("seed", "random seed of the potential; empty: all driving potentials together",
          nullable=True),
    text("quantity", "d_self | d_total | d_distinct | haven_ratio | sigma_self | sigma_total"),
    real("value", "of all runs together: powers of their modes add, jumps add", nullable=True),
    real("low_95", LOW + " (what runs differ by beyond chance is in it)", nullable=True),
    real("high_95", HIGH + ", or upper bound where there is no value", nullable=True),
    text("unit", "cm2/s, mS/cm, or 1 for the Haven ratio"),
    whole("runs", "runs joined"),
    text("left_out", "runs that are not, and why (short: their jumps count in the line alone); "
         "else empty", nullable=True),
    real("hop_events", "jumps of all runs joined"),
    whole("ions", "mobile ions of all runs joined"),
    real("duration_ps", "time of all runs joined, one after the other", "ps"),
    real("loglog_slope", "slope of log MSD against log lag; 1 is diffusive", nullable=True),
    real("loglog_slope_error", "standard error of that slope", nullable=True),
    real("ln_value", "natural logarithm of a diffusion coefficient, cm2/s, whatever the verdict: "
         "to it replicas that are added later are joined (--earlier)", nullable=True),
    real("ln_error", "its standard error, of sampling alone", nullable=True),
    VERDICT,
))

ARRHENIUS = Schema("arrhenius", (
    MATERIAL, U_EV,
    text("quantity", "sigma_total | sigma_self | d_total | d_self"),
    whole("temperatures", "temperatures fitted"),
    real("hop_events", "jumps of all runs fitted", nullable=True),
    text("left_out", "runs and temperatures not fitted, and why; else empty", nullable=True),
    real("activation_ev", "activation energy of D, or of sigma T", "eV", nullable=True),
    real("activation_low_95", LOW, "eV", nullable=True),
    real("activation_high_95", HIGH, "eV", nullable=True),
    real("activation_sigma_ev", "activation energy of sigma itself, as sigma0 exp(-Ea / kB T)",
         "eV", nullable=True),
    real("activation_sigma_low_95", LOW, "eV", nullable=True),
    real("activation_sigma_high_95", HIGH, "eV", nullable=True),
    real("prefactor", "prefactor: K mS/cm of sigma T, or cm2/s of D", nullable=True),
    real("prefactor_low_95", LOW, nullable=True),
    real("prefactor_high_95", HIGH, nullable=True),
    real("sigma_298_ms_per_cm", "conductivity at 298 K from the fit", "mS/cm", nullable=True),
    real("sigma_298_low_95", LOW, "mS/cm", nullable=True),
    real("sigma_298_high_95", HIGH, "mS/cm", nullable=True),
    real("d_298_cm2_per_s", "diffusion coefficient at 298 K from the fit", "cm2/s", nullable=True),
    real("d_298_low_95", LOW, "cm2/s", nullable=True),
    real("d_298_high_95", HIGH, "cm2/s", nullable=True),
    real("curvature_p", "p value of a quadratic term; below 0.05 the line is doubtful",
       nullable=True),
    text("form", "what was fitted, such as ln(sigma T) against 1/T"),
    text("verdict", "diffusive | too_few_temperatures | worst verdict of the runs left out"),
    text("standing", "what may be said of the line: diffusive | curved | jumps_alone (fewer than "
         "three temperatures are known to be diffusive) | both | the verdict, without a line",
         nullable=True),
    real("known_to", "longer arm of the activation energy's 95 % interval over its value",
         nullable=True),
    text("fitted_k", "temperatures fitted, K", nullable=True),
    text("not_diffusive", "temperatures of any run that are not known to be diffusive, and why; "
         "else empty", nullable=True),
    real("sigma_298_direct_ms_per_cm", "conductivity of the runs nearest 298 K: within 2 K, "
         "moved along the line; without a line within 0.5 K", "mS/cm", nullable=True),
    real("sigma_298_direct_low_95", LOW, "mS/cm", nullable=True),
    real("sigma_298_direct_high_95", HIGH, "mS/cm", nullable=True),
))

PAIRED = Schema("paired", (
    MATERIAL,
    real("u_ev", "Hubbard U of both sides, where sizes are compared", "eV", nullable=True),
    text("contrast", "hubbard_u (runs paired by temperature, replica, seed) | cell_size"),
    real("first", "U in eV, or mobile ions, of the first side"),
    real("second", "U in eV, or mobile ions, of the second side"),
    text("quantity", "sigma_total | sigma_self | d_total | d_self | activation of one of them"),
    real("temperature_k", "temperature; empty for an activation energy", "K", nullable=True),
    whole("pairs", "pairs (cell_size: runs)"),
    real("difference", "second minus first"),
    real("low_95", LOW),
    real("high_95", HIGH),
    text("unit", "ln ratio, or eV"),
    real("p_value", "chance of so large a difference were there none"),
))

ERROR_BUDGET = Schema("error_budget", (
    MATERIAL, U_EV,
    text("quantity", "activation of .., or sigma_.. at 298 K"),
    text("source", "sampling | disorder (replicas) | potential (seeds) | extra (beyond these)| "
       "extrapolation (part of total: from the data's centre to 298 K) | total"),
    real("standard_error", "standard error from this source; empty where one member only",
       nullable=True),
    real("low_95", LOW + " of the standard error (chi-square, members - 1)", nullable=True),
    real("high_95", HIGH + " of the standard error", nullable=True),
    whole("members", "replicas or potentials whose spread it is", nullable=True),
    real("share", "share of the total variance", nullable=True),
    text("unit", "eV, or ln (relative)"),
))

PLAN = Schema("plan", (
    MATERIAL, U_EV, TEMPERATURE,
    text("quantity", "sigma_total | sigma_self | d_total | d_self; or a conductivity of the line, "
         "'sigma_self at 298 K', were all further time spent at this temperature"),
    real("have_ns", "time of the runs that count, all together", "ns", nullable=True),
    real("half_width_now", "relative half width of the 95 % interval (of the logarithm)",
         nullable=True),
    real("half_width_wanted", "the one wanted"),
    real("needed_ns", "time that takes, all runs together", "ns", nullable=True),
    real("more_ns", "time still to simulate", "ns", nullable=True),
    real("device_hours", "hours of one run's hardware for that", "h", nullable=True),
    text("note", "what the estimate stands on"),
))

TABLES = (MSD, DIFFUSION, CONDUCTIVITY, ONSAGER, JOINED, ARRHENIUS, PAIRED, ERROR_BUDGET, PLAN)
