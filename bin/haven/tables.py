"""Every table once: columns, types, units, meaning; all reading and writing goes through here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from haven import __version__
from haven.cli import HavenError, package_digest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name
        Column name; carries the unit as suffix where the unit is fixed.
    kind
        ``str``, ``int``, ``float`` or ``bool``.
    meaning
        What the value is.
    unit
        Unit, or empty for dimensionless.
    nullable
        Whether a value may be missing.
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""
    nullable: bool = False


def _s(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "str", meaning, "", nullable)


def _i(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "int", meaning, "", nullable)


def _f(name: str, meaning: str, unit: str = "", nullable: bool = False) -> Column:
    return Column(name, "float", meaning, unit, nullable)


def _b(name: str, meaning: str, nullable: bool = False) -> Column:
    return Column(name, "bool", meaning, "", nullable)


MATERIAL = _s("material", "name of the material file")
U_EV = _f("u_ev", "Hubbard U - J on the d shell", "eV")
TEMPERATURE = _f("temperature_k", "set temperature", "K")
REPLICA = _i("replica", "number of the disorder replica")
SEED = _i("seed", "random seed of the potential (dynamics: of the potential that drives it)")
RUN = (MATERIAL, U_EV, TEMPERATURE, REPLICA, SEED)
LOW = "lower end of the 95 % interval"
HIGH = "upper end of the 95 % interval"
VERDICT = _s("verdict", "diffusive | subdiffusive | too_few_events | unstable")
FRAME = _s("frame_of_reference", "host (centre of mass of all but the mobile species) | barycentre")
AXIS = _s("axis", "xyz | x | y | z (Cartesian; x along a, y along b)")

TABLES: dict[str, tuple[Column, ...]] = {
    "structures": (
        MATERIAL,
        REPLICA,
        _i("seed", "random seed of the disorder"),
        _s("structure", "name of the structure"),
        _s("role", "cell (for labels) | supercell (for dynamics)"),
        _s("site", "Wyckoff site"),
        _s("species", "element on the site, or vacancy"),
        _i("count", "sites of this kind so occupied"),
        _i("sites", "sites of this kind"),
        _f("occupancy", "count / sites"),
        _f("target_occupancy", "what the material file asks for", nullable=True),
        _i("atoms", "atoms of the structure"),
        _f("volume_angstrom3", "|det(cell)|", "Angstrom^3"),
        _f("min_distance_angstrom", "shortest interatomic distance", "Angstrom"),
        _f("warren_cowley", "order of Ti about Ti on cation neighbours; 0 is random", nullable=True),
    ),
    "labels": (
        MATERIAL,
        U_EV,
        _s("trajectory", "group of frames that share a starting structure"),
        _i("frame", "number of the frame in its trajectory"),
        _s("origin", "rattled | strained | dynamics | relaxed | imported"),
        _i("atoms", "atoms of the frame"),
        _f("temperature_k", "temperature of the dynamics the frame is from", "K", nullable=True),
        _f("energy_ev", "total energy", "eV"),
        _f("energy_ev_per_atom", "total energy per atom", "eV"),
        _f("force_rms_ev_per_angstrom", "root mean square force component", "eV/Angstrom"),
        _f("force_max_ev_per_angstrom", "largest force on an atom", "eV/Angstrom"),
        _f("pressure_gpa", "minus a third of the trace of the stress", "GPa", nullable=True),
        _f("moment_total", "total magnetic moment", "Bohr magneton", nullable=True),
        _f("moment_metal_min", "smallest moment on a metal atom", "Bohr magneton", nullable=True),
        _f("moment_metal_max", "largest moment on a metal atom", "Bohr magneton", nullable=True),
        _f("min_distance_angstrom", "shortest interatomic distance", "Angstrom"),
        _i("scf_steps", "self-consistency steps", nullable=True),
        _f("wall_s", "wall time of the label on the cores named", "s", nullable=True),
        _i("cores", "cores the label used", nullable=True),
        _s("engine", "engine and version"),
        _s("verdict", "accepted | rejected"),
        _s("reason", "why a frame was rejected, or empty"),
        _s("source", "file the frame was read from"),
    ),
    "learning_curve": (
        MATERIAL, U_EV, SEED,
        _i("step", "training step"),
        _f("learning_rate", "learning rate"),
        _f("energy_rmse_train_ev_per_atom", "training batch", "eV/atom"),
        _f("energy_rmse_test_ev_per_atom", "test batch", "eV/atom", nullable=True),
        _f("force_rmse_train_ev_per_angstrom", "training batch", "eV/Angstrom"),
        _f("force_rmse_test_ev_per_angstrom", "test batch", "eV/Angstrom", nullable=True),
    ),
    "accuracy": (
        MATERIAL, U_EV, SEED,
        _s("subset", "train | test (held-out trajectories)"),
        _s("quantity", "energy | force | virial"),
        _s("species", "element, or all"),
        _s("component", "x | y | z | all"),
        _i("count", "values compared"),
        _f("mae", "mean absolute error"),
        _f("rmse", "root mean square error"),
        _f("rmse_low_95", LOW + " (bootstrap over trajectories)", nullable=True),
        _f("rmse_high_95", HIGH + " (bootstrap over trajectories)", nullable=True),
        _f("max_error", "largest absolute error"),
        _f("r2", "coefficient of determination", nullable=True),
        _f("baseline_rmse", "error of always predicting the mean of the training set"),
        _s("unit", "eV/atom or eV/Angstrom"),
    ),
    "parity": (
        MATERIAL, U_EV, SEED,
        _s("subset", "train | test"),
        _s("quantity", "energy | force | virial"),
        _s("species", "element, or all"),
        _s("component", "x | y | z | all"),
        _s("trajectory", "trajectory of the frame"),
        _i("frame", "number of the frame in its trajectory"),
        _f("reference", "label"),
        _f("predicted", "potential"),
        _s("unit", "eV/atom or eV/Angstrom"),
    ),
    "runs": (
        *RUN,
        _i("atoms", "atoms"),
        _i("steps", "production steps"),
        _f("timestep_fs", "time step", "fs"),
        _f("duration_ps", "production time", "ps"),
        _f("temperature_mean_k", "mean temperature over production", "K"),
        _f("temperature_std_k", "standard deviation of the temperature", "K"),
        _f("temperature_std_expected_k", "T sqrt(2 / degrees of freedom), canonical", "K"),
        _f("energy_drift_mev_per_atom_per_ps", "slope of the thermostat's conserved quantity", "meV"),
        _f("min_distance_angstrom", "shortest distance in the last frame", "Angstrom"),
        _f("host_msd_angstrom2", "largest mean-square displacement of the host", "Angstrom^2"),
        _f("deviation_max_p95_ev_per_angstrom", "95th percentile over frames of the largest force "
           "deviation in the ensemble", "eV/Angstrom", nullable=True),
        _f("share_beyond_window", "share of frames beyond the trained window", nullable=True),
        _f("wall_s", "wall time of the production", "s"),
        _i("cores", "cores"),
        _f("ns_per_day", "speed", "ns/day"),
        _i("segments", "parts the run was made in, restarts plus one"),
        _s("verdict", "stable | exploded | melted | drifting"),
    ),
    "thermo": (
        *RUN,
        _f("time_ps", "time since production began", "ps"),
        _f("temperature_now_k", "instantaneous temperature", "K"),
        _f("potential_energy_ev", "potential energy", "eV"),
        _f("conserved_ev", "conserved quantity of the thermostatted system", "eV"),
        _f("pressure_gpa", "instantaneous pressure", "GPa"),
    ),
    "rdf": (
        MATERIAL, U_EV, TEMPERATURE, REPLICA,
        _s("source", "dlmd | aimd"),
        _s("pair", "pair of elements, such as Cl-Li"),
        _f("r_angstrom", "centre of the bin", "Angstrom"),
        _f("g", "radial distribution function"),
        _f("g_low_95", LOW + " (blocks of time)", nullable=True),
        _f("g_high_95", HIGH + " (blocks of time)", nullable=True),
        _f("coordination", "neighbours of the second element within the bin's outer edge"),
        _f("coordination_reverse", "neighbours of the first element about the second",
           nullable=True),
    ),
    "msd": (
        *RUN,
        _s("species", "mobile element"),
        _s("quantity", "self | total | distinct"),
        AXIS,
        _f("lag_ps", "time lag", "ps"),
        _f("value_angstrom2", "mean-square displacement per mobile ion", "Angstrom^2"),
        _f("standard_error_angstrom2", "standard error over independent stretches", "Angstrom^2",
           nullable=True),
        _i("origins", "time origins averaged over"),
        FRAME,
    ),
    "diffusion": (
        *RUN,
        _s("species", "mobile element"),
        _s("quantity", "self | total | distinct | haven"),
        AXIS,
        _f("value", "coefficient, or Haven ratio D_self / D_total", nullable=True),
        _f("low_95", LOW, nullable=True),
        _f("high_95", HIGH, nullable=True),
        _s("unit", "cm2/s, or 1 for the Haven ratio"),
        _f("fit_start_ps", "first lag of the fit", "ps", nullable=True),
        _f("fit_stop_ps", "last lag of the fit", "ps", nullable=True),
        _f("loglog_slope", "slope of log MSD against log lag in the window; 1 is diffusive",
           nullable=True),
        _f("loglog_slope_error", "standard error of that slope", nullable=True),
        _f("hop_events", "cage-to-cage jumps of the mobile ions seen in the trajectory",
           nullable=True),
        _s("estimator", "gls | blocks | walk"),
        FRAME,
        VERDICT,
    ),
    "conductivity": (
        *RUN,
        _s("quantity", "sigma_total (D_total) | sigma_self (tracer D_self)"),
        _f("value_ms_per_cm", "ionic conductivity", "mS/cm", nullable=True),
        _f("low_95", LOW, "mS/cm", nullable=True),
        _f("high_95", HIGH, "mS/cm", nullable=True),
        _f("carrier_density_per_cm3", "mobile ions per volume", "cm^-3"),
        _f("volume_angstrom3", "|det(cell)|", "Angstrom^3"),
        VERDICT,
    ),
    "hops": (
        *RUN,
        _s("species", "mobile element"),
        _s("kind", "intra_layer | inter_layer"),
        _s("from_site", "Wyckoff site left"),
        _s("to_site", "Wyckoff site reached"),
        _s("direction", "nearest lattice direction of the hop, such as [110]"),
        _i("count", "hops seen"),
        _f("rate_per_ion_per_ns", "hops per mobile ion and time", "1/ns"),
        _f("rate_low_95", LOW + " (Poisson)", "1/ns"),
        _f("rate_high_95", HIGH + " (Poisson)", "1/ns"),
        _i("returns", "there-and-back moves within the residence time, not in count",
           nullable=True),
        _i("ions", "mobile ions watched", nullable=True),
        _f("duration_ps", "time watched", "ps"),
    ),
    "tracks": (
        *RUN,
        _i("ion", "number of the mobile ion"),
        _f("time_ps", "time", "ps"),
        _f("x_angstrom", "unwrapped position in the host's frame", "Angstrom"),
        _f("y_angstrom", "unwrapped position in the host's frame", "Angstrom"),
        _f("z_angstrom", "unwrapped position in the host's frame", "Angstrom"),
        _f("displacement_angstrom", "distance from the start", "Angstrom"),
        _i("layer", "number of the cation layer the ion is in, unwrapped"),
        _s("site", "Wyckoff site the ion is on"),
    ),
    "van_hove": (
        *RUN,
        _s("part", "self | distinct"),
        _f("lag_ps", "time lag", "ps"),
        _f("r_angstrom", "centre of the bin", "Angstrom"),
        _f("density", "self: 4 pi r^2 G_s(r, t), per Angstrom; distinct: G_d(r, t) / density"),
    ),
    "density": (
        *RUN,
        _s("species", "mobile element"),
        _s("view", "lattice direction looked along, such as [010]"),
        _f("u_angstrom", "centre of the patch across the view", "Angstrom"),
        _f("v_angstrom", "centre of the patch across the view, along the layer normal", "Angstrom"),
        _f("density_per_angstrom3", "mobile ions per volume, averaged along the view and over all "
           "conventional cells", "1/Angstrom^3"),
    ),
    "barriers": (
        MATERIAL, U_EV, SEED, REPLICA,
        _s("path", "name of the path"),
        _s("origin", "direction (as published) | hop (seen in the dynamics)"),
        _s("direction", "lattice direction, such as [110]"),
        _s("from_site", "Wyckoff site left"),
        _s("to_site", "Wyckoff site reached"),
        _f("distance_angstrom", "straight distance between the ends", "Angstrom"),
        _i("image", "number of the image along the band"),
        _f("coordinate_angstrom", "length along the band", "Angstrom"),
        _f("energy_ev", "energy above the first image", "eV"),
        _f("barrier_ev", "highest energy above the first image", "eV"),
        _f("reverse_barrier_ev", "highest energy above the last image", "eV"),
        _f("force_max_ev_per_angstrom", "largest force across the band at the end", "eV/Angstrom"),
        _b("converged", "whether the force fell below the limit"),
        _s("flag", "empty, or why the path is doubtful: ends_merge | others_moved | "
           "through_occupied | via_vacancy | intermediate_minimum, joined by +", nullable=True),
    ),
    "arrhenius": (
        MATERIAL, U_EV,
        _s("quantity", "sigma_total | sigma_self | d_total | d_self"),
        _i("temperatures", "temperatures fitted"),
        _f("activation_ev", "activation energy", "eV", nullable=True),
        _f("activation_low_95", LOW, "eV", nullable=True),
        _f("activation_high_95", HIGH, "eV", nullable=True),
        _f("prefactor", "prefactor: K mS/cm of sigma T, or cm2/s of D", nullable=True),
        _f("prefactor_low_95", LOW, nullable=True),
        _f("prefactor_high_95", HIGH, nullable=True),
        _f("sigma_298_ms_per_cm", "conductivity at 298 K from the fit", "mS/cm", nullable=True),
        _f("sigma_298_low_95", LOW, "mS/cm", nullable=True),
        _f("sigma_298_high_95", HIGH, "mS/cm", nullable=True),
        _f("curvature_p", "p value of a quadratic term; below 0.05 the line is doubtful",
           nullable=True),
        _s("form", "what was fitted, such as ln(sigma T) against 1/T"),
        VERDICT,
    ),
    "comparison": (
        MATERIAL,
        _s("quantity", "what is compared"),
        U_EV,
        _f("temperature_k", "temperature", "K", nullable=True),
        _f("value", "Haven's", nullable=True),
        _f("low_95", LOW, nullable=True),
        _f("high_95", HIGH, nullable=True),
        _f("published", "published value", nullable=True),
        _s("unit", "unit of all four"),
        _s("source", "where it was published"),
        _b("doubtful", "whether the printed value is doubtful"),
        _s("verdict", "agrees (inside the interval) | differs | not_measured"),
    ),
    "cost": (
        MATERIAL,
        _f("u_ev", "Hubbard U - J on the d shell", "eV", nullable=True),
        _s("method", "aimd | dlmd | training"),
        _s("engine", "engine and version"),
        _s("model", "network and precision, or the plane-wave settings"),
        _b("compressed", "whether the potential was compressed", nullable=True),
        _i("atoms", "atoms"),
        _i("cores", "cores"),
        _s("device", "processor or accelerator"),
        _i("steps", "steps measured"),
        _f("seconds_per_step", "wall seconds per step, single point or training step", "s"),
        _f("seconds_per_atom_step", "the same per atom", "s"),
        _f("hours_10_ps_per_atom", "core-hours of 10 ps at 1 fs, per atom (paper, Fig. 1f)", "h"),
        _f("ratio_to_aimd", "AIMD's seconds per atom and step over this row's", nullable=True),
    ),
    "verdicts": (
        MATERIAL,
        _s("stage", "process that judged"),
        _s("subject", "run, potential or structure judged"),
        _s("check", "what was checked"),
        _f("value", "what was found", nullable=True),
        _f("limit", "what it was held against", nullable=True),
        _s("unit", "unit of both"),
        _b("passed", "whether it holds"),
        _s("message", "one sentence for the report"),
    ),
}


def _arrow_schema(name: str) -> pa.Schema:
    import pyarrow as pa

    kinds = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    return pa.schema(
        [
            pa.field(c.name, kinds[c.kind], c.nullable, {"unit": c.unit, "meaning": c.meaning})
            for c in declared(name)
        ]
    )


def declared(name: str) -> tuple[Column, ...]:
    """Return the columns of table ``name``.

    Raises
    ------
    HavenError
        If there is no such table.
    """
    if name not in TABLES:
        raise HavenError(f"no table is called {name}: choose from {', '.join(sorted(TABLES))}")
    return TABLES[name]


def write(
    name: str, rows: pd.DataFrame | Iterable[Mapping[str, object]], path: str | Path,
    inputs: Mapping[str, object] | None = None,
) -> Path:
    """Write rows of table ``name`` as Parquet and return the path.

    Parameters
    ----------
    name
        A key of `TABLES`.
    rows
        A data frame or records with exactly the declared columns (nullable ones may be left out).
    path
        File to write; folders are made.
    inputs
        What the rows were made from, kept in the file's metadata as JSON.

    Raises
    ------
    HavenError
        If a column is missing, unknown, of another type, or empty where it may not be.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = rows.copy() if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    columns = declared(name)
    unknown = sorted(set(frame.columns) - {c.name for c in columns})
    if unknown:
        raise HavenError(f"table {name} has no column {', '.join(unknown)}")
    for column in columns:
        if column.name not in frame:
            if not column.nullable and len(frame):
                raise HavenError(f"table {name} needs column {column.name}")
            frame[column.name] = None
    schema = _arrow_schema(name)
    try:
        table = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError) as error:
        raise HavenError(f"table {name}: {' '.join(str(part) for part in error.args)}") from error
    _check_nulls(name, table)
    metadata = {
        "haven_table": name,
        "haven_version": __version__,
        "haven_code": package_digest(),
        "haven_inputs": json.dumps(dict(inputs or {}), sort_keys=True, default=str),
    }
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = schema.metadata or {}
    pq.write_table(table.replace_schema_metadata({**kept, **metadata}), target, compression="zstd")
    return target


def _check_nulls(name: str, table: pa.Table) -> None:
    for column in declared(name):
        if not column.nullable and table[column.name].null_count:
            raise HavenError(f"table {name}: column {column.name} has an empty value")


def read(name: str, *paths: str | Path) -> pd.DataFrame:
    """Read one or several Parquet files of table ``name`` into one data frame.

    Raises
    ------
    HavenError
        If a file is missing, is no Parquet file, or holds another table.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    frames = []
    for path in paths:
        try:
            table = pq.read_table(path)
        except FileNotFoundError as error:
            raise HavenError(f"table file {path} does not exist") from error
        except pa.ArrowInvalid as error:
            raise HavenError(f"{path} is no Parquet file: {error}") from error
        found = (table.schema.metadata or {}).get(b"haven_table", b"?").decode()
        if found != name:
            raise HavenError(f"{path} holds table {found}, not {name}")
        frames.append(table.to_pandas())
    columns = [c.name for c in declared(name)]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def read_folder(name: str, folder: str | Path) -> pd.DataFrame:
    """Read every ``*.<name>.parquet`` or ``<name>.parquet`` of a folder into one data frame."""
    found = sorted(Path(folder).glob(f"*.{name}.parquet")) or sorted(
        Path(folder).glob(f"{name}.parquet")
    )
    return read(name, *found)


def document() -> str:
    """Return all tables as Markdown, for ``assets/tables.md``."""
    parts = ["# Tables\n\nGenerated by `bin/haven/tables.py`; one row is one observation.\n"]
    for name, columns in TABLES.items():
        parts.append(f"\n## {name}\n\n| column | type | unit | meaning |\n|--|--|--|--|")
        parts += [
            f"| `{c.name}`{' (may be empty)' if c.nullable else ''} | {c.kind} | {c.unit} | "
            f"{c.meaning.replace('|', '/')} |"
            for c in columns
        ]
    return "\n".join(parts) + "\n"
