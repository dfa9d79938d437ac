"""Annealing of the mobile ions, and cells at rest that come of it."""
