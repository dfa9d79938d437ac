"""Labelled frames: reading, units and names of other codes, whether the numbers fit together."""
