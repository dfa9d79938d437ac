"""The pipeline's parameters as text, from its schema and configuration files alone.

``nextflow run main.nf --help`` prints the same (``helpText`` of ``modules/schema.nf``); this needs
neither Nextflow nor a package, so that ``./haven run --help`` answers before anything is set up.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError

WIDTH = 34  # of a parameter's name
BLOCK = re.compile(r"^params\s*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
VALUE = r"'[^']*'|\"[^\"]*\"|\[(?:'[^']*'|[^\]'])*\]|[^\s/]+"
ENTRY = re.compile(rf"^\s*(?:params\.)?(\w+)\s*=\s*({VALUE})", re.MULTILINE)
PROFILE = re.compile(r"^    (\w+)\s*\{(.*?)\}$", re.MULTILINE | re.DOTALL)
UNREAD = ("-c", "-C", "-config", "-params-file")  # name files of a user's, which are not read
INCLUDED = re.compile(r"includeConfig '([^']+)'")


def profiles(root: Path) -> dict[str, list[str]]:
    """Return the profiles of ``nextflow.config`` and the files that each includes."""
    text = (root / "nextflow.config").read_text(encoding="utf-8")
    block = re.search(r"^profiles \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    return {name: INCLUDED.findall(body)
            for name, body in PROFILE.findall(block[1] if block else "")}


def values_of(path: Path, root: Path) -> dict[str, str]:
    """Return the parameters that a configuration file of Haven's own sets, as they stand there.

    Quotes are taken off, ``${projectDir}`` is Haven's folder, and ``null`` is ``-``.
    """
    text = path.read_text(encoding="utf-8")
    block = BLOCK.search(text)
    lines = block[1] if block else "\n".join(re.findall(r"^params\..*$", text, re.MULTILINE))
    found = {}
    for name, value in ENTRY.findall(lines):
        plain = re.sub(r"['\"]", "", value).replace("${projectDir}", str(root))
        found[name] = "-" if plain == "null" else plain
    return found


def values(root: Path, chosen: Sequence[str], more: bool = False) -> dict[str, str]:
    """Return every parameter's default where these profiles are chosen.

    Parameters
    ----------
    root
        Haven's folder.
    chosen
        Names of profiles.
    more
        Whether there may be others than Haven's, which a file of ``-c`` declares.

    Raises
    ------
    HavenError
        If there is no such profile.
    """
    known = profiles(root)
    found = values_of(root / "conf" / "parameters.config", root)
    wrong = [] if more else [name for name in chosen if name not in known]
    if wrong:
        raise HavenError(f"there is no profile '{wrong[0]}': the profiles are {', '.join(known)}")
    for name in known:  # Nextflow takes them in this order, whatever that of the command line is
        for file in known[name] if name in chosen else []:
            found |= values_of(root / file, root)
    return found


def line_of(name: str, rule: Mapping[str, Any], value: str) -> str:
    """Return the line of one parameter: name, meaning, unit, range or choices, default."""
    spans = {**rule.get("items", {}), **rule}
    limits = [rule.get("unit", ""),
              f"one of {', '.join(spans['enum'])}" if spans.get("enum") else "",
              *(f"{word} {spans[key]}" for key, word in (
                  ("exclusiveMinimum", "above"), ("minimum", "at least"), ("maximum", "at most"))
                if key in spans)]
    told = "; ".join(filter(None, limits))
    return (f"  --{name.ljust(WIDTH)} {rule['description']}{f' ({told})' if told else ''} "
            f"[{value}]")


def help_text(root: Path, words: Sequence[str]) -> str:
    """Return what ``./haven run --help`` prints.

    Parameters
    ----------
    root
        Haven's folder.
    words
        Options of Nextflow and of its run; of them ``-profile`` decides the defaults.

    Raises
    ------
    HavenError
        If there is no such profile.
    """
    chosen = [name for option, word in itertools.pairwise(words) if option == "-profile"
              for name in word.split(",") if name]
    schema = json.loads((root / "nextflow_schema.json").read_text(encoding="utf-8"))
    unread = sorted({word for word in words if word in UNREAD})
    now = values(root, chosen, bool(unread))
    lines = ["Parameters of the pipeline, which have two dashes; in brackets what holds where one "
             f"is not given{' with -profile ' + ','.join(chosen) if chosen else ''}. Options of "
             "Nextflow have one dash: -profile, -resume, -c FILE, -params-file FILE, -work-dir "
             "FOLDER, -stub (nextflow run -help lists all).",
             *(["What a file of " + " or ".join(unread) + " sets is not shown."] if unread else [])]
    for group in schema["$defs"].values():
        lines += ["", group["title"],
                  *(line_of(name, rule, now.get(name, "-"))
                    for name, rule in group["properties"].items())]
    return "\n".join(lines)
