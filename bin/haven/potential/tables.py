"""Tables of training: errors, what they mean, and which frames are worth a label."""

from __future__ import annotations

from haven.core.columns import HIGH, LOW, MATERIAL, SEED, U_EV, Schema, real, text, whole

LEARNING_CURVE = Schema("learning_curve", (
    MATERIAL, U_EV, SEED,
    whole("step", "training step"),
    real("learning_rate", "learning rate"),
    text("measure", "rmse | mae (of force: mean length of the error vector)"),
    real("energy_error_train_ev_per_atom", "training batch", "eV/atom"),
    real("energy_error_test_ev_per_atom", "test batch", "eV/atom", nullable=True),
    real("force_error_train_ev_per_angstrom", "training batch", "eV/Angstrom"),
    real("force_error_test_ev_per_angstrom", "test batch", "eV/Angstrom", nullable=True),
))

ACCURACY = Schema("accuracy", (
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
    real("offset", "mean error: what all values are off by together", nullable=True),
    real("scatter", "standard deviation of the error about it", nullable=True),
    real("baseline_rmse", "error of always predicting the mean of the training set"),
    text("unit", "eV/atom or eV/Angstrom"),
))

PARITY = Schema("parity", (
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
))

CALIBRATION = Schema("calibration", (
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
))

CALIBRATION_SCALE = Schema("calibration_scale", (
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
))

TRUST_GATE = Schema("trust_gate", (
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
))

DATA_CURVE = Schema("data_curve", (
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
))

SELECTION = Schema("selection", (
    MATERIAL,
    whole("round", "learning round"),
    text("trajectory", "trajectory of the chosen frame"),
    whole("frame", "its number there"),
    real("deviation_ev_per_angstrom", "largest force deviation of the ensemble on it",
         "eV/Angstrom"),
    real("distance", "from all labelled and earlier chosen frames, neighbours per atom"),
))

TABLES = (LEARNING_CURVE, ACCURACY, PARITY, CALIBRATION, CALIBRATION_SCALE, TRUST_GATE, DATA_CURVE,
          SELECTION)
