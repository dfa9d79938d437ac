"""A results folder described as a Workflow Run Crate: ``ro-crate-metadata.json``.

Workflow Run RO-Crate 0.5 (Leo et al., PLoS ONE 19, e0309210, 2024): the workflow with its formal
parameters, the run of it with their values, the tasks that made the tables, and every number with
the table, the rows and the tasks that it comes from.
"""

from __future__ import annotations

import mimetypes
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import haven
from haven.core.identity import sha256
from haven.core.numbers import known
from haven.core.types import Row
from haven.report.page.origins import origins_of, places_of, software_of
from haven.report.publishing.results import METADATA, Results, files_of, read_json, read_results
from haven.report.registry import TABLES

ROOT = Path(haven.__file__).parents[2]
WORKFLOW = ("main.nf", "nextflow.config", "nextflow_schema.json", "LICENSE")
PLACE = "pipeline/workflow"  # where the workflow's files lie in the results
PROFILES = (("process", "0.5", "Process Run Crate"), ("workflow", "0.5", "Workflow Run Crate"))
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
HASHED_BYTES = 1 << 24  # larger files have their size alone
KINDS = {"integer": "Integer", "number": "Float", "boolean": "Boolean", "string": "Text",
         "array": "Text"}
MEANT = {
    "report.html": "all results with figures", "summary.txt": "the headline as text",
    "parameters.json": "parameters of the run, and what it was to compute",
    "pipeline/versions.tsv": "versions that the tasks told of their tools",
}
FOLDERS = {
    "tables": "a table of the results", "figures": "a figure of the report",
    "models": "a trained potential", "structures": "a structure",
    "trajectories": "a trajectory: unwrapped positions",
    "modes": "amplitudes by which runs of one temperature are judged together",
    "to_label": "frames that the ensemble of potentials disagrees on",
    "pipeline": "Nextflow's records", "frames": "labelled frames",
}
TYPES = {".parquet": "application/vnd.apache.parquet", ".extxyz": "chemical/x-xyz",
         ".cif": "chemical/x-cif", ".npz": "application/zip", ".nf": "text/plain",
         ".tsv": "text/tab-separated-values", ".md": "text/markdown", ".txt": "text/plain",
         ".data": "text/plain", ".config": "text/plain", ".h5": "application/x-hdf5"}


@dataclass(frozen=True)
class Licence:
    """Under which licence the results are.

    Attributes
    ----------
    name
        SPDX identifier; empty while none was chosen.
    creators
        Names of people, each with an ORCID or an empty text.
    title
        Of the results.
    """

    name: str = ""
    creators: tuple[tuple[str, str], ...] = ()
    title: str = ""


@dataclass
class _Crate:
    """The crate under way, and entities that others refer to."""

    held: Any
    files: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, Any] = field(default_factory=dict)


def write_crate(
    folder: str | Path, licence: Licence | None = None, out: str | Path | None = None
) -> Path:
    """Write ``ro-crate-metadata.json`` of a results folder, and the workflow's files into it.

    Parameters
    ----------
    folder
        Results of a run.
    licence
        Of the results, and who made them.
    out
        Folder for ``ro-crate-metadata.json``; the results folder itself if not given.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    HavenError
        If the folder holds no results.
    """
    results = read_results(folder)
    target = results.folder / PLACE
    target.mkdir(parents=True, exist_ok=True)
    for name in WORKFLOW:
        shutil.copyfile(ROOT / name, target / name)
    crate = _built(results, licence or Licence())
    place = results.folder if out is None else Path(out)
    crate.held.metadata.write(place)
    return place / METADATA


def _built(results: Results, licence: Licence) -> _Crate:
    from rocrate.rocrate import ROCrate

    crate = _Crate(ROCrate(version="1.1"))  # that the profiles are written for
    _root(crate, results, licence)
    workflow = _workflow(crate, results)
    for path in files_of(results):
        name = path.relative_to(results.folder).as_posix()
        if name != f"{PLACE}/main.nf":
            crate.files[name] = crate.held.add_file(path, name, properties=_about(path, name))
    inputs = _parameters(crate, workflow, results)
    outputs = _outputs(crate, workflow)
    _tasks(crate, results)
    action = _entity(crate, f"#run-{results.run.get('run_name') or 'unknown'}", {
        "@type": "CreateAction",
        "name": f"Nextflow's run {results.run.get('run_name') or '(not recorded)'}",
        "instrument": {"@id": workflow.id}, "object": _ids(inputs),
        "result": _ids([*outputs, *(entity for name, entity in crate.files.items()
                                    if name.startswith("tables/"))]),
        **_when(results.run),
        "actionStatus": _status(bool(results.run.get("success", True))),
        "description": "; ".join(f"{words} {results.run[key]}" for words, key in (
            ("command line:", "command_line"), ("session", "session_id"),
            ("profile", "profile"), ("work folder", "work_dir")) if results.run.get(key)),
        **_container(crate, str(results.run.get("container_engine") or "")),
    })
    crate.held.root_dataset["mentions"] = _ids([action, *crate.tasks.values()])
    numbers = _numbers(crate, results)
    if numbers:
        crate.held.root_dataset["variableMeasured"] = _ids(numbers)
    return crate


def _entity(crate: _Crate, name: str, properties: Mapping[str, Any]) -> Any:
    from rocrate.model.contextentity import ContextEntity

    return crate.held.add(ContextEntity(crate.held, name, properties=dict(properties)))


def _ids(entities: Iterable[Any]) -> Any:
    """Return references to entities; one alone stands without a list, as RO-Crate wants it."""
    found = [{"@id": entity.id} for entity in entities]
    return found[0] if len(found) == 1 else found


def _root(crate: _Crate, results: Results, licence: Licence) -> None:
    """Describe the folder: title, date, licence, creators, profiles."""
    root = crate.held.root_dataset
    materials = sorted({str(name) for name in results.numbers["material"].dropna()})
    root["name"] = licence.title or (
        f"Ionic conductivity of {', '.join(materials) or 'a disordered crystal'}: results of Haven")
    root["description"] = (
        "Tables, figures, potentials, structures and trajectories of a run of Haven "
        f"{results.run.get('haven_version') or haven.__version__}; report.html shows them, table "
        "origins says which task made which rows, table numbers from which rows each number is.")
    done = results.run.get("complete")
    root["datePublished"] = str(done or datetime.now(UTC).isoformat(timespec="seconds"))
    root["license"] = {"@id": _licence(crate, licence.name).id}
    if licence.creators:
        root["creator"] = _ids(
            _entity(crate, orcid or f"#creator-{number}", {"@type": "Person", "name": name})
            for number, (name, orcid) in enumerate(licence.creators, 1))
    crate.held.metadata.extra_contexts.append(TERMS)
    profiles = [_entity(crate, f"https://w3id.org/ro/wfrun/{kind}/{version}",
                        {"@type": "CreativeWork", "name": name, "version": version})
                for kind, version, name in PROFILES]
    profiles.append(_entity(crate, "https://w3id.org/workflowhub/workflow-ro-crate/1.0", {
        "@type": "CreativeWork", "name": "Workflow RO-Crate", "version": "1.0"}))
    root["conformsTo"] = _ids(profiles)
    crate.held.metadata["conformsTo"] = [{"@id": "https://w3id.org/ro/crate/1.1"},
                                         {"@id": profiles[-1].id}]


def _licence(crate: _Crate, name: str) -> Any:
    if name:
        return _entity(crate, f"https://spdx.org/licenses/{name}", {
            "@type": "CreativeWork", "name": name, "identifier": name})
    return _entity(crate, "#licence-not-chosen", {
        "@type": "CreativeWork", "name": "no licence chosen yet",
        "description": "Whoever made these results has all rights until a licence is chosen: "
                       "./haven publish --dry-run --licence CC-BY-4.0 FOLDER"})


def _workflow(crate: _Crate, results: Results) -> Any:
    """Add main.nf as the main workflow: its language, version, licence and code's digest."""
    from rocrate.model.computationalworkflow import ComputationalWorkflow

    path = results.folder / PLACE / "main.nf"
    codes = sorted(set(results.origins["code"].dropna()))
    workflow = crate.held.add_workflow(path, f"{PLACE}/main.nf", main=False, lang="nextflow",
                                       lang_version=results.run.get("nextflow_version"),
                                       cls=ComputationalWorkflow, properties={
        "name": "Haven: from first-principles labels to ionic conductivity",
        "version": str(results.run.get("haven_version") or haven.__version__),
        "license": {"@id": "https://spdx.org/licenses/MIT"}, "conformsTo": {"@id": BIOSCHEMAS},
        "sha256": sha256(path), "contentSize": str(path.stat().st_size),
        "encodingFormat": "text/plain",
        "description": "Digest of the Python code (bin/haven) that wrote the tables: "
                       f"{', '.join(codes) or 'not known'}. Commit: "
                       f"{results.run.get('commit') or 'not a clone that Nextflow made'}.",
    })
    if "https://spdx.org/licenses/MIT" not in crate.held:
        _licence(crate, "MIT")
    crate.held.mainEntity = workflow
    software = software_of(results.origins)
    if software:
        workflow["softwareRequirements"] = _ids(
            _entity(crate, f"#package-{name}-{version}", {
                "@type": "SoftwareApplication", "name": name, "version": version})
            for name in sorted(software) for version in sorted(software[name]))
    return workflow


def _about(path: Path, name: str) -> dict[str, Any]:
    """Return size, format, digest and meaning of a file."""
    size = path.stat().st_size
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    meant = MEANT.get(name) or FOLDERS.get(name.partition("/")[0], "a file of the results")
    if path.suffix == ".parquet" and path.stem in TABLES:
        meant = f"table {path.stem}: {', '.join(TABLES[path.stem].names)}"
    return {"name": name, "description": meant, "contentSize": str(size),
            "encodingFormat": kind or "application/octet-stream",
            **({"sha256": sha256(path)} if size <= HASHED_BYTES else {})}


def _parameters(crate: _Crate, workflow: Any, results: Results) -> list[Any]:
    """Add the formal parameters of the workflow and their values; return the values."""
    schema = read_json(ROOT / "nextflow_schema.json")["$defs"]
    rules = {name: rule for group in schema.values() for name, rule in group["properties"].items()}
    values, formal = [], []
    for name, rule in rules.items():
        if name not in results.parameters or results.parameters[name] is None:
            continue
        kind = rule["type"] if isinstance(rule["type"], str) else rule["type"][0]
        one = crate.held.add_formal_parameter(
            name, KINDS.get(kind, "Text"), identifier=f"#parameter-{name}",
            description=str(rule["description"]) + (
                f" ({rule['unit']})" if rule.get("unit") else ""))
        formal.append(one)
        values.append(_entity(crate, f"#value-{name}", {
            "@type": "PropertyValue", "name": name, "value": str(results.parameters[name]),
            "exampleOfWork": {"@id": one.id},
            **({"unitText": rule["unit"]} if rule.get("unit") else {})}))
    if formal:
        workflow["input"] = _ids(formal)
    return values


def _outputs(crate: _Crate, workflow: Any) -> list[Any]:
    """Add the workflow's outputs; return the files that they are."""
    formal, found = [], []
    for name in MEANT:
        if name in crate.files:
            one = crate.held.add_formal_parameter(
                name, "File", identifier=f"#output-{name}", description=MEANT[name])
            crate.files[name]["exampleOfWork"] = {"@id": one.id}
            formal.append(one)
            found.append(crate.files[name])
    workflow["output"] = _ids(formal)
    return found


def _tasks(crate: _Crate, results: Results) -> None:
    """Add an action for each task that made rows of a table."""
    if results.origins.empty:
        return
    for folder, parts in results.origins[results.origins["task"] != ""].groupby("folder"):
        place = Path(str(folder))
        first = parts.iloc[0]
        mark = f"{place.parent.name}/{place.name[:6]}"
        traced = results.trace.get(mark, {})
        made = [f"tables/{name}.parquet" for name in dict.fromkeys(parts["table"])]
        rows = [f"rows {row['first_row']} to {row['first_row'] + row['rows'] - 1} of "
                f"tables/{row['table']}.parquet are {row['part']} (SHA-256 {row['sha256']})"
                for row in parts.to_dict("records") if row["rows"]]
        crate.tasks[str(folder)] = _entity(crate, f"#task-{mark.replace('/', '-')}", {
            "@type": "CreateAction", "name": str(first["task"]),
            "instrument": {"@id": _tool(crate, first).id},
            "result": _ids(crate.files[name] for name in made if name in crate.files),
            "description": "; ".join([f"work folder {folder}", *rows])[:4000],
            "location": str(folder),
            "actionStatus": _status(traced.get("exit", "0") in ("0", "-")),
            **_when(traced or _told_by(place)),
            **_container(crate, str(first["container"])),
        })


def _told_by(folder: Path) -> dict[str, str]:
    """Return when a task began and ended, by the files that Nextflow left; traces end before."""
    found = {}
    for word, name in (("start", ".command.begin"), ("complete", ".exitcode")):
        if (folder / name).exists():
            when = datetime.fromtimestamp((folder / name).stat().st_mtime, UTC)
            found[word] = when.isoformat(timespec="seconds")
    return found


def _tool(crate: _Crate, part: Any) -> Any:
    """Return the script of a task, in the state of the code that ran."""
    script = str(part["task"]).split(" ")[0].split(":")[-1].lower()
    name = f"#{script}-{part['code']}"
    if name not in crate.tools:
        crate.tools[name] = _entity(crate, name, {
            "@type": "SoftwareApplication", "name": script,
            "softwareVersion": f"{part['version']}, digest of bin/haven {part['code']}",
            "description": f"process {script.upper()} of Haven"})
    return crate.tools[name]


def _container(crate: _Crate, image: str) -> dict[str, Any]:
    if not image:
        return {}
    name = f"#image-{image}"
    if name not in crate.held:
        _entity(crate, name, {"@type": "ContainerImage", "name": image,
                              "additionalType": {"@id": TERMS.replace("context", "")
                                                 + ("SIFImage" if image.endswith(".sif")
                                                    else "DockerImage")}})
    return {"containerImage": {"@id": name}}


def _when(told: Mapping[str, Any]) -> dict[str, str]:
    """Return start and end in ISO 8601, as far as they are known."""
    found = {}
    for ours, theirs in (("startTime", "start"), ("endTime", "complete")):
        text = str(told.get(theirs) or "")
        if text and text[0].isdigit():
            found[ours] = text.replace(" ", "T")
    return found


def _status(good: bool) -> dict[str, str]:
    return {"@id": f"http://schema.org/{'Completed' if good else 'Failed'}ActionStatus"}


def _numbers(crate: _Crate, results: Results) -> list[Any]:
    """Add every number: value, interval, unit, verdict, its rows and the tasks that made them."""
    found = []
    for number, row in enumerate(results.numbers.to_dict("records")):
        if not known(row["value"]) and not known(row["high_95"]):
            continue
        found.append(_entity(crate, f"#number-{number}", _number(crate, results, row)))
    return found


def _number(crate: _Crate, results: Results, row: Row) -> dict[str, Any]:
    at = [f"U = {row['u_ev']:g} eV" if known(row["u_ev"]) else "",  # type: ignore[arg-type]
          f"{row['temperature_k']:g} K" if known(row["temperature_k"]) else "",  # type: ignore[arg-type]
          str(row["system"])]
    table = f"tables/{row['table']}.parquet"
    made = [crate.tasks[str(part["folder"])] for part in origins_of(row, results.origins)
            if str(part["folder"]) in crate.tasks]
    unique = {entity.id: entity for entity in made}
    spans = ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in places_of(str(row["rows"])))
    said: dict[str, Any] = {
        "@type": "PropertyValue", "propertyID": str(row["quantity"]),
        "name": ", ".join(part for part in (f"{row['quantity']} of {row['material']}", *at)
                          if part),
        "unitText": str(row["unit"]),
        "measurementTechnique": f"rows {spans} (from 0) of {table}" if spans else "",
        "description": "; ".join(part for part in (str(row["verdict"]), str(row["note"]))
                                 if part),
    }
    for ours, theirs in (("value", "value"), ("minValue", "low_95"), ("maxValue", "high_95")):
        if known(row[theirs]):  # type: ignore[arg-type]
            said[ours] = row[theirs]
    above = [crate.files[table]] if table in crate.files else []
    if above or unique:
        said["subjectOf"] = _ids([*above, *unique.values()])
    return {key: value for key, value in said.items() if value != ""}
