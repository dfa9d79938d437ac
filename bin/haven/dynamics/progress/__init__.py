"""How far runs are, one and all together, and what finished ones leave on disk; Python alone."""
