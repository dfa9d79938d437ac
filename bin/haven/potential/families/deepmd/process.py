"""DeePMD-kit in this process: its messages, its commands."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path


def divert_messages(path: Path) -> None:
    """Redirect what libraries print from C into a file, for the rest of the process.

    Haven's own lines, warnings and errors of Python still reach the terminal.
    """
    kept = os.fdopen(os.dup(2), "w", buffering=1)
    sys.stderr.flush()
    with path.open("ab") as stream:
        os.dup2(stream.fileno(), 2)
    for name in ("deepmd", "torch", "copyreg"):  # the last: what torch unpickles
        warnings.filterwarnings("ignore", module=name)
    for name in ("deepmd", "tensorflow", "torch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(kept)
    sys.stderr = kept


def dp(*arguments: str) -> None:
    """Run one ``dp`` command in this process, so that TensorFlow is loaded only once."""
    from deepmd.main import main

    main(list(arguments))
