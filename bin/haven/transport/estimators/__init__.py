"""Estimators of the diffusion coefficient."""
