"""What a potential frozen by PyTorch (``.pth``) says of itself, read without PyTorch.

TorchScript writes a zip archive with ``data.pkl``, the model's attributes as a pickle. The pickle's
operations are only listed here; none is executed.
"""

from __future__ import annotations

import json
import pickletools
import zipfile
from pathlib import Path
from typing import Any

MOST_BYTES = 1 << 26  # of the attributes; tensors lie beside them in the archive


def attributes(path: Path) -> dict[str, str | bool]:
    """Return the first text, or truth value, of each name among a TorchScript archive's attributes.

    A truth value counts as true where it is true anywhere in the model. A file that is damaged or
    no such archive gives no attributes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = next(one for one in archive.infolist()
                          if one.filename.endswith("/data.pkl") and one.file_size < MOST_BYTES)
            content = archive.read(member)
        return _pairs(content)
    except (OSError, ValueError, StopIteration, zipfile.BadZipFile, NotImplementedError):
        return {}


def _pairs(content: bytes) -> dict[str, str | bool]:
    """Return what follows a name in a pickle, if it is a text or a truth value."""
    found: dict[str, str | bool] = {}
    told: dict[int, str] = {}  # texts that the pickle refers to again by number
    name = last = None
    for operation, argument, _place in pickletools.genops(content):
        kind = operation.name
        if kind in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            if last is not None:
                told[len(told) if argument is None else argument] = last
            continue
        last = argument if "UNICODE" in kind else None
        again = kind in ("BINGET", "LONG_BINGET")
        text = told.get(int(argument or 0)) if again else last
        value = {"NEWTRUE": True, "NEWFALSE": False}.get(kind, text)
        if name is not None and value is not None:
            found[name] = value is True or found.get(name, value)
            name = None
        else:
            name = text
    return found


def model_in(path: Path) -> dict[str, Any] | None:
    """Return the model part of the training's input inside a frozen potential; None without one.

    Raises
    ------
    ValueError
        If the input is damaged.
    """
    text = attributes(path).get("model_def_script")
    return json.loads(text) if isinstance(text, str) and text else None


def is_compressed(path: Path) -> bool | None:
    """Tell whether the embedding is tabulated; None where the archive does not say."""
    value = attributes(path).get("compress")
    return value if isinstance(value, bool) else None
