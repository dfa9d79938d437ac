"""DeePMD-kit in this process: its threads, its messages, its commands."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path


def set_threads(threads: int) -> None:
    """Limit the threads of the libraries; only before TensorFlow is imported."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["DP_INTRA_OP_PARALLELISM_THREADS"] = str(threads)
    os.environ["DP_INTER_OP_PARALLELISM_THREADS"] = "1"
    # PyTorch's loader in this process: data sets are small, and its helpers fail on loaded machines
    os.environ["NUM_WORKERS"] = "0"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TORCH_LOGS", "-all")  # errors only


def divert_messages(path: Path) -> None:
    """Send what libraries write to the terminal from C into a file, for the rest of the process.

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
