"""Results as one zip for a repository such as Zenodo: with licences, metadata and the code."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import haven
from haven.core.errors import HavenError
from haven.report.publishing.crate import PLACE, ROOT, Licence, write_crate
from haven.report.publishing.licences import LICENCES
from haven.report.publishing.results import (
    METADATA,
    Results,
    earlier_words,
    files_of,
    read_results,
)

CODE = ("bin", "modules", "conf", "containers")
CODE_FILES = (".py", ".nf", ".config", ".sh", ".txt", ".in", ".md", ".def", ".xml")
STORED = (".parquet", ".png", ".npz", ".zip", ".gz", ".pt2", ".h5")
ZENODO_BYTES = 50e9  # what a record there holds at most
ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")


@dataclass(frozen=True)
class Creator:
    """Who made the results: ``Family, Given``, an ORCID and an affiliation, or empty texts."""

    name: str
    orcid: str = ""
    affiliation: str = ""


@dataclass(frozen=True)
class Published:
    """What was written: the zip, number of files, bytes, and what Zenodo will still ask for.

    ``left`` says which files of earlier runs lie in the folder and are not in the zip; empty if
    none do.
    """

    path: Path
    files: int
    size: int
    lacks: tuple[str, ...]
    left: str = ""


def creator_of(text: str) -> Creator:
    """Return a creator from an option such as ``Curie, Marie; 0000-0002-1825-0097; Paris``.

    Raises
    ------
    HavenError
        If there is no comma in the name, or an ORCID's digits do not fit its check digit.
    """
    parts = [part.strip() for part in text.split(";")]
    name, rest = parts[0], [part for part in parts[1:] if part]
    family, comma, given = (part.strip() for part in name.partition(","))
    if not (family and comma and given) or len(rest) > 2:
        raise HavenError(f"--creator {text}: give 'Family, Given', and behind semicolons an ORCID "
                         "and an affiliation if you like")
    orcid = next((part for part in rest if ORCID.fullmatch(part)), "")
    others = [part for part in rest if part != orcid]
    wrong = next((part for part in rest if not ORCID.fullmatch(part)
                  and re.fullmatch(r"[\d\sXx-]{8,}", part)), "")
    if wrong or (orcid and not _checks(orcid)) or len(others) > 1:
        raise HavenError(f"--creator {text}: {wrong or orcid or '; '.join(others)} is no ORCID: "
                         "check its digits (0000-0002-1825-0097)")
    return Creator(f"{family}, {given}", orcid, others[0] if others else "")


def _checks(orcid: str) -> bool:
    """Return whether an ORCID's last digit fits the others (ISO 7064, mod 11-2)."""
    digits, total = orcid.replace("-", ""), 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return (12 - total % 11) % 11 == (10 if digits[-1] == "X" else int(digits[-1]))


def publish(
    folder: str | Path, out: str | Path, licence: str, creators: list[Creator], title: str = "",
    leave_out: tuple[str, ...] = (),
) -> Published:
    """Write the zip of a results folder.

    Parameters
    ----------
    folder
        Results of a run.
    out
        The zip; must not exist.
    licence
        SPDX identifier, of `LICENCES`.
    creators
        Who made the results.
    title
        Of the record; made from the material if empty.
    leave_out
        Folders of the results that are not wanted, such as ``trajectories``.

    Raises
    ------
    HavenError
        If the folder holds no results, or those of a stub run, or the zip exists already.
    """
    results, target = read_results(folder), Path(out)
    _check(results, target, leave_out)
    chosen = Licence(licence, tuple((one.name, _url(one.orcid)) for one in creators), title)
    with tempfile.TemporaryDirectory() as scratch:
        crate = json.loads(write_crate(folder, chosen, scratch).read_text(encoding="utf-8"))
    crate["@graph"] = _without(crate["@graph"], leave_out)
    root = next(entity for entity in crate["@graph"] if entity["@id"] == "./")
    about = _zenodo(results, root, licence, creators)
    texts = {
        METADATA: json.dumps(crate, indent=1, sort_keys=True, ensure_ascii=False),
        ".zenodo.json": json.dumps(about, indent=1, ensure_ascii=False),
        "CITATION.cff": _citation(results, root, licence, creators),
        "LICENSES/MIT.txt": (ROOT / "LICENSE").read_text(encoding="utf-8"),
        "LICENSES/README.md": _licences(licence),
    }
    files = [(path, path.relative_to(results.folder).as_posix())
             for path in files_of(results)]
    files = [(path, name) for path, name in files if name.partition("/")[0] not in leave_out]
    known = {name for _, name in files}
    files += [(path, name) for path, name in _code() if name not in known]
    _zip(target, texts, files)
    size = target.stat().st_size
    lacks = [*(["a creator (--creator 'Family, Given')"] if not creators else []),
             *([f"a smaller zip than {ZENODO_BYTES / 1e9:g} GB (--leave_out trajectories)"]
               if size > ZENODO_BYTES else [])]
    return Published(target, len(texts) + len(files), size, tuple(lacks),
                     earlier_words(results))


def _check(results: Results, target: Path, leave_out: tuple[str, ...]) -> None:
    if results.run.get("stub") or not any(
            path.stat().st_size for path in (results.folder / "tables").glob("*.parquet")):
        raise HavenError(f"{results.folder} has no table with content (a stub run's?): publish "
                         "the results of a real run")
    if target.exists():
        raise HavenError(f"{target} exists: give another --out, or remove it")
    if target.resolve().is_relative_to(results.folder.resolve()):
        raise HavenError(f"{target} lies in the results themselves: give an --out elsewhere")
    if not target.parent.is_dir():
        raise HavenError(f"there is no folder {target.parent}: make it, or give another --out")
    needed = {"tables", "pipeline"}
    for name in leave_out:
        if name in needed or not (results.folder / name).is_dir():
            raise HavenError(f"--leave_out {name}: name folders of {results.folder} other than "
                             f"{', '.join(sorted(needed))}")


def _without(graph: list[dict[str, Any]], leave_out: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the crate's entities without files of folders that are left out, and without links."""
    gone = {entity["@id"] for entity in graph
            if unquote(entity["@id"]).partition("/")[0] in leave_out
            and entity["@type"] == "File"}

    def kept(value: Any) -> Any:
        if isinstance(value, list):
            return [kept(item) for item in value
                    if not (isinstance(item, dict) and item.get("@id") in gone)]
        return value

    def there(value: Any) -> bool:
        return not (isinstance(value, dict) and value.get("@id") in gone)

    return [{key: kept(value) for key, value in entity.items() if there(value)}
            for entity in graph if entity["@id"] not in gone]


def _url(orcid: str) -> str:
    return f"https://orcid.org/{orcid}" if orcid else ""


def _study() -> dict[str, str]:
    """Return title and DOI of the study that Haven's own CITATION.cff names."""
    import yaml

    held = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    first = held["references"][0]
    return {"title": str(first["title"]), "doi": str(first["doi"])}


def _zenodo(
    results: Results, root: dict[str, Any], licence: str, creators: list[Creator]
) -> dict[str, Any]:
    """Return the metadata of a record as Zenodo's ``.zenodo.json`` has it."""
    return {
        "title": root["name"], "upload_type": "dataset", "access_right": "open",
        "description": f"<p>{root['description']}</p>",
        "license": licence.lower(), "version": str(results.run.get("haven_version")
                                                   or haven.__version__),
        "creators": [{key: value for key, value in (
            ("name", one.name), ("orcid", one.orcid), ("affiliation", one.affiliation)) if value}
            for one in creators],
        "keywords": ["solid electrolyte", "ionic conductivity", "Haven ratio",
                     "molecular dynamics", "machine-learned potential", *_materials(results)],
        "related_identifiers": [{"identifier": _study()["doi"], "relation": "references",
                                 "resource_type": "publication-article"}],
        "notes": "Made by Haven, code digests "
                 f"{', '.join(sorted(set(results.origins['code'].dropna()))) or 'not known'}; "
                 "the licence of the code in pipeline/workflow is MIT.",
    }


def _materials(results: Results) -> list[str]:
    return sorted({str(name) for name in results.numbers["material"].dropna()})


def _citation(
    results: Results, root: dict[str, Any], licence: str, creators: list[Creator]
) -> str:
    """Return a CITATION.cff of the results."""
    import yaml

    authors = [{"family-names": one.name.split(", ")[0], "given-names": one.name.split(", ")[1],
                **({"orcid": _url(one.orcid)} if one.orcid else {}),
                **({"affiliation": one.affiliation} if one.affiliation else {})}
               for one in creators] or [{"name": "Those who ran Haven"}]
    study = _study()
    return yaml.safe_dump({
        "cff-version": "1.2.0", "type": "dataset", "title": root["name"],
        "message": "If these results are of use to you, please cite them, Haven, and the study "
                   "whose method it carries out.",
        "authors": authors, "license": licence,
        "date-released": datetime.now(UTC).date().isoformat(),
        "references": [
            {"type": "software", "title": "Haven", "license": "MIT",
             "authors": [{"name": "The Haven developers"}],
             "version": str(results.run.get("haven_version") or haven.__version__)},
            {"type": "article", "title": study["title"], "doi": study["doi"],
             "authors": [{"name": "see the DOI"}]}],
    }, sort_keys=False, allow_unicode=True)


def _licences(licence: str) -> str:
    """Return what is under which licence, with that of every package installed here."""
    lines = ["# What is under which licence", "",
             f"- Tables, figures, potentials, structures, trajectories: {licence}, "
             f"{LICENCES[licence]}",
             f"- {PLACE}: MIT, see MIT.txt",
             "- Published values in tables comparison and claims: facts, with their sources there",
             "", "Software of the environment that wrote this file; none of it is in the zip.", "",
             "| package | version | licence |", "|--|--|--|"]
    packages = sorted((str(one.metadata["Name"]), one.version, _licence_of(one))
                      for one in importlib.metadata.distributions() if one.metadata["Name"])
    lines += [f"| {name} | {version} | {text} |" for name, version, text in dict.fromkeys(packages)]
    return "\n".join(lines) + "\n"


def _licence_of(package: importlib.metadata.Distribution) -> str:
    held: Any = package.metadata
    text = held.get("License-Expression") or next(
        (line.split(" :: ")[-1] for line in held.get_all("Classifier") or []
         if line.startswith("License ::")), "") or (held.get("License") or "")
    return " ".join(text.split())[:60].replace("|", "/") or "not said"


def _code() -> Iterator[tuple[Path, str]]:
    """Yield Haven's own files that ran, and where in the zip they go."""
    for name in CODE:
        for path in sorted((ROOT / name).rglob("*")):
            if path.is_file() and path.suffix in CODE_FILES and "__pycache__" not in path.parts:
                yield path, f"{PLACE}/{path.relative_to(ROOT).as_posix()}"


def _zip(target: Path, texts: dict[str, str], files: list[tuple[Path, str]]) -> None:
    """Write the zip under another name first, so that a whole one alone has the name."""
    part = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for name, text in texts.items():
                archive.writestr(name, text)
            for path, name in files:
                kind = zipfile.ZIP_STORED if path.suffix in STORED else zipfile.ZIP_DEFLATED
                archive.write(path, name, kind)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
