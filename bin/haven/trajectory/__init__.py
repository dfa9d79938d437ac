"""Trajectories of Haven and of other programs: reading, checking, storing."""
