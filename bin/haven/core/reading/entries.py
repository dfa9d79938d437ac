"""Reading YAML and JSON of users; an entry that is given twice is refused.

YAML's and JSON's libraries keep the last of two entries of one name without a word.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError, brief


def repeated(names: Sequence[Any]) -> str:
    """Return the names that stand more than once, joined by commas; nothing where none does."""
    return ", ".join(sorted({str(name) for name in names if names.count(name) > 1}))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if twice := repeated([name for name, _ in pairs]):
        raise ValueError(f"{twice} is given twice")
    return dict(pairs)


def once_loader() -> Any:
    """Return a class of YAML loader that refuses an entry given twice; it reads JSON, too."""
    import yaml

    class Once(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            if twice := repeated([key.value for key, _ in node.value]):
                raise yaml.YAMLError(f"{twice} is given twice {node.start_mark}")
            return super().construct_mapping(node, deep)

    return Once


def read_entries(path: Path, what: str, loader: Any = None) -> Any:
    """Return what a file of YAML or JSON holds.

    Parameters
    ----------
    path
        The file.
    what
        What it is, for messages that name it: ``potential``, ``material file``.
    loader
        Class that reads it; that of `once_loader` if not given.

    Raises
    ------
    HavenError
        If the file can't be read, is no text in UTF-8 or no YAML, or gives an entry twice.
    """
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() == ".json":
            return json.loads(text, object_pairs_hook=_once)
        return yaml.load(text, loader or once_loader())
    except yaml.YAMLError as error:
        raise HavenError(f"{what} {path} is no YAML: {' '.join(str(error).split())}") from error
    except json.JSONDecodeError as error:
        raise HavenError(f"{what} {path} is no JSON: {error}") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise HavenError(f"{what} {path} is no text in UTF-8 that makes sense: "
                         f"{brief(error, 120)}") from error
    except OSError as error:
        raise HavenError(f"{what} {path} cannot be read: {error.strerror}") from error
