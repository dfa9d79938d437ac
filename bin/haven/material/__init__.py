"""The crystal: material file, sites, disorder, supercells, relaxed cells."""
