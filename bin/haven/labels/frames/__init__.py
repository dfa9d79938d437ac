"""Labelled frames: reading them, units and names of other codes, consistency of the numbers."""
