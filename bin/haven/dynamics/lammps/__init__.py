"""LAMMPS itself: starting it, its files, minimisation with it."""
