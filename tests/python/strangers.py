"""Another user, made of this one: a process without root's powers, files that are nobody's."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

NOBODY = 65534
BOUNDING_SET = 24  # PR_CAPBSET_DROP
VERSION = 0x20080522  # of the sets of powers, 64 of them


def without_powers() -> None:
    """Give up root's powers over the files of others, here and in what is started from here."""
    if os.geteuid():
        return
    os.setgroups([])
    system = ctypes.CDLL(None, use_errno=True)
    for power in range(64):
        system.prctl(BOUNDING_SET, power, 0, 0, 0)
    head, none = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
    if system.capset(head, none):
        raise OSError(ctypes.get_errno(), "capset")


def given_away(folder: Path, write: bool, read: bool = True) -> bool:
    """Make a folder and all in it another user's; tell whether it is in truth.

    Parameters
    ----------
    folder
        With all it holds.
    write, read
        What all others may do there. Where this user is not root the files stay theirs, and the
        rights are those that another user would have.
    """
    root = not os.geteuid()
    for path in sorted([folder, *folder.rglob("*")], reverse=True):
        if path.is_symlink():
            continue
        others = (4 if read else 0) | (2 if write else 0) | (1 if read and path.is_dir() else 0)
        own = 6 | path.is_dir()
        if root:
            os.chown(path, NOBODY, NOBODY)
            path.chmod(own << 6 | others)
        else:
            path.chmod(others << 6)
    return root
