"""A material file from a crystallographic information file (CIF)."""
