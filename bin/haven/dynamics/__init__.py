"""Molecular dynamics and minimisation with LAMMPS, and their verdicts."""
