"""Structure, hops, tracks and barriers."""
