"""Text for a paper: methods from the tables, BibTeX that parses, tables as LaTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report_tables import write_study

from haven.report.page import methods
from haven.report.page.contents import load_tables
from haven.report.page.grids.base import cell, grid
from haven.report.page.provenance import citations

CITED = Path(__file__).resolve().parents[3] / "assets" / "reference"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return load_tables(write_study(tmp_path_factory.mktemp("tables"), replicas=2))


def test_methods_say_what_the_tables_hold(study):
    text = " ".join(methods.methods(study, {"parameters": {"damping_fs": "100"}}, "Li₃TiCl₆"))
    assert "with gpaw 26.7: 12 frames at U = 0 eV and 12 frames at U = 4 eV, of 20 atoms" in text
    assert "24 runs at U = 0 and 4 eV and 298, 313, 328, 333, 358 and 373 K, 160 atoms, " in text
    assert "200 ps each in steps of 1 fs, Nosé-Hoover thermostat of 100 fs" in text
    assert "elastic bands of 7 images" in text and "Ti on 2a 0.750" in text
    assert "host lattice" in text and "Haven 0" in text and "numpy" in text


def test_methods_are_silent_on_what_was_not_done(study):
    none = {name: table.iloc[:0] for name, table in study.items()}
    only = methods.methods(none, {}, "m")
    assert len(only) == 1 and "Haven" in only[0]


def test_every_citation_becomes_a_bibtex_entry_with_its_parts():
    rows = citations(CITED)
    text = methods.bibtex(rows)
    entries = re.findall(r"^@\w+\{([^,]+),\n(.*?)\n\}$", text, re.M | re.S)
    assert len(entries) == len(rows) + 1 and len({key for key, _ in entries}) == len(entries)
    wang = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", dict(entries)["Wang2023"], re.M))
    assert wang["author"] == "K. Wang and Z. Gu and Z. Xi and L. Hu and C. Ma"
    assert wang["year"] == "2023" and wang["doi"] == "10.1038/s41467-023-37122-7"
    assert "author = {J. Zeng and others}" in dict(entries)["DeePMDkit"]
    assert text.count("{") == text.count("}")


def test_a_reference_without_people_is_kept_whole():
    assert methods.split_reference("OBELiX, entry de5") == ("", "OBELiX, entry de5", "")
    text = methods.bibtex([{"name": "a{b}", "reference": "100 % {of} $x$", "doi": "unknown",
                            "role": "r"}])
    assert "@misc{ab,\n  howpublished = {100 \\% (of) \\$x\\$},\n  note = {r}\n}" in text


def test_tables_become_latex_that_quotes_every_character(study, tmp_path):
    block = grid(["", "σ (mS/cm) & co_2", "D"], [
        [cell("Li₃TiCl₆ 100 % #1", "a_b"), "(3.2 [1, 5]) × 10⁻⁸", "< 5 ~ \\input{x} {y}^"],
    ], "Costs $5; “said” – 50 %")
    text = methods.latex_table(block, "t")
    assert r"Li$_{3}$TiCl$_{6}$ 100 \% \#1 {\footnotesize a\_b} & " in text
    assert r"$\times$ 10$^{-8}$ & $<$ 5 \textasciitilde{} \textbackslash{}input\{x\}" in text
    assert text.count(r"\\") == 2 and r"\caption{Costs \$5; ``said'' -- 50 \%}" in text
    if shutil.which("pdflatex"):
        (tmp_path / "t.tex").write_text("\\documentclass{article}\\usepackage{booktabs}"
                                        f"\\begin{{document}}{text}\\end{{document}}")
        subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
                       cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
