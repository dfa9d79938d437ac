"""Every wrong trajectory, in every format, ends the command with one clear line and no number."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys

import analyse_transport
import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from haven.core import errors
from haven.core.errors import CutOffError, HavenError
from haven.trajectory import all_atoms
from haven.trajectory.readers import read_frames as all_frames
from haven.trajectory.readers.ase_files import frames as ase_frames
from haven.trajectory.readers.base import Unsaid
from haven.trajectory.readers.lammps_dump import frames as read_frames
from haven.trajectory.readers.mdanalysis import lammps_data

CELL = np.array([[12.0, 0, 0], [0, 11, 0], [-4, 0, 10]])
SYMBOLS = ["Li", "Li", "Li", "Ti", "Cl", "Cl", "Cl", "Cl"]
SITES = np.array([[1, 1, 1], [5, 1, 1], [1, 5, 1], [5, 5, 1], [1, 1, 5], [5, 1, 5], [1, 5, 5],
                  [5, 5, 5.0]])
FORMATS = {"w.extxyz": "extxyz", "w.traj": "traj", "XDATCAR": "vasp-xdatcar"}


def made(frames=12):
    rng = np.random.default_rng(0)
    return [Atoms(SYMBOLS, SITES + rng.normal(0, 0.05, (8, 3)), cell=CELL, pbc=True)
            for _ in range(frames)]


def dump(path, images, steps=None, columns="id element x y z"):
    lines = []
    for t, atoms in enumerate(images):
        cell = atoms.cell.array
        low, high = min(0, cell[2, 0]), cell[0, 0] + max(0, cell[2, 0])
        box = [(low, high, 0), (0, cell[1, 1], cell[2, 0]), (0, cell[2, 2], 0)]
        lines += ["ITEM: TIMESTEP", str(steps[t] if steps else 100 * t), "ITEM: NUMBER OF ATOMS",
                  str(len(atoms)), "ITEM: BOX BOUNDS xy xz yz pp pp pp",
                  *(" ".join(str(v) for v in row) for row in box), f"ITEM: ATOMS {columns}"]
        for i, atom in enumerate(atoms):
            known = {"id": i + 1, "element": atom.symbol, **dict(zip("xyz", atom.position,
                                                                     strict=True))}
            lines.append(" ".join(str(known[name]) for name in columns.split()))
    path.write_text("\n".join(lines) + "\n")


def save(path, images):
    if path.name in FORMATS:
        write(path, images, format=FORMATS[path.name])
    else:
        dump(path, images)


@pytest.fixture()
def said(tmp_path, monkeypatch, capsys):
    """Return what the command says of a file: its one line, after checking it wrote no table."""
    def call(path, *options, species="Li", spacing=("--timestep_ps", "0.1")):
        monkeypatch.setattr(sys, "argv", [
            "analyse_transport.py", "--trajectory", str(path), "--species", species,
            "--temperature_k", "298", "--out", str(tmp_path / "out"), *spacing, *options])
        with pytest.raises(SystemExit) as ended:
            errors.run(analyse_transport.main)
        assert ended.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("haven: error:")
        assert not list(tmp_path.rglob("*.parquet"))
        return lines[0]
    return call


def one(images):
    return images[:1]


def fewer(images):
    return [*images[:5], images[5][:7], *images[6:]]


def other_order(images):
    return [*images[:5], images[5][[3, 1, 2, 0, 4, 5, 6, 7]], *images[6:]]


def no_number(images):
    images[5].positions[1, 2] = np.nan
    return images


def breathing(images):
    images[5].set_cell(CELL * 1.01, scale_atoms=True)
    return images


def nanometres(images):
    for atoms in images:
        atoms.set_cell(CELL / 10, scale_atoms=True)
    return images


def positions_in_nanometres(images):
    for atoms in images:
        atoms.positions /= 10
    return images


def leaping(images):
    images[5].positions[0] += 0.5 * CELL[0] + 0.5 * CELL[1]
    return images


def far_away(images):
    images[5].positions[6, 2] = 1e12
    return images


def zeroed(images):
    images[5].positions[3:6] = 0  # a block of zeros, as a disk leaves it
    return images


BAD = ((one, "one frame|1 frame"), (fewer, "7 atoms at frame 5, 8 before"),
       (other_order, "changes? (order )?at frame 5"), (no_number, "frame 5 .*not finite"),
       (breathing, "cell changes at frame 5.*--cell_changes"), (nanometres, "not nm"),
       (positions_in_nanometres, "not nm"), (far_away, "frame 5 has a coordinate of 1e\\+12"),
       (zeroed, "3 atoms stand at the origin in frame 5"), (leaping, "save frames more often"))


@pytest.mark.parametrize("name", ["w.extxyz", "w.traj", "XDATCAR", "w.dump"])
@pytest.mark.parametrize("spoil, words", BAD, ids=lambda v: getattr(v, "__name__", ""))
def test_a_bad_trajectory_gives_one_line_and_no_number(tmp_path, said, name, spoil, words):
    if name == "XDATCAR" and spoil in (fewer, other_order):
        pytest.skip("its format says the atoms once")
    save(tmp_path / name, spoil(made()))
    line = said(tmp_path / name)
    assert re.search(words, line) and name in line, line


@pytest.mark.parametrize("name", ["w.extxyz", "w.traj", "XDATCAR", "w.dump"])
def test_a_species_that_is_not_there_is_named(tmp_path, said, name):
    save(tmp_path / name, made())
    assert "has no Na: its species are Cl, Li, Ti" in said(tmp_path / name, species="Na")


def test_times_that_do_not_increase(tmp_path, said):
    dump(tmp_path / "w.dump", made(), steps=[0, 1, 2, 2, *range(4, 12)])
    assert "do not increase at frame 3" in said(tmp_path / "w.dump")
    dump(tmp_path / "w.dump", made(), steps=[*range(0, 1100, 100), 1050])
    assert "not evenly spaced" in said(tmp_path / "w.dump")
    images = made()
    for atoms, time in zip(images, [0, 1, 2, 2, *range(4, 12)], strict=True):
        atoms.info["time_ps"] = float(time)
    write(tmp_path / "w.extxyz", images)
    assert "do not increase at frame 3" in said(tmp_path / "w.extxyz", spacing=())


@pytest.mark.parametrize("spacing, words", [
    ((), "give --frame_spacing_ps"), (("--timestep_ps", "-1"), "it must be"),
    (("--timestep_ps", "nan"), "it must be")])
def test_a_time_step_is_needed(tmp_path, said, spacing, words):
    write(tmp_path / "w.extxyz", made())
    assert words in said(tmp_path / "w.extxyz", spacing=spacing)


def test_ids_that_change(tmp_path, said):
    dump(tmp_path / "w.dump", made())
    lines = (tmp_path / "w.dump").read_text().splitlines()
    at = 17 * 5 + 9
    assert lines[at].startswith("1 Li")
    lines[at] = lines[at].replace("1 Li", "9 Li", 1)
    (tmp_path / "w.dump").write_text("\n".join(lines) + "\n")
    assert "other atoms at frame 5" in said(tmp_path / "w.dump")


@pytest.mark.parametrize("columns, words", [
    ("id x y z", "write it with a column element or type"), ("id element x y", "has no positions")])
def test_dumps_that_say_too_little(tmp_path, said, columns, words):
    dump(tmp_path / "w.dump", made(), columns=columns)
    assert words in said(tmp_path / "w.dump")


@pytest.mark.parametrize("name", ["w.extxyz", "w.traj", "XDATCAR", "w.dump"])
def test_files_cut_or_garbled_anywhere(tmp_path, said, name):
    save(tmp_path / name, made(3))
    whole = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(1)
    for k in range(12):
        cut = int(rng.integers(1, max(2, len(whole) // 3)))
        spoilt = whole[:cut] if k % 2 else whole[:cut] + b"\xff#?x" + whole[cut + 4:]
        (tmp_path / name).write_bytes(spoilt)
        if k % 2 or cut > len(whole) // 3:
            said(tmp_path / name)
        else:  # may hit a comment or a digit: then it is a valid file
            try:
                said(tmp_path / name)
            except pytest.fail.Exception:  # it did not end with an error
                for table in tmp_path.rglob("*.parquet"):
                    table.unlink()


def test_formats_nobody_knows(tmp_path, said):
    (tmp_path / "a.pdf").write_text("no trajectory\n")
    assert "a.pdf" in said(tmp_path / "a.pdf")
    (tmp_path / "empty.dump").write_text("")
    assert "empty.dump" in said(tmp_path / "empty.dump")
    (tmp_path / "a.dump.zst").write_bytes(bytes.fromhex("28b52ffd2400010000") * 9)
    assert "unpack it with zstd -d, or pack it with gzip" in said(tmp_path / "a.dump.zst")
    assert "does not exist" in said(tmp_path / "none.dump")
    assert "--temperature_k" in said(tmp_path / "none.dump", "--temperature_k", "-3")


@pytest.mark.parametrize("units, words", [
    ("lj", "multiples of sigma"), ("nano", "farther than in any crystal"),
    ("cubits", "none of metal")])
def test_units_that_the_lengths_are_not_in(tmp_path, said, units, words):
    dump(tmp_path / "t.dump", made())
    text = (tmp_path / "t.dump").read_text()
    (tmp_path / "t.dump").write_text(f"ITEM: UNITS\n{units}\n{text}")
    assert words in said(tmp_path / "t.dump")


def test_an_outcar_that_lists_a_pseudopotential_too_often_is_refused():
    """Its atoms would be given other elements."""
    from outcars import outcar

    from haven.trajectory import outcar as reader

    text = outcar([(2, 1e-7), (2, 1e-7)])
    kinds, counts = reader.species_of(text)
    title = next(line for line in text.splitlines(keepends=True) if "TITEL" in line)
    with pytest.raises(HavenError, match=f"for {len(counts)} kinds of atoms"):
        reader.species_of(text.replace(title, 2 * title, 1))
    assert reader.species_of(text + text) == (kinds, counts)


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_step_of_an_outcar_that_is_lost_is_not_called_the_last_one_cut_off(lost):
    """The file is cut off at its end, behind the last step's positions."""
    from outcars import outcar

    from haven.trajectory import outcar as reader

    text = outcar([(2, 1e-7)] * 3, ended=False).removesuffix("\n")[:-20]
    assert len(list(reader.frames(text))) == 3
    heads = [found.start() for found in reader.ANY_FORCES.finditer(text)]
    damaged = text[:heads[lost]] + text[heads[lost]:].replace("TOTAL-FORCE", "TOTAL-F0RCE", 1)
    if lost == 2:  # nothing tells it from one whose end is lost
        with pytest.raises(CutOffError, match="step 3 is cut off"):
            list(reader.frames(damaged))
    else:
        with pytest.raises(HavenError, match="1 of 3 steps have no positions"):
            list(reader.frames(damaged))


@pytest.mark.parametrize("doubled", [0, 1, 2])
def test_a_step_of_an_outcar_that_stands_twice_is_refused(doubled):
    from outcars import outcar

    from haven.trajectory import outcar as reader

    text = outcar([(2, 1e-7)] * 3)
    block = list(reader.ANY_FORCES.finditer(text))[doubled]
    end = text.index("-----", block.end())
    end = text.index("\n", end) + 1
    with pytest.raises(HavenError, match=f"step {doubled + 2} stands twice"):
        list(reader.frames(text[:end] + text[block.start():end] + text[end:]))


@pytest.mark.parametrize("lost, end", [(0, "\n"), (3, "\n"), (6, "\n"), (2, "\r\n")])
def test_a_number_that_moved_to_the_line_below_is_seen(tmp_path, said, lost, end):
    """As many numbers as there should be: read on regardless, they would be other columns'."""
    path = tmp_path / "w.dump"
    dump(path, made())
    lines = path.read_text().splitlines()
    row = max(n for n, line in enumerate(lines) if line.startswith("ITEM: ATOMS")) + 1 + lost
    words = lines[row].split()
    lines[row], lines[row + 1] = " ".join(words[:-1]), f"{words[-1]} {lines[row + 1]}"
    path.write_text(end.join(lines) + end, newline="")
    assert f"has {len(words) - 1} columns where {len(words)} are named" in said(path)


@pytest.mark.parametrize("frame", [0, 2])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_of_an_xyz_file_ends_where_it_ends_and_a_cut_frame_has_whole_lines(
        tmp_path, said, frame, end):
    path = tmp_path / "w.extxyz"
    write(path, [Atoms("Li4", np.random.default_rng(n).uniform(0, 9, (4, 3)), cell=[9, 9, 9],
                       pbc=True, info={"time_ps": 0.1 * n}) for n in range(3)])
    lines = path.read_text().splitlines()
    path.write_text(end.join(lines) + end, newline="")
    assert len(list(ase_frames(path, Unsaid()))) == 3
    row = 6 * frame + 5  # the last of its frame, whose end would be the next one's number of atoms
    words = lines[row].split()
    for changed in (f"{' '.join(words[:3])} {words[3][:4]}\r474", f"{words[0]} {words[1]}"):
        spoilt = [*lines[:row], changed, *lines[row + 1:]]
        path.write_text(end.join(spoilt) + end, newline="")
        assert "columns where 4 are due" in said(path) or "letter '\\r'" in said(path)
    # the last frame lacks a row, and another one has lost a number
    path.write_text(end.join([*lines[:-2], " ".join(lines[-2].split()[:3])]) + end, newline="")
    assert "columns where 4 are due" in said(path)


@pytest.mark.parametrize("columns, labels", [
    ("id element x y z", {"Li": "li", "Ti": "Ti4+", "Cl": "Cl_2a"}),
    ("id type x y z", {"Li": "Li", "Ti": "Ti", "Cl": "Cl"}),
    ("id typelabel x y z", {"Li": "Li+", "Ti": "Ti", "Cl": "CL1"})])
def test_labels_of_elements_are_read(tmp_path, columns, labels):
    kind = columns.split()[1]
    dump(tmp_path / "w.dump", made(), columns="id element x y z")
    text = (tmp_path / "w.dump").read_text().replace("id element", f"id {kind}")
    for element, label in labels.items():
        text = text.replace(f" {element} ", f" {label} ")
    (tmp_path / "labelled.dump").write_text(text)
    told = [next(read_frames(tmp_path / name, Unsaid())) for name in ("w.dump", "labelled.dump")]
    assert told[0].symbols.tolist() == told[1].symbols.tolist()


def test_elements_that_a_column_and_the_type_map_say_otherwise_are_refused(tmp_path, said):
    dump(tmp_path / "w.dump", made(), columns="id element x y z")
    assert "and --type_map says otherwise" in said(
        tmp_path / "w.dump", spacing=("--frame_spacing_ps", "1", "--type_map", "Li Na Cl"))


@pytest.mark.parametrize("name", ["w.extxyz", "w.traj", "XDATCAR", "w.dump"])
@pytest.mark.parametrize("spoil, words", [
    (no_number, "not finite|can't be read"), (far_away, "coordinate of"),
    (zeroed, "stand at the origin"), (fewer, "other atoms")])
def test_frames_of_all_atoms_are_checked_as_those_of_ions_are(tmp_path, name, spoil, words):
    if name == "XDATCAR" and spoil is fewer:
        pytest.skip("its format says the atoms once")
    save(tmp_path / name, spoil(made()))
    with pytest.raises(HavenError, match=words) as caught:
        all_atoms.read_frames(tmp_path / name)
    assert name in str(caught.value)


def test_lines_behind_the_last_frame_of_an_xdatcar_are_not_passed_over(tmp_path, said, caplog):
    """A doubled line moves every atom behind it by one place, also in the last frame."""
    path = tmp_path / "XDATCAR"
    save(path, made())
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:-3], lines[-3], *lines[-3:]]))
    assert "stands after the last position" in said(path)
    path.write_text("".join([*lines, "Li Ti Cl\n", "  1.0\n"]))  # the next header, cut off
    assert len(all_atoms.read_frames(path)[1]) == 12
    assert "last frame is cut short and left out" in caplog.text


def numbered(path, frames, first=999_700, step=100):
    """Write an XDATCAR with the numbers VASP gives configurations; frames are places in it."""
    save(path, made(max(frames) + 1))
    head, *parts = re.split(r"Direct configuration=.*\n", path.read_text())
    texts = [f"{first + step * n:6d}" if first + step * n < 10**6 else "******" for n in frames]
    path.write_text(head + "".join(f"Direct configuration={text}\n{parts[n]}"
                                   for text, n in zip(texts, frames, strict=True)))
    return path


def test_configurations_beyond_a_million_have_no_number_and_the_others_are_in_turn(tmp_path, said):
    """VASP writes six digits, and stars from 1000000 on."""
    path = numbered(tmp_path / "XDATCAR", range(8))
    assert path.read_text().count("=******") == 5
    assert len(all_atoms.read_frames(path)[1]) == 8
    numbered(path, [2, 3, 4, 2, 3])  # one number, stars, a restart
    assert len(all_atoms.read_frames(path)[1]) == 5
    assert "999800 follows 999600" not in said(numbered(path, [0, 1, 3, 2]), spacing=())
    lost = numbered(path, [0, 1, 3, 8, 9], first=999_000)
    assert "configuration 999300 follows 999100" in said(lost)


@pytest.mark.parametrize("columns, words", [
    ("id element x y z 1 Li 0.96", "names a column '1'"), ("id element x y z z", "names z twice")])
def test_columns_of_a_dump_have_names_of_their_own(tmp_path, said, columns, words):
    path = tmp_path / "w.dump"
    save(path, made())
    text = path.read_text()
    first = text.index("ITEM: ATOMS", text.index("ITEM: ATOMS") + 1)
    path.write_text(text[:first] + text[first:].replace("id element x y z", columns, 1))
    assert words in said(path)


def typed(path, comment="Atoms. Timestep: {}", kinds=("1", "2", "3")):
    """Write an XYZ file as LAMMPS's dump xyz does, with numbers in place of elements."""
    names = dict(zip(("Li", "Ti", "Cl"), kinds, strict=True))
    text = "".join(f"8\n{comment.format(100 * t)}\n" + "".join(
        f"{names[atom.symbol]} {' '.join(f'{x:.6f}' for x in atom.position)}\n" for atom in atoms)
        for t, atoms in enumerate(made()))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["w.xyz", "w.xyz.gz"])
@pytest.mark.parametrize("comment", ["Atoms. Timestep: {}", "Properties=species:S:1:pos:R:3",
                                     'Properties="species:S:1:pos:R:3" x={}', ""])
def test_an_xyz_file_of_types_is_read_with_their_elements(tmp_path, name, comment):
    with pytest.raises(HavenError, match=rf"{name} names types by number .*give --type_map"):
        next(all_frames(typed(tmp_path / name, comment), Unsaid()))
    found = list(all_frames(tmp_path / name, Unsaid(("Li", "Ti", "Cl"))))
    assert len(found) == 12 and all(frame.symbols.tolist() == SYMBOLS for frame in found)
    assert np.allclose(found[-1].positions, made()[-1].positions, atol=1e-6)


@pytest.mark.parametrize("kinds, given, words", [
    ("123", ("Li", "Ti"), "has an atom of type 3: --type_map names types 1 to 2"),
    ("012", ("Li", "Ti", "Cl"), "has an atom of type 0"),
    ("123", ("Li=Li", "Ti=Ti", "Cl=Cl"), "numbers its types"),
    (("Li", "Ti", "Cl"), ("Li", "Ti", "Cl"), "--type_map has no use with")])
def test_a_type_map_that_does_not_fit_an_xyz_file_is_refused(tmp_path, kinds, given, words):
    with pytest.raises(HavenError, match=words):
        list(all_frames(typed(tmp_path / "w.xyz", kinds=kinds), Unsaid(given)))


@pytest.mark.parametrize("name", ["w.traj", "OUTCAR", "vasprun.xml"])
def test_a_type_map_has_no_use_with_files_that_name_elements(tmp_path, name):
    (tmp_path / name).write_text("x")
    with pytest.raises(HavenError, match="--type_map has no use with"):
        list(all_frames(tmp_path / name, Unsaid(("Li",))))


def test_an_atom_of_no_element_is_refused(tmp_path, said):
    images = made()
    for atoms in images:
        atoms.numbers[2] = 0
    write(tmp_path / "w.traj", images)
    assert "atom 3 is of no element" in said(tmp_path / "w.traj")


@pytest.mark.parametrize("old, new, words", [
    ("1 6.94\n", "1 nan\n", "mass nan is no number"),
    ("1 6.94\n", "1 1 6.94\n", "no type and mass"),
    ("3 atom types", "999999999999 atom types", "its head says 999999999999 types"),
    ("\nAtoms", "\nMasses\n\n1 1\n2 47.867\n3 35.45\n\nAtoms", "section Masses twice")])
def test_a_damaged_topology_is_refused_in_bounded_memory(tmp_path, old, new, words):
    text = ("x\n\n8 atoms\n3 atom types\n\n0 12 xlo xhi\n\nMasses\n\n1 6.94\n2 47.867\n3 35.45\n\n"
            "Atoms # atomic\n\n" + "".join(f"{n + 1} {kind} 0 0 0\n" for n, kind in
                                          enumerate((1, 1, 1, 2, 3, 3, 3, 3))))
    path = tmp_path / "top.data"
    path.write_text(text)
    assert lammps_data(path, ()).tolist() == SYMBOLS
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(HavenError, match=words):
        lammps_data(path, ())


def test_a_damaged_dcd_leaves_one_line_and_no_traceback_of_its_library(tmp_path):
    """MDAnalysis's readers fail once more when they are dropped half made."""
    (tmp_path / "w.dcd").write_bytes(b"T\0\0\0CORD" + bytes(200))
    save(tmp_path / "w.extxyz", made())
    ended = subprocess.run(
        [sys.executable, analyse_transport.__file__, "--trajectory", str(tmp_path / "w.dcd"),
         "--topology", str(tmp_path / "w.extxyz"), "--species", "Li", "--temperature_k", "298",
         "--timestep_ps", "0.1", "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False)
    lines = ended.stderr.strip().splitlines()
    assert ended.returncode == 2 and len(lines) == 1 and "w.dcd" in lines[0], ended.stderr


def test_the_message_of_a_library_that_repeats_a_damaged_file_is_cut():
    words = errors.brief(ValueError("x" * 5000))
    assert len(words) == errors.LONGEST_REASON
    assert errors.brief(ValueError("")) == "ValueError"
