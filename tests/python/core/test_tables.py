"""Tables: declared once, checked on writing and on reading."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from haven import __version__
from haven.core import tables
from haven.core.errors import HavenError
from haven.dynamics.tables import THERMO
from haven.report.registry import TABLES

ROW = {"material": "x", "u_ev": 4.0, "temperature_k": 298.0, "replica": 0, "seed": 1,
       "time_ps": 0.1, "temperature_now_k": 300.0, "potential_energy_ev": -1.0,
       "conserved_ev": -0.5, "pressure_gpa": 0.2, "deviation_max_ev_per_angstrom": 0.1}


def test_rows_come_back_and_the_file_says_what_made_it(tmp_path):
    path = tables.write(THERMO, [ROW], tmp_path / "a.thermo.parquet", {"dump": "d.npz"})
    pd.testing.assert_frame_equal(tables.read("thermo", path), pd.DataFrame([ROW]))
    metadata = pq.read_schema(path).metadata
    assert metadata[b"haven_version"].decode() == __version__
    assert metadata[b"haven_inputs"] == b'{"dump": "d.npz"}'
    assert pq.read_schema(path).field("time_ps").metadata[b"unit"] == b"ps"


def test_measured_numbers_are_written_smaller_and_come_back_equal(tmp_path, rng):
    rows = pd.DataFrame([ROW] * 4000)
    rows["time_ps"] = np.repeat(np.arange(40) * 0.1, 100)
    rows["potential_energy_ev"] = -1000 + rng.normal(size=len(rows))
    path = tables.write(THERMO, rows, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(tables.read("thermo", path), rows)
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = {c.path_in_schema: c for c in map(group.column, range(group.num_columns))}
    assert "BYTE_STREAM_SPLIT" in columns["potential_energy_ev"].encodings
    assert "RLE_DICTIONARY" in columns["time_ps"].encodings
    assert columns["potential_energy_ev"].total_compressed_size < 0.9 * 8 * len(rows)


@pytest.mark.parametrize("change, words", [
    ({"extra": 1}, "no column extra"), ({"time_ps": None}, "time_ps has an empty value"),
    ({"replica": "zero"}, "replica"),
])
def test_wrong_rows_are_refused(tmp_path, change, words):
    with pytest.raises(HavenError, match=words):
        tables.write(THERMO, [{**ROW, **change}], tmp_path / "a.parquet")


def test_missing_column_is_refused(tmp_path):
    short = {k: v for k, v in ROW.items() if k != "time_ps"}
    with pytest.raises(HavenError, match="needs column time_ps"):
        tables.write(THERMO, [short], tmp_path / "a.parquet")


def test_reading_another_table_or_no_table_is_refused(tmp_path):
    path = tables.write(THERMO, [ROW], tmp_path / "a.parquet")
    with pytest.raises(HavenError, match="holds table thermo, not msd"):
        tables.read("msd", path)
    (tmp_path / "b.parquet").write_text("no")
    with pytest.raises(HavenError, match="no Parquet file"):
        tables.read("msd", tmp_path / "b.parquet")
    with pytest.raises(HavenError, match="does not exist"):
        tables.read("msd", tmp_path / "c.parquet")


def test_every_number_with_a_fixed_unit_carries_it_in_its_name():
    suffix = {"eV": ("_ev",), "K": ("_k",), "ps": ("_ps",), "fs": ("_fs",), "s": ("_s", "_step"),
              "Angstrom": ("_angstrom",), "Angstrom^2": ("_angstrom2",), "GPa": ("_gpa",)}
    interval = ("_low_95", "_high_95")
    for name, schema in TABLES.items():
        for column in schema.columns:
            if column.unit in suffix:
                known = (*suffix[column.unit], *interval)
                assert any(end in column.name for end in known), (name, column.name)


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path):
    """At bits all over the file: rows, units, what the table was made from."""
    rows = [{**ROW, "time_ps": 0.1 * n, "material": f"x{n % 3}"} for n in range(40)]
    path = tables.write(THERMO, rows, tmp_path / "a.parquet", {"dump": "d.npz"})
    good, content, refused = tables.read(THERMO, path), path.read_bytes(), 0
    for place in range(0, len(content), 5):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(bytes(changed))
        try:
            found = tables.read(THERMO, path)
        except HavenError:
            refused += 1
            continue
        pd.testing.assert_frame_equal(found, good)
        assert tables.inputs_of(path) == {"dump": "d.npz"}
        fields = pq.read_schema(path)
        assert [field.metadata[b"unit"].decode() for field in fields] == [
            column.unit for column in THERMO.columns]
    assert refused > 0.5 * len(range(0, len(content), 5))
