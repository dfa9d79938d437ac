"""One-line errors and logging, which every script in ``bin/`` shares."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

log = logging.getLogger("haven")

BAD_INPUT = 2
"""Exit status of every error that is the input's or the machine's."""
UNFORESEEN = 1
"""Exit status of an error that Haven does not foresee."""
OUT_OF_MEMORY = 137
"""Exit status of a task that was killed for its memory; conf/base.config then gives it more."""


LONGEST_REASON = 160
"""Letters of a library's message that are passed on: some repeat the whole of a damaged file."""


class HavenError(Exception):
    """An input is wrong; the message says what, where and what to do, in one line."""


class CutOffError(HavenError):
    """A file ends within its last frame; those before it may be whole."""


def brief(error: Exception, most: int = LONGEST_REASON) -> str:
    """Return at most so many letters of what a library's error says, in one line; else its kind."""
    return " ".join(str(error).split())[:most] or type(error).__name__


def run(main: Callable[[list[str] | None], None]) -> None:
    """Call a script's ``main``; whatever it raises ends as one line on stderr and a status.

    `HavenError`, files that can't be read or written and packages that are missing end with status
    2, a lack of memory with 137, any other error with 1. The message of such an error names the
    line of code; with ``HAVEN_LOG=DEBUG`` its traceback is printed, too.

    Parameters
    ----------
    main
        The script's entry, taking the argument list (``None`` for ``sys.argv``).
    """
    logging.basicConfig(level=os.environ.get("HAVEN_LOG", "INFO"), format="%(message)s")
    try:
        main(None)
    except BrokenPipeError:
        raise SystemExit(UNFORESEEN) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        if os.environ.get("HAVEN_LOG") == "DEBUG":
            traceback.print_exc()
        status, words = exit_of(error)
        print(f"haven: error: {words}", file=sys.stderr)
        raise SystemExit(status) from None


def _told_before_run(kind: type[BaseException], error: BaseException,
                     trace: TracebackType | None) -> None:
    """Say in one line which package a script's own imports lack; leave other errors to Python."""
    script = Path(getattr(sys.modules.get("__main__"), "__file__", None) or "")
    ours = script.resolve().parent == Path(__file__).resolve().parents[2]
    if ours and isinstance(error, ModuleNotFoundError) and os.environ.get("HAVEN_LOG") != "DEBUG":
        status, words = exit_of(error)
        print(f"haven: error: {words}", file=sys.stderr)
        raise SystemExit(status)
    sys.__excepthook__(kind, error, trace)


if sys.excepthook is sys.__excepthook__:  # the imports of a script run before `run` is called
    sys.excepthook = _told_before_run


def exit_of(error: Exception) -> tuple[int, str]:
    """Return the exit status of an error, and the one line that a script says of it.

    Control characters, which a damaged file may hold, are replaced by their code numbers, since a
    terminal would act on them.
    """
    status, words = _said(error)
    line = " ".join(words.split())
    return status, "".join(letter if letter.isprintable() else repr(letter)[1:-1]
                           for letter in line)


def _said(error: Exception) -> tuple[int, str]:
    """Return exit status and message of an error."""
    if isinstance(error, HavenError):
        return BAD_INPUT, str(error)
    if isinstance(error, OSError):
        return BAD_INPUT, _file_words(error)
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("haven"):
        return BAD_INPUT, (
            f"Python has no package {error.name}: call it by ./haven, which sets Python up "
            "(./haven help lists the commands), or install containers/requirements-run.txt")
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY, (f"not enough memory ({error or 'no more could be had'}): give the "
                               "task more, or analyse less at once")
    if isinstance(error, RecursionError):
        return BAD_INPUT, "an input is nested too deeply: write it flat"
    if isinstance(error, UnicodeDecodeError):
        return BAD_INPUT, f"an input is no UTF-8 text (byte {error.start}): write it as UTF-8"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return UNFORESEEN, (f"unforeseen {type(error).__name__} at {Path(last.filename).name}:"
                        f"{last.lineno}: {error}; HAVEN_LOG=DEBUG shows where it comes from")


_DISK = (errno.ENOSPC, errno.EDQUOT)


def _file_words(error: OSError) -> str:
    """Return what went wrong with which file, and what to do."""
    if error.errno in _DISK:
        place = f" at {error.filename}" if error.filename else f" (working in {Path.cwd()})"
        return f"the disk is full{place}: make room and run again"
    advice = {
        errno.EACCES: "choose another, or change its permissions",
        errno.EPERM: "choose another, or change its permissions",
        errno.EROFS: "choose a folder that can be written",
        errno.EEXIST: "a file stands where a folder is needed: choose another",
        errno.ENOTDIR: "a file stands where a folder is needed: choose another",
        errno.EISDIR: "a folder stands where a file is needed: choose another",
        errno.ENOENT: "check the path",
        errno.ENAMETOOLONG: "give a shorter name",
        errno.ELOOP: "its links lead in a circle: mend them",
    }.get(error.errno or 0, "check it and the disk it is on")
    if not error.filename:
        return f"{error or type(error).__name__}: {advice}"
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
    return f"{name}: {error.strerror or type(error).__name__}: {advice}"


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
    if not (found.is_file() or found.is_dir()):  # a pipe would be waited for without end
        raise HavenError(f"{what} {found} is no plain file: give one, or a folder")
    return found
