"""Data sets, training, errors and calibration of potentials."""
