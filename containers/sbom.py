#!/usr/bin/env python3
"""Write the bill of materials (CycloneDX) and the list of licences of what Haven runs on.

Names, versions and checksums come from the locks beside this file: ``requirements-*.txt`` and
``nextflow/SHA256SUMS``. Licences come from the metadata of the packages that are installed where
this runs, and from the poms of Nextflow's jars in Maven's folder; what is not there keeps the
licence that the files had before. Run after a lock has changed, in the environment of
``./haven test``:

    python containers/sbom.py

``--check`` writes nothing and ends with 1 where names, versions or checksums are not the locks'.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import re
import sys
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BILL, LICENCES = HERE / "sbom.cdx.json", HERE / "licences.csv"
LISTS = ("run", "gpu", "label", "pytorch", "test")
PACKAGE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)")
CHECKSUM = re.compile(r"--hash=sha256:([0-9a-f]{64})")
JAR = re.compile(r"^([0-9a-f]{64})  (.+?)-(\d[\w.+-]*)\.jar$")
POM = "{http://maven.apache.org/POM/4.0.0}"
# In containers/*.def beside the Python packages; Debian's mirror moves, so they have no checksum.
SYSTEM = {"cpu, gpu": ("ca-certificates", "procps", "python3", "python3-venv"),
          "gpaw": ("libxc9", "libopenblas0-pthread", "libfftw3-double3")}
# Words of trove classifiers and of free texts, as SPDX writes them.
SPDX = {
    "MIT License": "MIT", "The MIT License": "MIT", "MIT license": "MIT", "Expat": "MIT",
    "Apache Software License": "Apache-2.0", "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0", "Apache License, Version 2.0": "Apache-2.0",
    "The Apache License, Version 2.0": "Apache-2.0", "Apache-2": "Apache-2.0",
    "The Apache Software License, Version 2.0": "Apache-2.0", "Apache License v2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause", "BSD": "BSD-3-Clause", "BSD 3-Clause License": "BSD-3-Clause",
    "BSD 3-Clause": "BSD-3-Clause", "New BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0", "PSF": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC", "The Unlicense (Unlicense)": "Unlicense",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only", "GPLv3+": "GPL-3.0-or-later",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v2.1 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "LGPLv2.1+": "LGPL-2.1-or-later", "Eclipse Public License 1.0": "EPL-1.0",
}


def packages() -> dict[tuple[str, str], dict[str, Any]]:
    """Return Python packages by name and version, with their lists and checksums."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in LISTS:
        entry: dict[str, Any] = {}
        for line in (HERE / f"requirements-{one}.txt").read_text().splitlines():
            if match := PACKAGE.match(line):
                name = re.sub(r"[-_.]+", "-", match.group(1)).lower()
                entry = found.setdefault((name, match.group(2)), {"lists": [], "sha256": set()})
                entry["lists"].append(one)
            elif match := CHECKSUM.search(line):
                entry["sha256"].add(match.group(1))
    return found


def jars() -> dict[tuple[str, str], dict[str, Any]]:
    """Return Nextflow's jars by artefact and version."""
    found = {}
    for line in (HERE / "nextflow" / "SHA256SUMS").read_text().splitlines():
        match = JAR.match(line)
        if match is None:
            raise SystemExit(f"haven: error: nextflow/SHA256SUMS: {line} names no jar")
        found[match.group(2), match.group(3)] = {"lists": ["nextflow"], "sha256": {match.group(1)}}
    return found


def licence_of(name: str, version: str) -> str:
    """Return the licence that an installed package states, as SPDX where it can be told."""
    try:
        told = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    if told["Version"] != version:
        return ""
    if told["License-Expression"]:
        return str(told["License-Expression"])
    stated = [text.rpartition(" :: ")[2] for text in told.get_all("Classifier") or []
              if text.startswith("License ::") and not text.endswith("OSI Approved")]
    words = list(dict.fromkeys(SPDX.get(word, word) for word in stated))
    free = " ".join(str(told["License"] or "").split())
    if words and not (words == ["BSD-3-Clause"] and free):
        return " AND ".join(words)
    return SPDX.get(free, free[:60]) or " AND ".join(words)


def pom_of(name: str, version: str, maven: Path) -> tuple[str, str]:
    """Return group and licence of a jar from Maven's folder; its parent's where it has none."""
    for path in maven.glob(f"**/{name}/{version}/{name}-{version}.pom"):
        group = ".".join(path.relative_to(maven).parts[:-3])
        return group, _licence_in(path, maven)
    return "", ""


def _licence_in(path: Path, maven: Path, depth: int = 0) -> str:
    root = ET.parse(path).getroot()
    space = POM if root.tag.startswith(POM) else ""
    names = [one.text.strip() for one in root.findall(f"{space}licenses/{space}license/{space}name")
             if one.text]
    if names:
        return " OR ".join(dict.fromkeys(SPDX.get(" ".join(name.split()), " ".join(name.split()))
                                         for name in names))
    parent = root.find(f"{space}parent")
    if parent is None or depth > 5:
        return ""
    group, name, version = (str(parent.findtext(f"{space}{key}")).strip()
                            for key in ("groupId", "artifactId", "version"))
    above = maven.joinpath(*group.split("."), name, version, f"{name}-{version}.pom")
    return _licence_in(above, maven, depth + 1) if above.exists() else ""


def components(before: dict[str, Any], maven: Path | None) -> list[dict[str, Any]]:
    """Return the components of the locks, in the order of their names."""
    held = {(one["name"], one.get("version", "")): one for one in before.get("components", ())}
    found = []
    for ecosystem, listed in (("pypi", packages()), ("maven", jars())):
        for (name, version), entry in sorted(listed.items()):
            earlier = held.get((name, version), {})
            group = str(earlier.get("group", ""))
            licence = licence_of(name, version) if maven and ecosystem == "pypi" else ""
            if ecosystem == "maven" and maven:
                group, licence = (new or old for new, old in zip(
                    pom_of(name, version, maven), (group, ""), strict=True))
            licence = licence or _licence_of_component(earlier)
            place = f"pkg:{ecosystem}/{f'{group}/' if group else ''}{name}@{version}"
            found.append({
                "type": "library", "bom-ref": place, **({"group": group} if group else {}),
                "name": name, "version": version, "purl": place,
                **({"licenses": [{"license": {"name": licence}}]} if licence else {}),
                "hashes": [{"alg": "SHA-256", "content": one} for one in sorted(entry["sha256"])],
                "properties": [{"name": "haven:lists", "value": " ".join(entry["lists"])}],
            })
    for image, names in SYSTEM.items():
        found += [{"type": "library", "bom-ref": f"pkg:deb/debian/{name}?distro=bookworm",
                   "name": name, "purl": f"pkg:deb/debian/{name}?distro=bookworm",
                   "properties": [{"name": "haven:images", "value": image}]} for name in names]
    return found


def _licence_of_component(component: dict[str, Any]) -> str:
    for one in component.get("licenses", ()):
        return str(one["license"]["name"])
    return ""


def bill(found: list[dict[str, Any]]) -> str:
    """Return the bill of materials as text: the same for the same locks, a component a line."""
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    head = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "metadata": {
            "component": {"type": "application", "name": "haven", "licenses": [
                {"license": {"id": "MIT"}}]},
            "properties": [{"name": "haven:hashes", "value":
                            "of every file of the package that the lock allows, one of which is "
                            "installed"}]}}
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in found)
    return f'{json.dumps(head, indent=1)[:-2]},\n "components": [\n{lines}\n ]\n}}\n'


def licences(found: list[dict[str, Any]]) -> str:
    """Return the list of licences as CSV: copyleft ones first, then the others, then none."""
    rows = []
    for one in found:
        if "version" not in one:  # of Debian, whose packages each bring their licence
            continue
        lists = one["properties"][0]["value"]
        licence = _licence_of_component(one)
        kind = ("GPL" if re.search(r"\b(A?GPL|GNU General)", licence) else
                "LGPL, MPL, EPL" if re.search(r"LGPL|Lesser|MPL|Mozilla|EPL|Eclipse", licence) else
                "proprietary" if re.search(r"(?i)nvidia|proprietary|other/", licence) else
                "permissive" if licence else "not stated")
        rows.append((("GPL", "LGPL, MPL, EPL", "proprietary", "not stated",
                      "permissive").index(kind), kind, one["name"], one.get("version", ""),
                     licence.replace('"', "'"), lists))
    text = "".join(f'"{kind}",{name},{version},"{licence}",{lists}\n'
                   for _, kind, name, version, licence, lists in sorted(rows))
    return "kind,name,version,licence,lists\n" + text


def main() -> None:
    """Write both files, or check them."""
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true", help="compare, write nothing")
    options.add_argument("--maven", default=str(Path.home() / ".m2" / "repository"),
                         help="folder that Maven keeps poms in (default %(default)s)")
    given = options.parse_args()
    before = json.loads(BILL.read_text()) if BILL.exists() else {}
    found = components(before, None if given.check else Path(given.maven))
    for path, text in ((BILL, bill(found)), (LICENCES, licences(found))):
        if not given.check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"haven: error: {path.name} is not of these locks: python containers/sbom.py",
                  file=sys.stderr)
            raise SystemExit(1)


if __name__ == "__main__":
    main()
