"""The pipeline's parameters, and what is written from their declarations.

Parameters that a script takes are declared beside the science (``options.py`` of each package);
those of the pipeline alone are declared here. ``PYTHONPATH=bin python -m haven.parameters`` writes
``nextflow_schema.json``, ``conf/parameters.config`` and ``conf/options.config``; a test compares.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haven.core import options
from haven.core.options import LINE, WORD, Operation, Option, Seed, declared, option, text_of
from haven.cost.options import Timing
from haven.dynamics.options import Anneal, Cell, ConstantPressure, Dynamics, Exploration
from haven.labels.audit import Limits
from haven.labels.engines.base import LabelSettings as Labels
from haven.labels.options import EngineChoice, FirstPrinciplesDynamics, Import, Thermostat
from haven.material.options import Distances, Forces, RelaxedCells, StartingCells, Supercell
from haven.mechanism.options import Bands, Distributions
from haven.potential.families import trainer
from haven.potential.options import Selection, Split
from haven.transport.options import Estimation, Reference

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 160  # of a line of configuration
NAMES = r"[A-Za-z0-9_][A-Za-z0-9_.,:+-]*"  # one or several, as schedulers take them
HOST = r"[A-Za-z0-9][A-Za-z0-9_./:-]*"


@dataclass(frozen=True)
class Input:
    """What is studied and what is given."""

    material: str = option("${projectDir}/assets/materials/li3ticl6.yml",
                           "material file (YAML): crystal, sites, occupancies", path="file-path")
    input: str | None = option(
        None, "sheet (CSV) of materials, with a run for each of its rows: columns material, name "
        "(of the row's folder of results) and any parameters", path="file-path",
        example="materials.csv")
    at_once: int = option(1, "rows of a sheet of materials that run at the same time", least=1,
                          most=64)
    outdir: str = option("results", "folder for results")
    frames: tuple[str, ...] | None = option(
        ("${projectDir}/assets/frames",),
        "folders and files of labelled frames: extxyz, outputs of VASP, GPAW, Quantum ESPRESSO or "
        "CP2K, deepmd/npy", path="path", example="mydata/u0,mydata/u4",
        more="U is told by the output, or by a folder or file named u4; assets/frames stands for "
        "the shipped frames of the material, if any", distinct=True)
    models: str | None = option(
        None, "folder of frozen potentials named u4_s1.pb; when given, nothing is trained",
        path="directory-path", more="A potential is a program: use those of people you trust")
    pretrained: bool = option(False, "use the shipped potentials of Li3TiCl6 (assets/models): "
                                     "nothing is trained")
    trajectories: str | None = option(
        None, "folder of trajectories named u4_t298_r0.trajectory.npz; when given, no dynamics is "
        "run", path="directory-path")
    reference: str = option("${projectDir}/assets/reference",
                            "folder of published values (CSV) that the report compares with",
                            path="directory-path")
    u_ev: tuple[float, ...] = option((0.0, 4.0), "Hubbard U - J values", unit="eV", least=0,
                                     most=20, distinct=True)
    code_digest: bool = option(
        True, "rerun a task when the Python it imports from bin/haven has changed", hidden=True)


@dataclass(frozen=True)
class Labelling:
    """Which labels are made."""

    label: bool = option(False, "label new frames (LABEL_FRAMES), joined with those of --frames")
    labels_only: bool = option(False, "end after the labels, with the report on them")
    rounds: int = option(0, "learning rounds: an ensemble explores, what it disagrees on is "
                            "labelled", least=0, most=6)
    round_training_steps: int = option(
        4000, "training steps of each potential that explores", least=10, most=100_000_000)
    explore_ensemble: int = option(3, "potentials that explore, for each U", least=2, most=10)
    explore_structures: int = option(6, "new small cells that each round explores from", least=1,
                                     most=100_000)
    explore_atoms_max: int = option(
        40, "atoms of the largest cells that rounds explore from", least=1, most=10_000,
        more="A label's cost grows with the third power")
    aimd: bool = option(
        False, "run first-principles dynamics of one conventional cell (RUN_AIMD); without it, "
        "given or shipped trajectories are analysed")
    aimd_u_ev: tuple[float, ...] = option(
        (4.0,), "Hubbard U - J values of the first-principles dynamics, among those of --u_ev",
        unit="eV", least=0, most=20, distinct=True)
    aimd_temperature_k: float = option(
        298.0, "temperature of the first-principles dynamics", unit="K", above=0, most=5000)
    aimd_trajectories: str | None = option(
        None, "folder of first-principles trajectories named aimd_t298_r0.u4.extxyz; without it "
        "the shipped ones of the material", path="directory-path")
    relax_first_principles: bool = option(
        False, "relax one conventional cell at each U with the labels' engine "
        "(RELAX_FIRST_PRINCIPLES); without it, those of --relaxed_cells are shown")
    relaxed_cells: str | None = option(
        None, "folder of first-principles relaxations named relaxed_default_s1.u4.extxyz; without "
        "it those of assets/cells for the material, if any", path="directory-path")


@dataclass(frozen=True)
class Ensemble:
    """Which potentials are trained."""

    ensemble: int = option(1, "potentials trained for each U, with seeds seed, seed + 1, ...",
                           least=1, most=20)
    init_models: str | None = option(
        None, "folder of uncompressed potentials named u4_s1.pb, or weights u4_s1.pt, that a "
        "training starts from (fine-tuning): of the same U if there is one", path="directory-path")
    learning_curve: bool = option(
        False, "also train on 25 and 50 % of the training trajectories: error against the size of "
        "the data set")
    potentials_only: bool = option(False, "stop once the potentials are trained and tested")


@dataclass(frozen=True)
class Runs:
    """Which dynamics is run."""

    replicas: int = option(1, "replicas of the disorder", least=1, most=100)
    first_replica: int = option(
        0, "number of the first replica; its disorder is drawn from the seed plus this number, so "
        "that replicas are added to an earlier run's by counting on", least=0, most=10_000)
    earlier: str | None = option(
        None, "results folder of an earlier run of the same study, to which replicas are added: "
        "the mean cells of its runs are kept, and its tables are joined with the new ones",
        path="directory-path", example="results", more="--first_replica numbers the new ones, "
        "which may be of other temperatures, U or driving potentials: those get cells of their "
        "own; results go into another --outdir")
    cell_replicas: int = option(
        0, "number of the first replicas whose mean cell all replicas keep (--cell npt); 0: all of "
        "them. With a number, finished runs stay as they are when replicas are added later",
        least=0, most=100)
    driving_potentials: int = option(
        1, "members of each ensemble that drive runs of their own; from 2 on the error budget has "
        "the difference between potentials", least=1, most=20)
    temperatures_k: tuple[float, ...] = option(
        (298.0, 313.0, 328.0, 333.0, 358.0, 373.0), "temperatures", unit="K", above=0, most=3000,
        distinct=True)


@dataclass(frozen=True)
class Running:
    """How it runs."""

    publish_dir_mode: str = option(
        "copy", "how results are put into the results folder", hidden=True,
        choices=("copy", "link", "symlink", "rellink", "copyNoFollow"))
    job_array: int = option(
        0, "tasks of dynamics, exploration or labels that a scheduler gets as one job array "
        "(SLURM, PBS, LSF, SGE, AWS and Google Batch); 0: a job each", least=0, most=10_000,
        hidden=True)
    gpu_tasks: int = option(
        1, "tasks that share a GPU at a time on one machine (profile gpu without a scheduler)",
        least=1, most=64, hidden=True)
    ns_per_day: float | None = option(
        None, "speed of a run on this site's device, as ./haven status prints it: RUN_DYNAMICS "
        "asks a scheduler for the time that follows, and half as much again", unit="ns", above=0,
        most=1e6, hidden=True,
        more="Without it a run asks for 48 h, or what the site's resourceLimits allow")
    help: bool = option(False, "print the parameters and end", hidden=True)


@dataclass(frozen=True)
class Cluster:
    """Names of a cluster or a cloud."""

    slurm_account: str | None = option(None, "SLURM account", pattern=WORD, hidden=True)
    slurm_queue: str | None = option(None, "SLURM partition; the default one if not given",
                                     pattern=NAMES, hidden=True)
    slurm_gpu_queue: str | None = option(
        None, "SLURM partition of training and dynamics; slurm_queue if not given", pattern=NAMES,
        hidden=True)
    slurm_gres: str | None = option(
        None, "generic resource that training and dynamics ask for; shard:1 or mps:25 packs small "
        "runs on one GPU", pattern=NAMES, example="gpu:1", hidden=True)
    image_folder: str = option("${projectDir}/containers",
                               "folder of the images that containers/build.sh made", hidden=True)
    registry: str | None = option(
        None, "where a cloud takes the images haven-cpu, haven-gpu and gpaw from", pattern=HOST,
        hidden=True)
    aws_region: str | None = option(None, "AWS region", pattern=WORD, hidden=True)
    aws_cpu_queue: str | None = option(None, "AWS Batch queue without GPUs", pattern=HOST,
                                       hidden=True)
    aws_gpu_queue: str | None = option(None, "AWS Batch queue with GPUs", pattern=HOST,
                                       hidden=True)
    google_project: str | None = option(None, "Google Cloud project", pattern=WORD, hidden=True)
    google_location: str | None = option(None, "Google Cloud location", pattern=WORD, hidden=True)
    google_gpu: str | None = option(None, "accelerator type of Google Batch", pattern=WORD,
                                    hidden=True)
    k8s_claim: str | None = option(None, "persistent volume claim", pattern=WORD, hidden=True)
    k8s_mount: str | None = option(None, "where the claim is mounted", pattern=r"/[\w./-]*",
                                   example="/haven", hidden=True)
    k8s_namespace: str | None = option(None, "Kubernetes namespace", pattern=WORD, hidden=True)


# Group: title, and the declarations whose options of the pipeline it holds, in order.
GROUPS: dict[str, tuple[str, tuple[type, ...]]] = {
    "input": ("What is studied and what is given", (Input, Seed)),
    "labels": ("First-principles labels", (
        Labelling, StartingCells, EngineChoice, Labels, Exploration, Selection, Import, Limits,
        Split, FirstPrinciplesDynamics)),
    "potential": ("Deep potential", (Ensemble, *trainer().options)),
    "dynamics": ("Molecular dynamics", (
        Supercell, Runs, Cell, ConstantPressure, Anneal, Dynamics, Thermostat, Forces, Operation,
        RelaxedCells)),
    "analysis": ("Analysis", (Reference, Estimation, Distributions, Bands, Timing)),
    "run": ("How it runs", (Running,)),
    "site": ("Site (profiles slurm and apptainer, files of conf/site)", (Cluster,)),
}
REQUIRED = ("material", "outdir", "reference")
NULLABLE = ("frames",)  # though it has a default: profile paper makes all its labels itself
# Process: declarations whose parameters its script takes under the same name. An alias of a
# process (RUN_CELL of RUN_DYNAMICS) takes the same.
PROCESSES: dict[str, tuple[type, ...]] = {
    "BUILD_STRUCTURES": (StartingCells,),
    "LABEL_FRAMES": (EngineChoice, Labels),
    "IMPORT_FRAMES": (Import, Limits),
    "BUILD_DATASET": (Split, Limits, Labels),
    "COMPILE_POTENTIAL": (trainer().build,),
    "TRAIN_POTENTIAL": trainer().options,
    "MEASURE_LEARNING": trainer().options,
    "BUILD_SUPERCELL": (Supercell, Distances),
    "MINIMISE": (Forces, Distances),
    "RELAX_CELL": (RelaxedCells, Anneal, Dynamics, Thermostat, Forces),
    "RELAX_FIRST_PRINCIPLES": (Forces, EngineChoice, Labels),
    "ANNEAL": (Anneal, Cell, Forces, Dynamics, Thermostat),
    "EQUILIBRATE_CELL": (ConstantPressure, Cell, Dynamics, Thermostat),
    "RUN_DYNAMICS": (Cell, Dynamics, Thermostat),
    "SELECT_BEYOND": (Dynamics,),
    "RUN_AIMD": (FirstPrinciplesDynamics, Thermostat, EngineChoice, Labels),
    "ANALYSE_STRUCTURE": (Distributions,),
    "ANALYSE_TRANSPORT": (Reference, Estimation),
    "FIND_BARRIERS": (Bands, Forces),
    "MEASURE_COST": (Timing,),
    "EXPLORE": (Dynamics, Thermostat, Exploration),
    "SELECT_FRAMES": (Selection,),
}
ONLY = {  # of a declaration, where not all
    "COMPILE_POTENTIAL": {trainer().build: ("compress",)},
    "EXPLORE": {Dynamics: ("timestep_fs",)},
    "RELAX_CELL": {Anneal: ("anneal_temperature_k",), Dynamics: ("timestep_fs",)},
    "ANNEAL": {Dynamics: ("timestep_fs",)},
    "EQUILIBRATE_CELL": {Dynamics: ("timestep_fs",), Cell: ("pressure_gpa",)},
    "SELECT_BEYOND": {Dynamics: ("force_window_ev_per_angstrom",)},
    "IMPORT_FRAMES": {Limits: ("max_stress_gpa",)},
    "BUILD_DATASET": {Labels: ("dispersion",)}}


def parameters() -> dict[str, list[Option]]:
    """Return each group's parameters, in order."""
    return {group: [told for one in declarations for told in declared(one) if told.rule.pipeline]
            for group, (_title, declarations) in GROUPS.items()}


def passed(process: str) -> list[str]:
    """Return the parameters that a process passes to its script under their own names."""
    return [told.name for one in PROCESSES[process]
            for told in declared(one, *ONLY.get(process, {}).get(one, ())) if told.rule.pipeline]


def rule_of(told: Option) -> dict[str, Any]:
    """Return a parameter's entry in the JSON schema.

    A list may come as a list (YAML), as one value, or as text with commas (command line): a
    standard validator accepts each.
    """
    rule, kinds = told.rule, list(told.kinds)
    item: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds}
    bounds = {"minimum": rule.least, "exclusiveMinimum": rule.above, "maximum": rule.most}
    item |= {key: bound for key, bound in bounds.items() if bound is not None}
    if rule.choices:
        item["enum"] = list(rule.choices)
    pattern = rule.pattern or ("" if rule.choices else LINE)
    if "string" in kinds and pattern:
        item["pattern"] = f"^(?:{pattern})$"
    if rule.path:
        item["format"] = rule.path
    entry: dict[str, Any] = item
    if told.several:
        text = {"integer": options.WHOLE, "number": options.NUMBER}.get(kinds[0], pattern)
        entry = {"type": ["array", "string", *(k for k in kinds if k != "string")],
                 **{key: item[key] for key in bounds if key in item}, "items": item,
                 "minItems": told.count or 1, "pattern": _listed(text, told.count)}
        if told.count:
            entry["maxItems"] = told.count
        if rule.distinct:
            entry["uniqueItems"] = True
    if told.default is not None and told.default is not False:  # a switch is off unless it is set
        plain = told.several or isinstance(told.default, str)
        entry["default"] = text_of(told.default) if plain else told.default
    if told.name in NULLABLE:
        entry["type"] = [*entry["type"], "null"]
    entry["description"] = rule.meaning
    unit = f"In {rule.unit}. " if rule.unit else ""
    spans = f"{told.range[0].upper()}{told.range[1:]}. " if told.range else ""
    more = f"{rule.more}. " if rule.more else ""
    several = ("Several values: joined by commas, or a list in a file of parameters. "
               if told.several else "")
    if note := (more + unit + spans + several).strip():
        entry["help_text"] = note
    if rule.unit:
        entry["unit"] = rule.unit
    if rule.example:
        entry["examples"] = [rule.example]
    if rule.hidden:
        entry["hidden"] = True
    return entry


def _listed(item: str, count: int | None) -> str:
    """Return the pattern of several items with commas between."""
    if item == LINE:
        return f"^(?:{LINE})$"
    many = "*" if count is None else f"{{{count - 1}}}"
    return rf"^\s*(?:{item})(?:\s*,\s*(?:{item})){many}\s*$"


def schema() -> str:
    """Return ``nextflow_schema.json``."""
    groups = {
        group: {"title": GROUPS[group][0], "type": "object",
                "description": f"{GROUPS[group][0]}.",
                "properties": {told.name: rule_of(told) for told in listed},
                **({"required": needed} if (needed := [
                    told.name for told in listed if told.name in REQUIRED]) else {})}
        for group, listed in parameters().items()
    }
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        # Name, title and description as nf-core's tools want them: the manifest's own.
        "$id": "https://raw.githubusercontent.com/haven/main/nextflow_schema.json",
        "title": "haven pipeline parameters",
        "description": "Ionic conductivity of cation-disordered crystals, from first-principles "
        "labels",
        "type": "object",
        "$defs": groups,
        "allOf": [{"$ref": f"#/$defs/{group}"} for group in groups],
        "unevaluatedProperties": False,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


WARNING = "// Written by bin/haven/parameters.py from the declared options: edit those.\n"


def params_block() -> str:
    """Return ``conf/parameters.config``: each parameter and its default."""
    lines = [WARNING + "// nextflow_schema.json says what each means, its unit and range.",
             "params {"]
    for group, listed in parameters().items():
        lines.append(f"    // {group}")
        lines += [f"    {told.name.ljust(34)} = {literal(told.default)}" for told in listed]
    return "\n".join([*lines, "}"]) + "\n"


def literal(value: Any) -> str:
    """Return a value as Groovy writes it; lists as text, which a launch form can show."""
    if value is None:
        return "null"
    if isinstance(value, (bool, int, float)):
        return text_of(value)
    text = text_of(value)
    return f'"{text}"' if "${" in text else f"'{text}'"


def options_block() -> str:
    """Return ``conf/options.config``: the parameters that each process passes to its script."""
    lines = [WARNING + "// The names of the parameters that each process passes to its script "
             "(ext.args, conf/modules.config).", "process {"]
    for process in PROCESSES:
        lines.append(f"    withName: {process} {{")
        row = "        ext.options = ["
        indent = " " * len(row)
        for name in passed(process):
            word = f"'{name}', "
            if len(row) + len(word) > WIDTH - 2:
                lines.append(row.rstrip())
                row = indent
            row += word
        lines += [row.rstrip(", ") + "]", "    }"]
    return "\n".join([*lines, "}"]) + "\n"


def files() -> dict[str, str]:
    """Return the generated files: path in the repository to content."""
    return {"nextflow_schema.json": schema(), "conf/parameters.config": params_block(),
            "conf/options.config": options_block()}


def problems() -> list[str]:
    """Return what is wrong with the declarations: names twice, patterns that don't compile."""
    names = [told.name for listed in parameters().values() for told in listed]
    twice = sorted({name for name in names if names.count(name) > 1})
    found = [f"{name} is declared twice" for name in twice]
    for listed in parameters().values():
        for told in listed:
            if not told.rule.meaning.strip():
                found.append(f"{told.name} has no meaning")
            re.compile(told.rule.pattern)
    return found


if __name__ == "__main__":
    for name, content in files().items():
        (ROOT / name).write_text(content)
