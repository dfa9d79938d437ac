"""Cation sites of a structure: where they are, what is on them, which directions are equal."""
