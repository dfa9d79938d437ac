"""Columns of the tables of structures, labels, potentials and dynamics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name
        Column name; carries the unit as suffix where the unit is fixed.
    kind
        ``str``, ``int``, ``float`` or ``bool``.
    meaning
        What the value is.
    unit
        Unit, or empty for dimensionless.
    nullable
        Whether a value may be missing.
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""
    nullable: bool = False


def text(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "str", meaning, "", nullable)


def whole(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "int", meaning, "", nullable)


def real(name: str, meaning: str, unit: str = "", nullable: bool = False) -> Column:
    return Column(name, "float", meaning, unit, nullable)


def truth(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "bool", meaning, "", nullable)


MATERIAL = text("material", "name of the material file")
U_EV = real("u_ev", "Hubbard U - J on the d shell", "eV")
TEMPERATURE = real("temperature_k", "set temperature", "K")
REPLICA = whole("replica", "number of the disorder replica")
SEED = whole("seed", "random seed of the potential (dynamics: of the potential that drives it)")
RUN = (MATERIAL, U_EV, TEMPERATURE, REPLICA, SEED)
LOW = "lower end of the 95 % interval"
HIGH = "upper end of the 95 % interval"
VERDICT = text("verdict", "diffusive | subdiffusive | too_few_events | no_host | unstable")
FRAME = text("frame_of_reference", "host (centre of mass of all other species) | barycentre | "
             "simulation (a file of the mobile ions alone)")
AXIS = text("axis", "xyz | x | y | z (Cartesian; x along a, y along b)")

MADE: dict[str, tuple[Column, ...]] = {
    "structures": (
        MATERIAL,
        REPLICA,
        whole("seed", "random seed of the disorder"),
        text("structure", "name of the structure"),
        text("role", "cell (for labels) | supercell (for dynamics)"),
        text("site", "Wyckoff site"),
        text("species", "element on the site, or vacancy"),
        whole("count", "sites of this kind so occupied"),
        whole("sites", "sites of this kind"),
        real("occupancy", "count / sites"),
        real("target_occupancy", "what the material file asks for", nullable=True),
        whole("atoms", "atoms of the structure"),
        real("volume_angstrom3", "|det(cell)|", "Angstrom^3"),
        real("min_distance_angstrom", "shortest interatomic distance", "Angstrom"),
        real("warren_cowley", "Ti about Ti on cation neighbours; 0 is random", nullable=True),
    ),
    "lattice": (
        MATERIAL, U_EV, SEED, REPLICA,
        text("occupancies", "name of the set of occupancies"),
        text("system", "occupancies of the framework cation by site, three digits"),
        text("engine", "potential, or the program that relaxed the cell from first principles"),
        whole("atoms", "atoms of the relaxed supercell"),
        real("a_angstrom", "lattice constant of the conventional cell", "Angstrom"),
        real("b_angstrom", "lattice constant", "Angstrom"),
        real("c_angstrom", "lattice constant", "Angstrom"),
        real("alpha_degree", "angle of b and c", "degree"),
        real("beta_degree", "angle of a and c", "degree"),
        real("gamma_degree", "angle of a and b", "degree"),
        real("volume_angstrom3", "|det(cell)| of the conventional cell", "Angstrom^3"),
        real("energy_ev_per_atom", "potential energy", "eV/atom"),
        real("force_max_ev_per_angstrom", "largest force left on an atom", "eV/Angstrom"),
        real("stress_max_gpa", "largest component of the stress left", "GPa"),
        whole("steps", "steps of the relaxation"),
        truth("converged", "whether forces and stress are within their limits"),
    ),
    "labels": (
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
    ),
    "exploration": (
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
    ),
    "selection": (
        MATERIAL,
        whole("round", "learning round"),
        text("trajectory", "trajectory of the chosen frame"),
        whole("frame", "its number there"),
        real("deviation_ev_per_angstrom", "largest force deviation of the ensemble on it",
             "eV/Angstrom"),
        real("distance", "from all labelled and earlier chosen frames, neighbours per atom"),
    ),
    "learning_curve": (
        MATERIAL, U_EV, SEED,
        whole("step", "training step"),
        real("learning_rate", "learning rate"),
        text("measure", "rmse | mae (of force: mean length of the error vector)"),
        real("energy_error_train_ev_per_atom", "training batch", "eV/atom"),
        real("energy_error_test_ev_per_atom", "test batch", "eV/atom", nullable=True),
        real("force_error_train_ev_per_angstrom", "training batch", "eV/Angstrom"),
        real("force_error_test_ev_per_angstrom", "test batch", "eV/Angstrom", nullable=True),
    ),
    "accuracy": (
        MATERIAL, U_EV, SEED,
        text("subset", "train | test (held-out trajectories) | aimd (first-principles dynamics)"),
        text("quantity", "energy | force | virial"),
        text("species", "element, or all"),
        text("component", "x | y | z | all"),
        whole("count", "values compared"),
        real("mae", "mean absolute error"),
        real("rmse", "root mean square error"),
        real("rmse_low_95", LOW + " (bootstrap over trajectories)", nullable=True),
        real("rmse_high_95", HIGH + " (bootstrap over trajectories)", nullable=True),
        real("max_error", "largest absolute error"),
        real("r2", "coefficient of determination", nullable=True),
        real("baseline_rmse", "error of always predicting the mean of the training set"),
        text("unit", "eV/atom or eV/Angstrom"),
    ),
    "parity": (
        MATERIAL, U_EV, SEED,
        text("subset", "train | test"),
        text("quantity", "energy | force | virial"),
        text("species", "element, or all"),
        text("component", "x | y | z | all"),
        text("trajectory", "trajectory of the frame"),
        whole("frame", "number of the frame in its trajectory"),
        whole("number", "number of the value in its frame: of the atom among its element"),
        real("reference", "label"),
        real("predicted", "potential"),
        text("unit", "eV/atom or eV/Angstrom"),
        real("distance", "of the atom's surroundings from the nearest ones trained on, smoothed "
             "counts of neighbours (held-out forces only)", nullable=True),
    ),
    "calibration": (
        MATERIAL, U_EV,
        text("against", "deviation (of the ensemble) | distance (from the training data)"),
        whole("bin", "sixth of the held-out atoms, ordered by that"),
        whole("members", "potentials of the ensemble"),
        whole("count", "atoms"),
        real("value", "root mean square of the deviation or distance in the bin"),
        text("unit", "eV/Angstrom or neighbours"),
        real("error_rmse_ev_per_angstrom", "root mean square error of the force vector of the "
             "potential that drives", "eV/Angstrom"),
        real("error_low_95", LOW + " (bootstrap over trajectories)", "eV/Angstrom", nullable=True),
        real("error_high_95", HIGH + " (bootstrap over trajectories)", "eV/Angstrom",
             nullable=True),
    ),
    "calibration_scale": (
        MATERIAL, U_EV,
        whole("members", "potentials of the ensemble"),
        whole("count", "held-out atoms"),
        whole("trajectories", "held-out trajectories"),
        real("scale", "root mean square of the true force error over that of the ensemble's "
             "deviation: a deviation times this is a calibrated force error"),
        real("scale_low_95", LOW + " (bootstrap over trajectories)", nullable=True),
        real("scale_high_95", HIGH + " (bootstrap over trajectories)", nullable=True),
        real("left_out_low", "true over calibrated error of a trajectory left out of the fit, "
             "least of all; 1 is perfect", nullable=True),
        real("left_out_high", "the same, largest of all", nullable=True),
    ),
    "trust_gate": (
        MATERIAL, U_EV,
        text("level", "atom | frame (its worst atom, as runs are judged)"),
        whole("members", "potentials of the ensemble"),
        real("window_ev_per_angstrom", "force error up to which an atom counts as trained",
             "eV/Angstrom"),
        whole("trajectories", "held-out trajectories"),
        whole("count", "held-out atoms or frames"),
        real("rank_correlation", "Spearman's, of deviation and true force error", nullable=True),
        real("rank_low_95", LOW + " (bootstrap over trajectories)", nullable=True),
        real("rank_high_95", HIGH + " (bootstrap over trajectories)", nullable=True),
        real("top_error_over_calibrated", "true over calibrated error (root mean squares) in the "
             "sixth with the largest deviation; 1 is perfect", nullable=True),
        whole("above", "of which the true error is above the window"),
        whole("flagged", "of these, with a calibrated error above it: found"),
        real("share_flagged", "flagged / above", nullable=True),
        real("share_flagged_low_95", LOW + " (bootstrap over trajectories)", nullable=True),
        real("share_flagged_high_95", HIGH + " (bootstrap over trajectories)", nullable=True),
        whole("within", "of which the true error is not above the window"),
        whole("false_alarms", "of these, with a calibrated error above it"),
        real("share_false_alarms", "false_alarms / within", nullable=True),
        real("share_false_alarms_low_95", LOW + " (bootstrap over trajectories)", nullable=True),
        real("share_false_alarms_high_95", HIGH + " (bootstrap over trajectories)", nullable=True),
    ),
    "data_curve": (
        MATERIAL, U_EV, SEED,
        real("share", "share of the training trajectories used"),
        whole("frames_train", "frames trained on"),
        whole("training_steps", "steps of the training"),
        text("quantity", "energy | force | virial, on held-out trajectories"),
        real("mae", "mean absolute error"),
        real("rmse", "root mean square error"),
        real("rmse_low_95", LOW + " (bootstrap over trajectories)", nullable=True),
        real("rmse_high_95", HIGH + " (bootstrap over trajectories)", nullable=True),
        text("unit", "eV/atom or eV/Angstrom"),
    ),
    "runs": (
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
    ),
    "thermo": (
        *RUN,
        real("time_ps", "time since production began", "ps"),
        real("temperature_now_k", "instantaneous temperature", "K"),
        real("potential_energy_ev", "potential energy", "eV"),
        real("conserved_ev", "conserved quantity of the thermostatted system", "eV"),
        real("pressure_gpa", "instantaneous pressure", "GPa"),
        real("deviation_max_ev_per_angstrom", "largest deviation of the ensemble's force on an "
             "atom", "eV/Angstrom", nullable=True),
    ),
}
