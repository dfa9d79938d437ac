"""Which operators a frozen TensorFlow graph calls, read from its file without TensorFlow.

A graph is a program: it can read and write files as well as multiply matrices. Those that
DeePMD-kit writes only calculate, so one that does more is refused before anything loads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from haven.core.errors import HavenError

NODE, LIBRARY, FUNCTION, FUNCTION_NODE, OPERATOR = 1, 2, 1, 3, 2  # fields of GraphDef and below
META_GRAPH, GRAPH = 2, 2  # of SavedModel, of MetaGraphDef
_REACHING = re.compile(
    r"File|Reader|Save|Restore|Checkpoint|PyFunc|Dataset|Iterator|Summary|Debug|Print|Rpc|Remote|"
    r"Proto|Remap|Snapshot|Event|Send|Recv|Collective|T[Pp][Uu]|Xla|Sql|L[Mm][Dd][Bb]|BigQuery|Load|"
    r"Assets|Library")


def check_graph(path: Path) -> None:
    """Refuse a graph (``.pb``, ``.savedmodel``) with an operator that does more than calculate.

    Refused are operators that access files, the network, Python or devices. A file that is no graph
    passes here, and is refused by the code that loads it.

    Raises
    ------
    HavenError
        Naming file and operator.
    """
    place = path / "saved_model.pb" if path.suffix == ".savedmodel" else path
    if place.suffix != ".pb" or not place.is_file():
        return
    content = memoryview(place.read_bytes())
    graphs = [content] if place == path else [
        graph for meta in _parts(content, META_GRAPH) for graph in _parts(meta, GRAPH)]
    reaching = sorted({name for graph in graphs for name in operators(graph)
                       if _REACHING.search(name)})
    if reaching:
        raise HavenError(f"potential {path} calls {', '.join(reaching[:3])}: it does more than "
                         "calculate energies and forces, and could read or change files of yours: "
                         "it is not used")


def operators(graph: memoryview) -> set[str]:
    """Return the names of the operators of a GraphDef, those of its functions included."""
    nodes = [*_parts(graph, NODE)]
    for library in _parts(graph, LIBRARY):
        for function in _parts(library, FUNCTION):
            nodes += _parts(function, FUNCTION_NODE)
    return {bytes(name).decode(errors="replace")
            for node in nodes for name in _parts(node, OPERATOR)}


def _parts(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Yield the parts of one number of a protobuf message, as far as it is one."""
    place = 0
    while place < len(message):
        tag, place = _number(message, place)
        kind = tag & 7
        if kind == 2:
            size, place = _number(message, place)
            if tag >> 3 == wanted and place + size <= len(message):
                yield message[place : place + size]
        elif kind == 0:
            size, place = 0, _number(message, place)[1]
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            return
        place += size


def _number(message: memoryview, place: int) -> tuple[int, int]:
    """Return a variable-length number and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            return value, place
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
    return value, place
