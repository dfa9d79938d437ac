"""How it was done, ready for a paper: methods paragraph, BibTeX, tables as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from haven import __version__
from haven.core.identity import package_digest
from haven.core.numbers import count_of
from haven.core.types import Table, Tables
from haven.dynamics.job import BAROSTAT_FS
from haven.report.figures.style import frames_of_reference
from haven.transport.fits.standing import DOUBTFUL_P

ESTIMATORS = {
    "walk": "the likelihood of the slow sine modes of a random walk, D_total from the sum over all "
    "mobile ions",
    "local": "the likelihood of the slow sine modes of a random walk, D_total from pairs of ions "
    "near each other",
    "blocks": "the likelihood of the slow sine modes of a random walk, D_total / D_self from means "
    "over stretches of a run",
}
LIBRARIES = ("numpy", "scipy", "pandas", "ase", "matplotlib")  # of the analysis


def methods(
    tables: Tables, expected: Mapping[str, Any], formula: str, codes: Sequence[str] = (),
) -> list[str]:
    """Return paragraphs on what was computed and how, from the tables and the parameters.

    What no table shows is not said; a setting is said of a stage that has a table.

    Parameters
    ----------
    tables
        Tables by name.
    expected
        Expected runs and parameters, `haven.report.numbers.verdicts.read_expected`.
    formula
        Name of the material.
    codes
        States of the code that made the tables, where they are known.
    """
    given = {str(k): str(v) for k, v in (expected.get("parameters") or {}).items()
             if v not in (None, "")}
    parts = (_labels(tables, given), _potential(tables, given), _cells(tables, formula),
             _dynamics(tables, given), _analysis(tables), _barriers(tables, given),
             _software(codes))
    return [part for part in parts if part]


def _said(values: Iterable[Any], unit: str = "") -> str:
    """Return distinct values in words: ``298, 313 and 328 K``."""
    texts = list(dict.fromkeys(f"{v:g}" if isinstance(v, float) else str(v) for v in values))
    joined = ", ".join(texts[:-1]) + (" and " if len(texts) > 1 else "") + texts[-1]
    return f"{joined} {unit}".rstrip()


def _sorted(table: Table, column: str) -> list[Any]:
    return sorted(table[column].dropna().unique().tolist())


def _labels(tables: Tables, given: Mapping[str, str]) -> str:
    table = tables["labels"]
    used = table[table["verdict"] == "accepted"]
    if used.empty:
        return ""
    engines = _said(_sorted(used, "engine"))
    count = " and ".join(f"{count_of(len(mine), 'frame')} at U = {u:g} eV"
                         for u, mine in used.groupby("u_ev"))
    text = (f"First-principles labels (energies, forces, stresses) were computed with {engines}: "
            f"{count}, of {_said(_sorted(used, 'atoms'))} atoms each; "
            f"{len(table) - len(used)} of {len(table)} labelled frames were left out by an audit.")
    moments = used["moment_total"].dropna()
    if len(moments):
        text += " Spins were collinear (the labels hold magnetic moments)."
    if _labelled_here(given):
        text += f" {_label_settings(given)}"
    if not _labelled_here(given) or given.get("frames"):
        text += (" Frames were given: their functional, U, plane-wave cutoff, k-points, smearing"
                 f"{'' if len(moments) else ', spin treatment'} and dispersion correction are not "
                 "in the tables but in the frames' headers.")
    return text


def _labelled_here(given: Mapping[str, str]) -> bool:
    """Return whether the run of these parameters made labels of its own."""
    return given.get("label") == "true" or given.get("rounds", "0") not in ("0", "")


def _label_settings(given: Mapping[str, str]) -> str:
    """Return the settings of labels that the run itself made; one that is missing is said to be."""
    def of(name: str, unit: str = "") -> str:
        return f"{given[name]}{unit}" if name in given else "not recorded"

    smearing = of("smearing_ev", " eV")
    with_u = of("smearing_with_u_ev", " eV")
    if with_u != smearing:
        smearing = f"{smearing} without U, {with_u} with U"
    dispersion = {"none": "none", "false": "none"}.get(given.get("dispersion", ""),
                                                       of("dispersion"))
    return (f"Labels made here: functional {of('functional')}, plane waves up to "
            f"{of('plane_wave_cutoff_ev', ' eV')}, k-points {of('kpoint_spacing_per_angstrom')}"
            f"{' Å⁻¹ apart' if 'kpoint_spacing_per_angstrom' in given else ''}, Fermi-Dirac "
            f"smearing {smearing}, dispersion correction {dispersion}; U acts on the shells that "
            "the material file names.")


def _potential(tables: Tables, given: Mapping[str, str]) -> str:
    table = tables["accuracy"]
    table = table[(table["subset"] == "test") & (table["species"] == "all")
                  & (table["component"] == "all")]
    if table.empty:
        return ""
    seeds = table["seed"].nunique()
    text = (f"For each U {count_of(seeds, 'potential')} "
            f"{'was' if seeds == 1 else 'were'} tested on trajectories that no training saw.")
    text += f" {_networks(tables, given)}"
    curve = tables["learning_curve"]
    if len(curve):
        text += (f" They were trained for up to {int(curve['step'].max()):,} steps"
                 f" (learning rate {curve['learning_rate'].max():.2g} to "
                 f"{curve['learning_rate'].min():.2g}).")
    worst = [f"{row['rmse'] * 1000:.3g} meV/{'atom' if quantity == 'energy' else 'Å'} ({quantity}, "
             f"U = {row['u_ev']:g} eV)" for quantity in ("energy", "force")
             for row in table[table["quantity"] == quantity].sort_values("seed")
             .drop_duplicates("u_ev").to_dict("records")]
    return text + (f" Root-mean-square errors of the driving potential there: "
                   f"{'; '.join(worst)}." if worst else "")


def _networks(tables: Tables, given: Mapping[str, str]) -> str:
    """Return the potentials' family, architecture and cutoff, as far as they are known.

    Networks of the parameter ``cost_networks`` were timed only.
    """
    costs = tables["cost"]
    timed = {_network_words(text) for text in re.findall(r"[^\s,\[\]]+", given.get(
        "cost_networks", ""))}
    names = sorted(set(costs.loc[costs["method"] == "dlmd", "model"].dropna().astype(str)) - timed)
    made = _sorted(costs[costs["method"] == "training"], "engine")
    origin = "Given potentials" if given.get("models") else "Potentials"
    if not names and given and not given.get("models") and "cutoff_angstrom" in given:
        names = [f"descriptor {given.get('descriptor', 'not recorded')}, cutoff "
                 f"{given['cutoff_angstrom']} Å, fitting {given.get('fitting', 'not recorded')}, "
                 f"{given.get('precision', 'precision not recorded')}"]
    if not names and not made:
        return f"{origin}: their family, architecture and cutoff are not recorded."
    how = f"trained with {_said(made)}" if made else "family not recorded"
    return f"{origin}: {how}; {'; '.join(names[:4]) or 'architecture and cutoff not recorded'}."


def _network_words(text: str) -> str:
    """Return an entry of ``cost_networks`` as table ``cost`` writes a network."""
    parts = text.split("/")
    return (f"{parts[0]} / {parts[1]}, cutoff {parts[2]} Å, {parts[3]}" if len(parts) == 4
            else text)


def _cells(tables: Tables, formula: str) -> str:
    table = tables["structures"]
    table = table[table["role"] == "supercell"]
    if table.empty:
        return ""
    sites = "; ".join(f"{row['species']} on {row['site']} {row['occupancy']:.3f}"
                      for row in table[table["species"] != "vacancy"].drop_duplicates(
                          ["site", "species"]).to_dict("records"))
    return (f"Disordered supercells of {formula} of {_said(_sorted(table, 'atoms'))} atoms were "
            f"drawn with seed {_said(_sorted(table, 'seed'))} "
            f"({count_of(table['replica'].nunique(), 'replica')}); occupancies of the first: "
            f"{sites}.")


def _dynamics(tables: Tables, given: Mapping[str, str]) -> str:
    table = tables["runs"]
    if table.empty:
        return ""
    cells = {"npt": "in the mean cell of a run at constant pressure and this temperature",
             "relaxed": "in the cell relaxed at 0 K", "material": "in the material file's cell"}
    held = _said([cells.get(str(c), str(c)) for c in table["cell"].dropna().unique()]
                 ) if table["cell"].notna().any() else ""
    asked = table["pressure_asked_gpa"].dropna().unique().tolist()
    at = f" for {_said(asked)} GPa" if asked else ""
    bath = (f", Nosé-Hoover thermostat of {given['damping_fs']} fs" if "damping_fs" in given
            else "; the thermostat's time constant is not recorded")
    before = (f" after {given['equilibration_ps']} ps of equilibration"
              if "equilibration_ps" in given else "")
    text = (f"Molecular dynamics at constant volume{' ' + held if held else ''}{at}: "
            f"{count_of(len(table), 'run')} at U = {_said(_sorted(table, 'u_ev'))} eV and "
            f"{_said(_sorted(table, 'temperature_k'))} K, {_said(_sorted(table, 'atoms'))} atoms, "
            f"{_said(_sorted(table, 'duration_ps'))} ps each in steps of "
            f"{_said(_sorted(table, 'timestep_fs'))} fs{before}{bath}; "
            f"{count_of(table['replica'].nunique(), 'replica')} of the disorder, "
            f"{count_of(table['seed'].nunique(), 'potential')} driving.{_barostat(tables)}")
    anneals = tables["anneals"]
    if len(anneals):
        lengths = anneals["duration_ps"].dropna()
        text += (f" The mobile ions were annealed before at "
                 f"{_said(_sorted(anneals, 'temperature_k'))} K"
                 + (f" for up to {lengths.max():.3g} ps" if len(lengths) else "")
                 + f"; {int((anneals['verdict'] == 'settled').sum())} of {len(anneals)} settled.")
    return text


def _barostat(tables: Tables) -> str:
    """Return the runs at constant pressure that gave the mean cells; empty without."""
    table = tables["cells"]
    if table.empty:
        return ""
    return (f" The mean cells are of runs at constant pressure of "
            f"{_said(_sorted(table, 'duration_ps'))} ps, the first "
            f"{_said(_sorted(table, 'left_out_ps')) if table['left_out_ps'].notna().any() else '0'}"
            f" ps of which were left out (Nosé-Hoover barostat of {BAROSTAT_FS:g} fs, each axis on "
            "its own).")


def _analysis(tables: Tables) -> str:
    table = tables["diffusion"]
    if table.empty:
        return ""
    names = [ESTIMATORS.get(str(n), str(n)) for n in sorted(set(table["estimator"].dropna()))]
    text = (f"Diffusion coefficients come from {_said(names)}, all time origins, in the frame of "
            f"the {frames_of_reference(table)}; a run without diffusive displacements, or with too "
            "few jumps, gives an upper bound or no number. The conductivity is n e² Z² "
            "D_total / (k_B T), the Haven ratio D_self / D_total. Intervals are 95 %: of a run "
            "from the likelihood of its modes; of several runs with what replicas and potentials "
            "share as random effects; they hold neither the method of the labels nor the "
            "potential's errors.")
    fits = tables["arrhenius"]
    fits = fits[fits["verdict"] == "diffusive"]
    if len(fits):
        text += (f" Arrhenius lines, {_said(sorted(set(fits['form'].dropna())))}: a Poisson "
                 "regression of the jumps of all runs and a regression of what a jump yields, "
                 "added; a quadratic term in 1/T with p below "
                 f"{DOUBTFUL_P:g} is called curved.")
    return text


def _barriers(tables: Tables, given: Mapping[str, str]) -> str:
    table = tables["barriers"]
    if table.empty:
        return ""
    images = int(table.groupby(["u_ev", "path"])["image"].nunique().max())
    limit = given.get("force_tolerance_ev_per_angstrom")
    return (f"Barriers: climbing-image nudged elastic bands of {images} images, ends included, "
            f"in the disordered cell" + (f", until forces were below {limit} eV/Å." if limit
                                         else "."))


def _software(codes: Sequence[str]) -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    made = sorted(set(codes)) or [package_digest()]
    states = f"code {made[0]}" if len(made) == 1 else f"states {_said(made)} of the code"
    return (f"All steps ran in Haven {__version__} ({states}); the report was written with "
            f"{', '.join(found)}.")


def bibtex(citations: list[dict[str, str]]) -> str:
    """Return the works to cite as BibTeX, Haven first.

    Parameters
    ----------
    citations
        Rows of ``citations.csv``: name, reference, doi, role.
    """
    entries = [("software", "haven", {
        "author": "{The Haven developers}",
        "title": "Haven: ionic conductivity of cation-disordered crystals, from first-principles "
                 "labels", "version": __version__, "note": f"code {package_digest()}"})]
    for row in citations:
        authors, rest, year = split_reference(row["reference"])
        fields = {"author": authors, "howpublished": rest, "year": year,
                  "doi": "" if row["doi"] == "unknown" else row["doi"], "note": row["role"]}
        key = re.sub(r"[^A-Za-z0-9]+", "", row["name"]) or "work"
        entries.append(("misc", key, fields))
    lines = []
    for kind, key, fields in entries:
        written = [f"  {name} = {{{_bib(text) if name != 'doi' else text}}}"
                   for name, text in fields.items() if text]
        lines.append(f"@{kind}{{{key},\n" + ",\n".join(written) + "\n}")
    return "\n\n".join(lines) + "\n"


def split_reference(text: str) -> tuple[str, str, str]:
    """Return authors as BibTeX has them, the rest, and the year of a reference in one line."""
    year = (re.findall(r"\((\d{4})\)", text) or [""])[-1]
    rest = re.sub(r"\s*\(\d{4}\)\s*$", "", text).strip(" ,")
    person = r"(?:[A-Z]\.[- ]?)+[A-Z][\w'’-]+"
    several = re.match(rf"({person}(?:, {person})* and {person}), ", rest)
    short = re.match(rf"({person}) et al\.,? ", rest)
    if several:
        people = re.split(r", | and ", several.group(1))
        return " and ".join(people), rest[several.end():], year
    if short:
        return f"{short.group(1)} and others", rest[short.end():], year
    return "", rest, year


def _bib(text: str) -> str:
    """Return text for a BibTeX field: braces balanced by having none, special characters quoted."""
    return text if text.startswith("{The ") else latex(text.replace("{", "(").replace("}", ")"))


_SCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_BELOW = dict(zip("₀₁₂₃₄₅₆₇₈₉ₐ", "0123456789a", strict=True))
_SYMBOLS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": "$<$", ">": "$>$", "|": r"\textbar{}", "σ": r"$\sigma$", "β": r"$\beta$",
    "α": r"$\alpha$", "γ": r"$\gamma$", "Å": r"\AA{}", "×": r"$\times$", "±": r"$\pm$",
    "°": r"$^{\circ}$", "–": "--", "μ": r"$\mu$", "Δ": r"$\Delta$", "≤": r"$\le$",
    "≥": r"$\ge$", "“": "``", "”": "''", "·": r"$\cdot$", "−": "$-$",
}


def latex(text: str) -> str:
    """Return text as LaTeX: special characters quoted, raised and lowered digits in maths."""
    def raised(match: re.Match[str]) -> str:
        return "$^{" + "".join(_SCRIPTS[c] for c in match.group()) + "}$"

    def lowered(match: re.Match[str]) -> str:
        return "$_{" + "".join(_BELOW[c] for c in match.group()) + "}$"

    out = "".join(_SYMBOLS.get(character, character) for character in text)
    out = re.sub("[" + "".join(_SCRIPTS) + "]+", raised, out)
    return re.sub("[" + "".join(_BELOW) + "]+", lowered, out)


def latex_table(block: Mapping[str, Any], label: str) -> str:
    """Return a table of the report as a LaTeX table with lines of package ``booktabs``.

    Parameters
    ----------
    block
        Header, rows and caption, `haven.report.page.grids.base.grid`.
    label
        Name to refer to it by.
    """
    def words(entry: Any) -> str:
        if isinstance(entry, Mapping):
            small = latex(str(entry.get("small") or ""))
            return latex(str(entry["text"])) + (rf" {{\footnotesize {small}}}" if small else "")
        return latex(str(entry))

    lines = [r"% needs \usepackage{booktabs}", r"\begin{table}", r"\centering",
             rf"\caption{{{latex(str(block['caption']))}}}", rf"\label{{tab:{label}}}",
             r"\begin{tabular}{" + "l" * len(block["columns"]) + "}", r"\toprule",
             " & ".join(words(name) for name in block["columns"]) + r" \\", r"\midrule"]
    lines += [" & ".join(words(entry) for entry in row) + r" \\" for row in block["rows"]]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])
