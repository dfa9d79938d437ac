"""Potentials of DeePMD-kit."""
