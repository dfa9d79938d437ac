"""Handing over to Nextflow: further options that it needs, and how its exit status is read."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from haven.core.errors import HavenError

CONFIG_OPTIONS = ("-c", "-config")
EXECUTORS = {"awsbatch": "nf-amazon", "google-batch": "nf-google", "azurebatch": "nf-azure",
             "k8s": "nf-k8s"}
STORES = {"s3://": "nf-amazon", "gs://": "nf-google", "az://": "nf-azure"}
EARLY = ("outdir", "publish_dir_mode")  # parameters that nextflow.config itself uses
NO_PLUGIN = re.compile(r"Plugin with id|Unable to (start|download|resolve) plugin"
                       r"|PluginRuntimeException|Unknown executor name")


def _valued(words: Sequence[str], *names: str) -> Iterator[str]:
    """Yield the word behind each of these options."""
    for option, word in itertools.pairwise(words):
        if option in names:
            yield word


def _text(path: str) -> str:
    """Return what a file holds, nothing where it cannot be read: Nextflow then says so itself."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def plugins(words: Sequence[str]) -> list[str]:
    """Return the plugins of Nextflow that options need, sorted.

    Parameters
    ----------
    words
        Options of Nextflow and of its run: executors of clouds in files of ``-c``, object stores
        such as ``s3://``, and a profile with ``wave`` need one.
    """
    found = {STORES[store] for word in words for store in STORES if store in word}
    if any("wave" in profile for profile in _valued(words, "-profile")):
        found.add("nf-wave")
    for path in _valued(words, *CONFIG_OPTIONS, "-C"):
        found |= {EXECUTORS[name] for name in
                  re.findall(f"({'|'.join(EXECUTORS)})['\"]", _text(path))}
    return sorted(found)


def late_options(words: Sequence[str], root: Path) -> list[str]:
    """Return, as options, the folders for results that configuration files of ``-c`` set.

    Nextflow decides where a run's records (report, trace, timeline) are written when it reads
    ``nextflow.config``, before it reads these files. Options of the command line are known by then.

    Parameters
    ----------
    words
        Options of Nextflow and of its run. A folder that they or ``-params-file`` set is not
        returned.
    root
        Haven's folder.
    """
    files = list(_valued(words, *CONFIG_OPTIONS))
    if not any(name in _text(path) for path in files for name in (*EARLY, "includeConfig")):
        return []
    said = {name for name in EARLY for word in words if word.startswith(f"--{name}")}
    said |= {name for name in EARLY for path in _valued(words, "-params-file")
             if name in _text(path)}
    profile = list(_valued(words, "-profile"))[-1:]
    command = ["nextflow", "-log", os.devnull, "-c", ",".join(files), "config", "-flat",
               *(["-profile", *profile] if profile else []), str(root)]
    flat = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.findall(rf"^params\.({'|'.join(EARLY)}) = '(.*)'$", flat, re.MULTILINE)
    return [word for name, value in found if name not in said for word in (f"--{name}", value)]


def start_nextflow(top: Sequence[str], words: Sequence[str], root: Path) -> int:
    """Run the pipeline, and return Nextflow's status; a plain local run takes this process's place.

    Parameters
    ----------
    top
        Nextflow's own options, which stand before ``run``.
    words
        Options behind it.
    root
        Haven's folder.

    Raises
    ------
    HavenError
        If the folder can't be written, or a plugin that the options need can't be fetched.
    """
    if not os.access(".", os.W_OK):
        raise HavenError(f"{Path.cwd()} can't be written, where Nextflow keeps its records: go to "
                         f"a folder of yours and call {root}/haven from there")
    given = [*top, *words]
    command = [*top, "run", str(root / "main.nf"), *words, *late_options(given, root)]
    needed = plugins(given)
    if not needed:
        os.execvp("nextflow", ["nextflow", *command])
    # what reaches a cloud is a plugin, which Nextflow fetches: only then may it ask the Internet. A
    # Nextflow of Maven's jars takes itself for one in development, which installs none and starts
    # none for an executor, unless told
    usual = {"NXF_PLUGINS_MODE": "prod", "NXF_PLUGINS_DEFAULT": "true"}
    status = _run(command, {"NXF_OFFLINE": "false"} | {
        name: os.environ.get(name) or value for name, value in usual.items()})
    if status and NO_PLUGIN.search(_text(log_file(top))):
        raise HavenError(f"Nextflow could not fetch its plugin {' '.join(needed)}: where there is "
                         f"Internet, 'nextflow plugin install {needed[0]}', then copy that "
                         "~/.nextflow/plugins here")
    return status


def log_file(top: Sequence[str]) -> str:
    """Return where Nextflow writes its log, by its own options and its environment."""
    return [os.environ.get("NXF_LOG_FILE") or ".nextflow.log", *_valued(top, "-log")][-1]


def _run(command: Sequence[str], more: Mapping[str, str]) -> int:
    """Run Nextflow to its end, also where a user or a scheduler ends it; return its status."""
    child = subprocess.Popen(["nextflow", *command], env=os.environ | more)
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal tells both; it ends by itself
    signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    status = child.wait()
    return status if status >= 0 else 128 - status
