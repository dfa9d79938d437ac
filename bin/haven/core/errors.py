"""One-line errors and logging, which every script in ``bin/`` shares."""

from __future__ import annotations

import errno
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
