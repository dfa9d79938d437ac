"""Programs that label frames."""
