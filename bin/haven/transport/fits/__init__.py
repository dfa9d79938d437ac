"""What many runs say together: conditions joined, Arrhenius lines, contrasts, budget and plan."""
