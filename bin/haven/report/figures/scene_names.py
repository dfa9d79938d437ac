"""Names by which rows of tables and points of figures refer to three-dimensional scenes.

A reference consists of the name of a run or path, the kind of scene and what to show of it,
separated by bars: ``u4_t298_r0_s1|network|4h to 4h``. A star at the end of the first part stands
for any end; where there is no scene of that kind, another one of the same run is opened.
"""

from __future__ import annotations

from typing import Any


def run_name(row: Any) -> str:
    """Return the name of the run a row belongs to, as the table's rows on the page have it."""
    return f"u{row['u_ev']:g}_t{row['temperature_k']:g}_r{row['replica']}_s{row['seed']}"


def condition_name(row: Any) -> str:
    """Return the pattern of the names of all runs at a row's U and temperature: ``u4_t298_r*``."""
    return f"u{row['u_ev']:g}_t{row['temperature_k']:g}_r*"


def path_name(row: Any) -> str:
    """Return the name of the path a row of table ``barriers`` belongs to."""
    return f"u{row['u_ev']:g}_r{row['replica']}_s{row['seed']} {row['path']}"
