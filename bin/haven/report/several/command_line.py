"""What the command line of a run of many materials says beside the sheet."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import haven
from haven.core.errors import HavenError
from haven.core.reading.entries import read_entries, repeated

ROOT = Path(haven.__file__).parents[2]
OF_PROJECT = ("-r", "-revision", "-hub", "-user", "-d", "-deep")  # which version, with a value
WITH_VALUE = ("-c", "-config", "-profile")  # whose value is no parameter


@dataclass(frozen=True)
class Launch:
    """What was given on the command line beside the sheet.

    Attributes
    ----------
    options
        Options of ``nextflow run`` for every row, without those below.
    outdir
        Folder for the rows' results folders.
    work
        Folder for the rows' work folders.
    resume
        Whether each row goes on where its last run stopped.
    file
        The user's own file of parameters, or None.
    """

    options: tuple[str, ...]
    outdir: Path
    work: str
    resume: bool
    file: Path | None

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters among the options."""
        found: dict[str, str] = {}
        for place, word in enumerate(self.options):
            if word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                after = self.options[place + 1 : place + 2]
                value = value if equals else (
                    after[0] if after and not after[0].startswith("--") else "true")
                found[name.replace("-", "_")] = value
        return found


def launch_of(words: Sequence[str]) -> Launch:
    """Return what a command line says beside ``--input``.

    Raises
    ------
    HavenError
        If an option makes no sense for several runs, or is given twice.
    """
    named = [word.partition("=")[0] for word in words if word.startswith("--")]
    if twice := repeated(named):
        raise HavenError(f"{twice} is given twice: give it once")
    options: list[str] = []
    outdir, work, resume, file = "", "work", False, None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in ("--outdir", "-params-file"):
            if not equals and not rest:
                raise HavenError(f"{name} needs a value")
            value = value if equals else rest.pop(0)
            outdir, file = (value, file) if name == "--outdir" else (outdir, Path(value))
        elif word == "-resume":
            resume = True
            if rest and re.fullmatch(r"[0-9a-f-]{8,}|[a-z]+_[a-z]+", rest[0]):
                raise HavenError(f"-resume {rest[0]}: with --input each row has a run of its own; "
                                 "give -resume alone")
        elif word == "-name":
            raise HavenError("-name names one run: leave it out with --input, whose rows are runs")
        elif word in ("-w", "-work-dir") and rest:
            work = rest.pop(0).rstrip("/")
        elif word in WITH_VALUE and rest:
            options += [word, rest.pop(0)]
        else:
            options.append(word)
    if file is not None and not file.is_file():
        raise HavenError(f"-params-file {file} does not exist: check the path")
    place = Path(outdir or read_parameters(file).get("outdir") or "results")
    return Launch(tuple(options), place, work, resume, file)


def words_of(command_line: str, project: str) -> tuple[list[str], list[str]]:
    """Return the words of a call of Nextflow that hold for the rows' runs, too.

    Parameters
    ----------
    command_line
        ``nextflow ... run main.nf ...``, quoted as for a shell.
    project
        Nextflow's name of the pipeline, as in ``nextflow run owner/haven``.

    Returns
    -------
    top
        Nextflow's own options, without its log and whether it runs in the background.
    words
        Options of ``nextflow run``, without those that choose the pipeline's version: the rows
        run the files that this one runs.

    Raises
    ------
    HavenError
        If the pipeline is not named in the command line.
    """
    words = shlex.split(command_line)
    start = words.index("run") if "run" in words else len(words)
    named = next((place for place in range(start + 1, len(words))
                  if _is_pipeline(words[place], project)), None)
    if named is None:
        raise HavenError(f"it can't be seen how this run was started ({command_line}): give the "
                         "same options to ./haven run")
    top = _without(words[1:start], ("-log",), ("-bg",))
    return top, _without([*words[start + 1:named], *words[named + 1:]], OF_PROJECT, ("-latest",))


def _is_pipeline(word: str, project: str) -> bool:
    """Return whether a word is this pipeline: its folder, its file, or its name."""
    name = project.rpartition("/")[2]
    return (Path(word).resolve() in (ROOT, ROOT / "main.nf")
            or word.removesuffix(".git").rpartition("/")[2] == name)


def _without(words: Sequence[str], valued: Sequence[str], alone: Sequence[str]) -> list[str]:
    """Return words without some options, and without the values that the first of them have."""
    kept, rest = list[str](), list(words)
    while rest:
        word = rest.pop(0)
        if word in valued:
            del rest[:1]
        elif word not in alone:
            kept.append(word)
    return kept


def read_parameters(path: Path | None) -> dict[str, Any]:
    """Return the user's own file of parameters."""
    if path is None:
        return {}
    held = read_entries(path, "-params-file")  # JSON is YAML
    if not isinstance(held, dict):
        raise HavenError(f"-params-file {path} holds no parameters: give name: value")
    return held
