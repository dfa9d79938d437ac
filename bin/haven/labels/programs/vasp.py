"""VASP's OUTCAR and vasprun.xml as frames: whole ionic steps, and whether each is converged.

ASE's reader of OUTCAR fails on vdW functionals, machine-learned steps and NWRITE = 0, and does not
say which steps are converged or cut off. OUTCAR is therefore read here, step by step.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import EV_PER_ANGSTROM3_GPA
from haven.labels.frames.net_charge import excess
from haven.labels.programs.runs import LabelRun, divided
from haven.trajectory import vasprun
from haven.trajectory.outcar import CELL, FORCES, cell_vectors, numbers_of, rows_of, species_of

if TYPE_CHECKING:
    from ase import Atoms

KBAR_EV_PER_ANGSTROM3 = 0.1 / EV_PER_ANGSTROM3_GPA
STRESS_IS_WHOLE = 2  # ISIF from which VASP computes all six components (VASP manual, ISIF)
PRINTED_EV = Decimal("1e-8")  # last digit of an energy in vasprun.xml: less cannot be told apart
LINEAR_RESPONSE = (5, 6, 7, 8)  # IBRION: further cycles follow the ground state's
# GGA as users and POTCAR write it, and VASP's own numbers of the same (LEXCH)
FUNCTIONALS = {"PE": "PBE", "PS": "PBEsol", "91": "PW91", "RP": "RPBE", "CA": "LDA",
               "RE": "revPBE", "BO": "optB88", "OR": "optPBE", "MK": "optB86b", "ML": "rPW86",
               "8": "PBE", "14": "PBEsol", "7": "PW91", "2": "LDA"}
# METAGGA: an OUTCAR has room for five letters, a vasprun.xml has the tag as the user wrote it
META = {"R2SCA": "r2SCAN", "R2SCAN": "r2SCAN", "RSCAN": "rSCAN", "SCAN": "SCAN"}
ECHO = re.compile(r"(?ms)^ INCAR:[^\n]*\n.*?(?=^ POTCAR:)")
"""VASP 6 repeats INCAR in front, in the user's own wording; what VASP took stands behind."""

HUBBARD_ROWS = ("LDAUL", "LDAUU", "LDAUJ")  # shell, U and J of each species
RUN = r"^\s*vasp\.\d"
ITERATION = re.compile(r"Iteration\s+(\d+)\(\s*(\d+)\)")
CHANGE = re.compile(r"total energy-change \(2\. order\) :\s*(\S+?)\s*\(\s*(\S+?)\s*\)")
ENERGY = re.compile(r"(?m)^  free  energy\s+TOTEN\s*=\s*(-?\d+\.\d+) eV(?=\s)")
STRESS = re.compile(r"(?m)^  in kB(.*)$")
MOMENTS = re.compile(r"magnetization \(x\)\s*\n\s*\n# of ion.*\n-+\n"
                     r"((?:\s*\d+(?:\s+-?\d+\.\d+)+\n)+)")
TOTAL_MOMENT = re.compile(r"number of electron\s+\S+ magnetization\s+(-?\d+\.\d+)")


def read_outcar(text: str) -> list[LabelRun]:
    """Return the runs in the text of an OUTCAR, usually one; several where runs were appended."""
    return [_run(part) for part in divided(text, RUN)]


def vasp_ended(text: str) -> bool:
    """Return whether the text of an OUTCAR ends as that of a finished run does."""
    return "General timing and accounting" in text[-20000:]


def _run(text: str) -> LabelRun:
    kinds, counts = species_of(text)
    symbols = [kind for kind, count in zip(kinds, counts, strict=False) for _ in range(count)]
    blocks = list(FORCES.finditer(text))
    images: list[Atoms] = []
    lost: list[str] = []
    begin, cell = 0, None
    for number, block in enumerate(blocks):
        stop = blocks[number + 1].start() if number + 1 < len(blocks) else len(text)
        before = text[begin:block.start()]
        # from the cycle on: a machine-learned step before it has a stress of its own
        before = before[max(before.find("Iteration") - 50, 0):]
        following = ITERATION.search(text, block.end(), stop)
        energy = ENERGY.search(text, block.end(), following.start() if following else stop)
        rows = rows_of(text[block.end():stop], len(symbols))
        begin = energy.end() if energy else block.end()
        energy = energy or _energy_in_front(before)
        if found := CELL.findall(before):
            cell = cell_vectors(found[-1])
        told = STRESS.findall(before)
        damaged = bool(told) and len(numbers_of(told[-1])) != 6
        if rows is None or energy is None or cell is None or damaged:
            lost.append("its last step is cut off" if number + 1 == len(blocks)
                        else f"step {number + 1} is damaged")
            continue
        # NWRITE = 0 prints energies of steps without their forces: the last of them is this one's
        if ITERATION.search(before):
            images.append(_image(symbols, cell, rows, float(energy.group(1)), before, text))
    steps = {int(step) for step, _ in ITERATION.findall(text)}
    response = re.search(r"\bLEPSILON=\s+T", text) is not None
    if not vasp_ended(text) and not lost and steps and len(steps) > len(images):
        lost.append(f"step {max(steps)} is cut off")
    elif not vasp_ended(text) and not lost and images:
        lost.append("VASP did not end after its last step")
    elif not lost and len(steps) > len(images) and images and not response:
        lost.append(f"{len(steps) - len(images)} of {len(steps)} steps have no forces (NWRITE)")
    return LabelRun(images, hubbard_by_element(text, kinds),
                    _settings(text) | _charge(text, counts), ", ".join(lost))


def _energy_in_front(before: str) -> re.Match[str] | None:
    """Return the energy that VASP up to 5.2 prints before the forces, behind its last cycle."""
    marks = list(ITERATION.finditer(before))
    found = list(ENERGY.finditer(before, marks[-1].end())) if marks else []
    return found[-1] if found else None


def _image(
    symbols: list[str], cell: np.ndarray, rows: np.ndarray, energy: float, before: str, text: str
) -> Atoms:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = Atoms(symbols, rows[:, :3], cell=cell, pbc=True)
    results: dict[str, Any] = {"energy": energy, "free_energy": energy, "forces": rows[:, 3:]}
    told = STRESS.findall(before)
    values = numbers_of(told[-1]) if told else []
    isif = _value(text, r"\bISIF\s+=\s*(\d+)")
    if len(values) == 6 and (isif is None or int(isif) >= STRESS_IS_WHOLE):
        xx, yy, zz, xy, yz, zx = np.array(values, float)
        results["stress"] = -KBAR_EV_PER_ANGSTROM3 * np.array([xx, yy, zz, yz, zx, xy])
    if "LNONCOLLINEAR =      T" not in text:
        tables = MOMENTS.findall(before)
        if tables:
            moments = [float(line.split()[-1]) for line in tables[-1].splitlines()]
            if len(moments) == len(symbols):
                results["magmoms"] = np.array(moments)
        if totals := TOTAL_MOMENT.findall(before):
            results["magmom"] = float(totals[-1])
    atoms.calc = SinglePointCalculator(atoms, **results)
    atoms.info["converged"] = step_converged(before, *limits_of(text))
    atoms.info["scf_steps"] = len(_last_cycle(before))
    return atoms


def limits_of(text: str) -> tuple[float | None, float | None]:
    """Return NELM and EDIFF (eV) of an OUTCAR, None where it does not say them."""
    return (_value(text, r"\bNELM\s+=\s*(\d+);"),
            _value(text, r"\bEDIFF\s+=\s*(\S+)\s+stopping-criterion"))


def _value(text: str, pattern: str) -> float | None:
    found = re.search(pattern, text)
    try:
        return float(found.group(1)) if found else None
    except ValueError:
        return None


def _last_cycle(step: str) -> list[str]:
    """Return the electronic steps of the last self-consistency in a text."""
    marks = list(ITERATION.finditer(step))
    first = max((n for n, mark in enumerate(marks) if int(mark.group(2)) == 1), default=0)
    starts = [mark.start() for mark in marks[first:]]
    if not starts:
        return []
    return [step[a:b] for a, b in zip(starts, [*starts[1:], len(step)], strict=True)]


def step_converged(step: str, nelm: float | None, ediff: float | None) -> bool:
    """Tell whether the self-consistency of one ionic step was reached.

    VASP 5 prints "aborting loop because EDIFF is reached" at the end of every cycle, also when
    NELM steps were used up; VASP 6 then says "EDIFF was not reached". What counts after NELM steps
    are the last changes of the total energy and of the eigenvalues' sum, both of which VASP holds
    against EDIFF.

    Parameters
    ----------
    step
        Text of OUTCAR from the step before to this one's forces.
    nelm
        Most electronic steps.
    ediff
        Energy change to stop at, eV.
    """
    said = re.findall(r"aborting loop\s+(?:because EDIFF is|EDIFF was not) reached", step)
    if not said or "not" in said[-1]:
        return False
    cycle = _last_cycle(step)
    if nelm is None or len(cycle) < nelm:
        return True
    changes = CHANGE.findall(cycle[-1])
    try:
        return (bool(changes) and ediff is not None
                and max(abs(float(change)) for change in changes[-1]) <= ediff)
    except ValueError:  # stars: the number is too large for its place
        return False


def last_step_converged(text: str) -> bool:
    """Return whether self-consistency was reached in the last ionic step of an OUTCAR."""
    blocks = list(FORCES.finditer(text))
    begin = blocks[-2].end() if len(blocks) > 1 else 0
    return step_converged(text[begin:blocks[-1].start() if blocks else len(text)],
                          *limits_of(text))


def hubbard_by_element(text: str, kinds: Sequence[str]) -> dict[str, float] | None:
    """Return U - J of every element that an OUTCAR says it acts on; {} without U.

    U does not act on a species whose shell (LDAUL) is -1, whatever its value is. An element whose
    species have different values is named once more for each other one, "Ti as species 3".

    The list of a run stands after "LDA+U is selected"; VASP 6 also echoes INCAR's own line, which
    has another form. None where U and J don't act through their difference (LDAUTYPE 1 with J), or
    the list is missing.

    Parameters
    ----------
    text
        Of one run.
    kinds
        Element of each species; empty if unknown.
    """
    if "LDA+U is selected" not in text:
        return {}
    part = text[text.index("LDA+U is selected"):]
    rows = {key: re.search(rf"for each species {key} =((?:\s+-?\d+\.?\d*)+)", part)
            for key in HUBBARD_ROWS}
    kind = re.search(r"LDAUTYPE\s*=\s*(\d+)", part)
    return _differences({key: found.group(1) for key, found in rows.items() if found},
                        kind.group(1) if kind else "2", kinds)


def _differences(
    rows: Mapping[str, str], kind: str, kinds: Sequence[str]
) -> dict[str, float] | None:
    """Return U - J by element from the lists of its `HUBBARD_ROWS`; see `hubbard_by_element`."""
    if "LDAUU" not in rows:
        return None
    u_ev = np.array(rows["LDAUU"].split(), float)
    j_ev = np.array(rows["LDAUJ"].split(), float) if "LDAUJ" in rows else np.zeros_like(u_ev)
    shells = np.array(rows["LDAUL"].split(), float) if "LDAUL" in rows else np.zeros_like(u_ev)
    if not u_ev.shape == j_ev.shape == shells.shape or (
            kind.strip() == "1" and np.abs(j_ev).max() > 0):
        return None
    found: dict[str, float] = {}
    for place, value in enumerate(np.where(shells < 0, 0.0, np.round(u_ev - j_ev, 6))):
        name = kinds[place] if len(kinds) == len(u_ev) else f"species {place + 1}"
        if found.get(name, value) != value:
            name = f"{name} as species {place + 1}"
        found[name] = float(value)
    return {name: value for name, value in found.items() if value or " as species " in name}


def _settings(text: str) -> dict[str, Any]:
    """Return the settings in an OUTCAR, see `settings_of`."""
    text = ECHO.sub("", text, count=1)
    titles = [title.strip() for title in re.findall(r"(?:TITEL\s*=|POTCAR:)\s*(.*)", text)]
    family = re.search(r"LEXCH\s*=\s*(\S+)", text)
    tags = {key: found.group(1) for key, pattern in (
        ("GGA", r"\bGGA\s+=\s*(\S+)\s+GGA type"), ("METAGGA", r"\bMETAGGA\s*=\s*(\S+)"),
        ("LHFCALC", r"\bLHFCALC\s*=\s*(\S+)"), ("AEXX", r"\bAEXX\s*=\s*(\S+)"),
        ("HFSCREEN", r"\bHFSCREEN\s*=\s*(\S+)"), ("IVDW", r"\bIVDW\s*=\s*(\d+)"),
        ("LVDW", r"\bLVDW\s*=\s*(\S+)"), ("LUSE_VDW", r"\bLUSE_VDW\s*=\s*(\S+)"),
        ("ISMEAR", r"\bISMEAR =\s*(-?\d+);"), ("SIGMA", r"\bSIGMA\s+=\s*(\S+)\s+broadening"),
        ("ENCUT", r"\bENCUT\s*=\s*(\S+) eV"), ("LEXCH", r"LEXCH\s*=\s*(\S+)"),
        ("ISPIN", r"\bISPIN\s*=\s*([12])\s"), ("LNONCOLLINEAR", r"\bLNONCOLLINEAR\s*=\s*(\S+)"),
        ("KPOINTS", r"generate k-points for:((?: +\d+){3})\s"),
    ) if (found := re.search(pattern, text))}
    if "w/o vdW" in text:  # an old wording, which does not print the tag
        tags["LVDW"] = "T"
    if family:
        tags["LEXCH"] = family.group(1)
    return settings_of(tags, list(dict.fromkeys(titles)))


def _yes(word: str | None) -> bool:
    """Tell whether a logical of Fortran says yes: ``T``, ``.TRUE.``."""
    return (word or "").strip().lstrip(".").upper().startswith("T")


def settings_of(tags: Mapping[str, str], titles: list[str]) -> dict[str, Any]:
    """Return the settings of a run of VASP from its tags, under the names of Haven's own labels.

    Cutoff, functional, smearing, dispersion, pseudopotentials, the k mesh where it is one, and
    ``spin``: 2 of a spin-polarised run, 1 of another one; a noncollinear run has none.
    """
    gga = tags.get("GGA", "--").strip()
    gga = tags.get("LEXCH", "--") if gga in ("--", "", "None") else gga
    functional = FUNCTIONALS.get(gga.upper(), gga)
    meta = tags.get("METAGGA", "F").strip()
    if meta not in ("F", "--", "", "NONE", "None"):
        functional = META.get(meta.upper(), meta)
    if _yes(tags.get("LHFCALC")):
        functional += (f" hybrid {float(tags.get('AEXX', '0.25')):g}"
                       f"/{float(tags.get('HFSCREEN', '0')):g}")
    found: dict[str, Any] = {"functional": functional}
    if "ENCUT" in tags:
        found["plane_wave_cutoff_ev"] = round(float(tags["ENCUT"]), 1)
    if "SIGMA" in tags and int(tags.get("ISMEAR", "0")) > -4:
        found["smearing_ev"] = float(tags["SIGMA"])
    if "ISMEAR" in tags:
        kind = int(tags["ISMEAR"])
        found["smearing"] = {-5: "tetrahedra", -4: "tetrahedra", -1: "Fermi-Dirac",
                             0: "Gaussian"}.get(kind, f"Methfessel-Paxton {kind}")
    if "ISPIN" in tags and not _yes(tags.get("LNONCOLLINEAR")):
        found["spin"] = int(tags["ISPIN"])
    if "KPOINTS" in tags:
        found["kpoints"] = np.array(tags["KPOINTS"].split(), int)
    dispersion = [word for word in (
        {"0": "", "12": "d3bj"}.get(tags.get("IVDW", "0").strip(), f"IVDW {tags.get('IVDW')}"),
        "LVDW" if _yes(tags.get("LVDW")) else "",
        "vdW-DF" if _yes(tags.get("LUSE_VDW")) else "") if word]
    found["dispersion"] = " ".join(dispersion) or "none"
    if titles:
        found["pseudopotentials"] = "; ".join(" ".join(title.split()) for title in titles)
    return found


def read_vasprun(text: str) -> LabelRun:
    """Return the run of a vasprun.xml, of one cut off its whole ionic steps.

    A step is converged when it took fewer electronic steps than NELM, or its last energy change is
    within EDIFF. Both are compared as whole numbers of the last digit printed, since rounding of
    floating-point numbers could put a difference of exactly EDIFF on either side. In linear
    response further cycles follow in the same step; the ground state's cycle ends at the first
    change within EDIFF.
    """
    from ase.io import iread

    text, missing = vasprun.whole_steps(text)
    if not text:
        return LabelRun([], None, missing=missing)
    vasprun.check_vasprun(text)
    images: list[Any] = list(iread(io.StringIO(text), index=":", format="vasp-xml"))
    nelm, ediff = _tag(text, "NELM"), _tag(text, "EDIFF")
    response = (_tag(text, "IBRION") in LINEAR_RESPONSE
                or re.search(r'name="(LEPSILON|LCALCEPS)">\s*T', text) is not None)
    isif = _tag(text, "ISIF")
    for atoms, part in zip(images, text.split("<calculation>")[1:], strict=False):
        energies = [Decimal(value) for value in re.findall(
            r'<i name="e_fr_energy">\s*(-?\d+\.\d+)', part.rpartition("</scstep>")[0])]
        steps = part.count("<scstep>")
        changes = [abs(after - before) for before, after in pairwise(energies)]
        limit = max(Decimal(str(ediff or 0.0)), PRINTED_EV)
        if nelm is not None:
            late = bool(changes) and changes[-1] <= limit
            if response and steps >= nelm:
                late = any(change <= limit for change in changes[: int(nelm) - 1])
            atoms.info["converged"] = steps < nelm or late
        atoms.info["scf_steps"] = steps
        if isif is not None and isif < STRESS_IS_WHOLE:
            atoms.calc.results.pop("stress", None)
    return LabelRun(images, hubbard_of_xml(text), _settings_of_xml(text) | _charge_of_xml(text),
                    missing)


def _tag(text: str, name: str) -> float | None:
    found = re.search(rf'name="{name}">\s*([-+]?\d[\d.eE+-]*)', text)
    return float(found.group(1)) if found else None


def hubbard_of_xml(text: str) -> dict[str, float] | None:
    """Return U - J of every element that a vasprun.xml says it acts on; {} without U."""
    if not re.search(r'name="LDAU">\s*T', text):
        return {}
    rows = {key: re.search(rf'name="{key}">((?:\s*-?\d+\.?\d*)+)', text)
            for key in HUBBARD_ROWS}
    kinds = re.findall(r"<rc><c>\s*\d+\s*</c><c>\s*([A-Z][a-z]?)\s*</c>", text)
    return _differences({key: found.group(1) for key, found in rows.items() if found},
                        f"{_tag(text, 'LDAUTYPE') or 2:g}", kinds)


def _charge(text: str, counts: Sequence[int]) -> dict[str, float]:
    """Return the net charge that NELECT gives a cell in an OUTCAR; {} where it can't be told."""
    electrons = re.search(r"\bNELECT\s*=\s*(\d+\.\d*)\s+total number of electrons", text)
    valences = re.findall(r"\bZVAL\s*=\s*(\d+\.\d*)\s+mass and valenz", text)
    weights = re.search(r"\bVCA\s*=((?:\s+\d+\.\d+)+)", text)
    return _charge_by(electrons.group(1) if electrons else "", counts, valences,
                      weights.group(1).split() if weights else [])


def _charge_of_xml(text: str) -> dict[str, float]:
    """Return the net charge that NELECT gives a cell in a vasprun.xml; {} where it can't be told.

    Number and valence of each kind of atoms stand in its table of types.
    """
    electrons = re.findall(r'name="NELECT">\s*(\d+\.\d*)', text)
    kinds = re.findall(r"<rc><c>\s*(\d+)\s*</c><c>[^<]*</c><c>[^<]*</c>"
                       r"<c>\s*(\d+\.\d*)\s*</c>", text)
    weights = re.search(r'name="VCA">((?:\s*\d+\.\d+)+)', text)
    return _charge_by(electrons[-1] if electrons else "", [int(count) for count, _ in kinds],
                      [valence for _, valence in kinds],
                      weights.group(1).split() if weights else [])


def _charge_by(
    electrons: str, counts: Sequence[int], valences: Sequence[str], weights: Sequence[str]
) -> dict[str, float]:
    """Return the net charge by electrons, and by count, valence and VCA's weight of each kind."""
    if not electrons or not counts or len(valences) < len(counts):
        return {}
    shares = weights if len(weights) == len(counts) else ["1"] * len(counts)
    return excess(float(electrons), sum(
        count * float(valence) * float(share)
        for count, valence, share in zip(counts, valences, shares, strict=False)))


def _settings_of_xml(text: str) -> dict[str, Any]:
    tags = {}
    for key in ("GGA", "METAGGA", "LHFCALC", "AEXX", "HFSCREEN", "IVDW", "LVDW", "LUSE_VDW",
                "ISMEAR", "SIGMA", "ENCUT", "ENMAX", "ISPIN", "LNONCOLLINEAR"):
        found = re.findall(rf'name="{key}">\s*([^<\s]+)', text)
        if found:
            tags["ENCUT" if key == "ENMAX" else key] = found[-1]
    if mesh := re.search(r'name="divisions">((?:\s*\d+){3})\s*<', text):
        tags["KPOINTS"] = mesh.group(1)
    titles = re.findall(r"<c>\s*(PAW\S* [A-Z][^<]*?)\s*</c>", text)
    if titles:
        tags["LEXCH"] = "PE" if "PBE" in titles[0] else "91" if "GGA" in titles[0] else "CA"
    return settings_of(tags, titles)
