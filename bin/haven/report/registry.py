"""Every table of a study, by name: each is declared in the ``tables.py`` of its package."""

from __future__ import annotations

import haven.cost.tables
import haven.dynamics.tables
import haven.labels.tables
import haven.material.tables
import haven.mechanism.tables
import haven.potential.tables
import haven.report.tables
import haven.transport.tables
from haven.core.columns import VERDICTS, Schema

TABLES: dict[str, Schema] = {schema.name: schema for schema in (
    *haven.material.tables.TABLES, *haven.labels.tables.TABLES, *haven.potential.tables.TABLES,
    *haven.dynamics.tables.TABLES, *haven.cost.tables.TABLES, *haven.transport.tables.TABLES,
    *haven.mechanism.tables.TABLES, *haven.report.tables.TABLES, VERDICTS,
)}
