"""Many runs together: joined conditions, Arrhenius lines, contrasts, error budget and plan."""
