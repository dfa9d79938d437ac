"""The generated description of the tables is the one in assets."""

from pathlib import Path

from haven.report.document import document


def test_the_document_is_current():
    written = Path(__file__).parents[3] / "assets" / "tables.md"
    again = "run: PYTHONPATH=bin python -m haven.report.document"
    assert written.read_text() == document(), again
