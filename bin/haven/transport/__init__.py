"""Displacements, diffusion, conductivity, Arrhenius fits."""
