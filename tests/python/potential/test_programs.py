"""Potentials are programs: those that do more than calculate are refused, and nothing is run."""

from __future__ import annotations

import importlib.util
import pickle
import shutil

import pytest
from trained import ROOT

from haven.core.errors import HavenError
from haven.potential.families import calculator, check_potential, open_evaluator
from haven.potential.families.deepmd.files import check_weights
from haven.potential.families.deepmd.graph import check_graph, operators

SPECIES = ("Li", "Ti", "Cl")
MODELS = ROOT / "assets" / "models"


def field(number: int, content: bytes) -> bytes:
    """Return a part of a protobuf message."""
    size, head = len(content), b""
    while size > 127:
        head, size = head + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + head + bytes([size]) + content


def node(operator: str) -> bytes:
    return field(1, b"innocent") + field(2, operator.encode())


@pytest.mark.parametrize("operator", ["WriteFile", "ReadFile", "SaveV2", "RestoreV2", "PyFunc",
                                      "EagerPyFunc", "PrintV2", "TextLineReaderV2", "DebugIdentity",
                                      "MergeV2Checkpoints", "RemoteCall"])
@pytest.mark.parametrize("hidden", ["node", "function"])
def test_a_graph_that_reaches_out_is_refused(tmp_path, operator, hidden):
    path = tmp_path / "u4_s1.pb"
    part = field(1, node(operator)) if hidden == "node" else field(
        2, field(1, field(3, node(operator))))
    path.write_bytes((MODELS / "small" / "u4_s1.pb").read_bytes() + part)
    for use in (lambda: check_potential(path, SPECIES), lambda: calculator(path, None),
                lambda: open_evaluator(path, SPECIES)):
        with pytest.raises(HavenError, match=f"calls {operator}: it does more than calculate"):
            use()


def test_a_saved_model_is_looked_into(tmp_path):
    folder = tmp_path / "u4_s1.savedmodel"
    folder.mkdir()
    graph = field(1, node("MatMul")) + field(1, node("WriteFile"))
    (folder / "saved_model.pb").write_bytes(field(2, field(2, graph)))
    with pytest.raises(HavenError, match="calls WriteFile"):
        check_potential(folder, SPECIES)


@pytest.mark.parametrize("path", sorted(MODELS.rglob("*.pb")), ids=lambda path: str(
    path.relative_to(MODELS)))
def test_shipped_graphs_only_calculate(path):
    check_graph(path)
    found = operators(memoryview(path.read_bytes()))
    assert {"MatMul", "ProdEnvMatA", "ProdForceSeA"} <= found and len(found) > 20


@pytest.mark.parametrize("content", [
    b"", b"\xff" * 400, b"\x0a\xff\xff\xff\xff\x0f", b"text" * 300])
def test_bytes_that_are_no_graph_call_nothing(tmp_path, content):
    (tmp_path / "a.pb").write_bytes(content)
    check_graph(tmp_path / "a.pb")


class Opens:
    """A pickle of this makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_weights_that_bring_code_along_are_refused_and_run_nothing(tmp_path):
    weights, made = tmp_path / "u4_s1.pt", tmp_path / "made"
    weights.write_bytes(pickle.dumps({"model": Opens(made)}))
    with pytest.raises(HavenError, match="hold more than numbers"):
        check_weights(weights)
    assert not made.exists()
    shutil.copy(MODELS / "dpa4" / "u4_s1.pt", weights)
    check_weights(weights)
    weights.write_bytes(weights.read_bytes()[:50_000])
    with pytest.raises(HavenError, match="are damaged"):
        check_weights(weights)
