"""Families of potentials."""
