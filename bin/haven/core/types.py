"""Type aliases of tables and their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Table = Any  # a pandas.DataFrame: its columns are typed in tables.py, where pandas cannot say it
Tables = Mapping[str, Table]  # tables by name, as in tables.py
Row = dict[str, Any]  # one row of a table
