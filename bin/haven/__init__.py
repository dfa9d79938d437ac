"""Haven: ionic conductivity of cation-disordered crystals, from first-principles labels."""

from __future__ import annotations

__version__ = "0.1.0"
