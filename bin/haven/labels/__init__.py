"""First-principles labels: frames, audit, engines, imports, first-principles dynamics."""
