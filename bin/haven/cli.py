"""What every script in ``bin/`` shares: one-line errors, logging, run identifiers."""

from __future__ import annotations

import argparse
import errno
import hashlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger("haven")


class HavenError(Exception):
    """An input is wrong; the message says what, where and what to do, in one line."""


def run(main: Callable[[list[str] | None], None]) -> None:
    """Call a script's ``main``; a `HavenError` ends it with one line on stderr and status 2.

    So does a full disk.

    Parameters
    ----------
    main
        The script's entry, taking the argument list (``None`` for ``sys.argv``).
    """
    logging.basicConfig(level=os.environ.get("HAVEN_LOG", "INFO"), format="%(message)s")
    try:
        main(None)
    except HavenError as error:
        print(f"haven: error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = f" at {error.filename}" if error.filename else f" (working in {Path.cwd()})"
        print(f"haven: error: the disk is full{place}: make room and run again", file=sys.stderr)
        raise SystemExit(2) from None


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser that shows defaults in its help."""
    first = (description or "").strip()
    return argparse.ArgumentParser(
        description=first, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )


def existing(path: str | Path, what: str = "file") -> Path:
    """Return ``path`` as a `Path`, or raise `HavenError` if it does not exist.

    Parameters
    ----------
    path
        A file or a folder.
    what
        What the path is to the user, named in the message.
    """
    found = Path(path)
    if not found.exists():
        raise HavenError(f"{what} {found} does not exist: check the path")
    return found


def numbers(text: str, count: int | None, name: str) -> list[float]:
    """Return the numbers of an option such as ``300,900``, ``count`` of them where given."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise HavenError(f"--{name} is {text}: give numbers with commas between") from error
    if count is not None and len(found) != count:
        raise HavenError(f"--{name} is {text}: give {count} numbers with commas between")
    return found


def repeats(text: str, name: str) -> tuple[int, int, int]:
    """Return the conventional cells along a, b, c of an option such as ``2,2,4``."""
    found = numbers(text, 3, name)
    if min(found) < 1 or any(number % 1 for number in found):
        raise HavenError(f"--{name} is {text}: needs three whole numbers above 0")
    along_a, along_b, along_c = map(int, found)
    return along_a, along_b, along_c


def seed(text: str) -> int:
    """Return the seed of an option, from which random numbers can be drawn."""
    if not text.isdecimal():
        raise HavenError(f"--seed is {text}: needs a whole number, 0 or above")
    return int(text)


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def package_digest() -> str:
    """Return 12 characters that change when any module of ``bin/haven`` changes."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.name.encode() + b"\0" + module.read_bytes())
    return digest.hexdigest()[:12]


def run_id(u_ev: float, temperature_k: float, replica: int = 0, seed: int | None = None) -> str:
    """Return the name of one dynamics run, such as ``u4_t298_r0``, with its seed if given."""
    name = f"u{u_ev:g}_t{temperature_k:g}_r{replica}"
    return name if seed is None else f"{name}_s{seed}"


def add_name(options: argparse.ArgumentParser) -> None:
    """Add the option that names a run: several potentials may drive the same U."""
    options.add_argument("--name", help="the run's name; default from U, temperature, replica")
