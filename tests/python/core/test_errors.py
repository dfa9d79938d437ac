"""Whatever a script raises ends as one line on stderr with a status that tells what it was."""

from __future__ import annotations

import pytest

from haven.core import errors


def ended(raised, capsys):
    def main(argv):
        raise raised

    with pytest.raises(SystemExit) as stop:
        errors.run(main)
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("haven: error: ")
    return stop.value.code, lines[0]


@pytest.mark.parametrize("raised, status, words", [
    (errors.HavenError("a.dump is\nempty"), 2, "a.dump is empty"),
    (PermissionError(13, "Permission denied", "out/x.parquet"), 2,
     "out/x.parquet: Permission denied: choose another"),
    (FileExistsError(17, "File exists", "out"), 2, "a file stands where a folder is needed"),
    (IsADirectoryError(21, "Is a directory", "run.dump"), 2, "a folder stands where a file"),
    (OSError(30, "Read-only file system", "out"), 2, "choose a folder that can be written"),
    (OSError(28, "No space left on device"), 2, "the disk is full (working in"),
    (OSError("a library's words without number"), 2, "a library's words"),
    (ModuleNotFoundError("No module named 'numpy'", name="numpy"), 2, "call it by ./haven"),
    (MemoryError("80 GB"), 137, "not enough memory (80 GB)"),
    (RecursionError(), 2, "nested too deeply"),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), 2, "no UTF-8 text"),
    (ModuleNotFoundError("No module named 'haven.none'", name="haven.none"), 1, "unforeseen"),
    (KeyError("x"), 1, "unforeseen KeyError at test_errors.py:"),
])
def test_every_error_is_one_line_with_its_status(raised, status, words, capsys):
    code, line = ended(raised, capsys)
    assert code == status and words in line


@pytest.mark.parametrize("stands", ["file", "below a file"])
def test_an_output_folder_that_is_a_file_is_named(tmp_path, stands, capsys, monkeypatch):
    import sys

    import analyse_transport

    (tmp_path / "run_600K.dump").write_text("ITEM: TIMESTEP\n0\n")
    (tmp_path / "out").write_text("")
    out = tmp_path / "out" if stands == "file" else tmp_path / "out" / "deep"
    monkeypatch.setattr(sys, "argv", ["analyse_transport.py", str(tmp_path / "run_600K.dump"),
                                      "--species", "Li", "--out", str(out)])
    with pytest.raises(SystemExit) as stop:
        errors.run(analyse_transport.main)
    assert stop.value.code == 2
    assert "a file stands where a folder is needed" in capsys.readouterr().err
