"""Elements by the names of a topology: HF in its own residue is hafnium, and what is unclear ends.

MDAnalysis guesses from such a name H, from TI no element, from SC sulphur.
"""

from __future__ import annotations

import analyse_transport
import numpy as np
import pytest

from haven.core.errors import HavenError
from haven.trajectory.readers import Unsaid, read_frames

pytest.importorskip("MDAnalysis")

METALS = ("Ti", "Zr", "La", "In", "Sc", "Er", "Sn", "Ge", "Se", "Te", "Nb", "Ta", "Hf", "Co", "Ni",
          "Mn", "Ag", "Sb", "Sr", "Ba", "Ga", "Ca", "W", "Y", "Li", "Na", "Cl", "S", "O", "Si")


def gro(path, names, residue=None):
    """Write atoms of these names, each its own residue of that name, or all in one residue."""
    lines = [f"{1 if residue else i:5d}{residue or name:<5}{name:>5}{i:5d}{0.1 * i:8.3f}{0:8.3f}"
             f"{0:8.3f}" for i, name in enumerate(names, 1)]
    path.write_text("\n".join(["a crystal", str(len(names)), *lines, "   9.0   9.0   9.0"]) + "\n")
    return path


def pdb(path, names, residue=None, elements=None):
    rows = [f"ATOM  {i:5d} {name:<4} {residue or name:>3} A{i:4d}    {0.3 * i:8.3f}{0:8.3f}{0:8.3f}"
            f"  1.00  0.00          {(elements or {}).get(name, ''):>2}"
            for i, name in enumerate(names, 1)]
    cell = "CRYST1   90.000   90.000   90.000  90.00  90.00  90.00 P 1           1"
    path.write_text("\n".join([cell, *rows, "END"]) + "\n")
    return path


def psf(path, atoms):
    """Write names, types and masses as CHARMM does."""
    rows = [f"{i:8d} SYS  {1:<4d} MOL  {name:<4} {kind:<4} {0.0:14.6f}{mass:14.4f}{0:12d}"
            for i, (name, kind, mass) in enumerate(atoms, 1)]
    path.write_text("\n".join(["PSF", "", f"{1:8d} !NTITLE", " none", "",
                               f"{len(atoms):8d} !NATOM", *rows, ""]) + "\n")
    return path


def symbols(path, *given, topology=None):
    return next(read_frames(path, Unsaid(given, topology))).symbols.tolist()


@pytest.mark.parametrize("ending", [gro, pdb])
@pytest.mark.parametrize("change", [str, str.upper])
def test_atoms_that_are_their_own_residue_are_what_their_names_say(tmp_path, ending, change):
    names = [change(name) for name in METALS]
    assert symbols(ending(tmp_path / f"a.{ending.__name__}", names)) == list(METALS)


def test_names_in_one_residue_are_read_where_they_are_clear(tmp_path):
    names = ["TI", "LI", "Hf", "Ca1", "CL2", "NA", "OW", "H1", "C12", "SOD", "ZR"]
    assert symbols(gro(tmp_path / "a.gro", names, "MOL")) == [
        "Ti", "Li", "Hf", "Ca", "Cl", "Na", "O", "H", "C", "Na", "Zr"]


@pytest.mark.parametrize("name, both, told", [
    ("HF", "Hf or H", "Hf"), ("CA", "Ca or C", "C"), ("SN1", "Sn or S", "Sn"),
    ("IN", "In or N", "In"), ("FEA", "Fe or F", "Fe")])
def test_names_that_may_be_two_elements_are_refused_until_one_is_told(tmp_path, name, both, told):
    path = gro(tmp_path / "a.gro", [name, "LI"], "MOL")
    with pytest.raises(HavenError) as refused:
        symbols(path)
    words = str(refused.value)
    assert f"{name} ({both})" in words and "a.gro" in words and "\n" not in words
    assert f"--type_map '{name}={both[:2]}'" in words
    assert symbols(path, f"{name}={told}") == [told, "Li"]


@pytest.mark.parametrize("given, words", [
    (("HF=Hf", "XX=Li"), "--type_map names XX, which no atom of the topology"),
    (("HF=Hf", "Li"), "or NAME=ELEMENT for each name once, not both"),
    (("Li", "Hf", "Cl"), "its topology names elements .Hf, Li., and --type_map says otherwise")])
def test_a_type_map_that_does_not_fit_the_topology_is_refused(tmp_path, given, words):
    with pytest.raises(HavenError, match=words):
        symbols(gro(tmp_path / "a.gro", ["LI", "HF"]), *given)


def test_masses_of_the_file_tell_what_names_and_types_do_not(tmp_path):
    top = psf(tmp_path / "a.psf", [("CA", "CT1", 12.011), ("CA", "CAL", 40.08),
                                   ("OS1", "OS", 15.999), ("X1", "DU", 47.867)])
    crystal = gro(tmp_path / "a.gro", ["C"] * 4)
    assert symbols(crystal, topology=str(top)) == ["C", "Ca", "O", "Ti"]
    for name, mass, words in (("CM", 13.019, "atoms called CM have the mass 13.019 u"),
                              ("LI", 22.99, r"LI .Li or Na.: say which")):
        odd = psf(tmp_path / "b.psf", [(name, "XX", mass)])
        with pytest.raises(HavenError, match=words):
            symbols(gro(tmp_path / "b.gro", ["C"]), topology=str(odd))
    assert symbols(tmp_path / "b.gro", "LI=Li", topology=str(odd)) == ["Li"]


def test_elements_of_the_file_count_before_names_and_those_it_lacks_are_read(tmp_path):
    path = pdb(tmp_path / "a.pdb", ["CA", "TI", "CL"], "MOL", {"CA": "C", "CL": "CL"})
    assert symbols(path) == ["C", "Ti", "Cl"]


@pytest.mark.parametrize("kind", ["dump", "data"])
def test_names_have_no_use_where_types_are_numbers(tmp_path, kind):
    atoms = "Atoms # atomic\n\n1 1 0 0 0\n2 2 3 3 3\n"
    (tmp_path / "top.data").write_text(f"x\n\n2 atoms\n2 atom types\n\n0 9 xlo xhi\n\n{atoms}")
    (tmp_path / "a.dump").write_text(
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\n"
        "ITEM: ATOMS id type x y z\n1 1 0 0 0\n2 2 3 3 3\n")
    path, topology = ((tmp_path / "a.dump", None) if kind == "dump" else
                      (gro(tmp_path / "a.gro", ["LI", "CL"]), str(tmp_path / "top.data")))
    with pytest.raises(HavenError, match="numbers its types: give --type_map as their elements"):
        symbols(path, "LI=Li", topology=topology)
    assert symbols(path, "Li", "Cl", topology=topology) == ["Li", "Cl"]


def test_a_trajectory_of_32_bit_times_far_from_zero_is_read(tmp_path):
    """At 9 ns such times are 0.001 ps apart, frames 0.05 ps; a lost frame is still refused."""
    xdr = pytest.importorskip("MDAnalysis.lib.formats.libmdaxdr")
    rng = np.random.default_rng(1)
    top = pdb(tmp_path / "top.pdb", ["LI"] * 3 + ["CL"] * 3)
    places = np.array([[0.3, 0, 0], [0.6, 0, 0], [0.9, 0, 0], [0, 0.3, 0], [0, 0.6, 0],
                       [0, 0.9, 0]])

    def written(name, frames):
        with xdr.XTCFile(str(tmp_path / name), "w") as stream:
            for number in frames:
                stream.write((places + rng.normal(0, 0.01, places.shape)).astype(np.float32),
                             np.eye(3, dtype=np.float32) * 1.5, number, 9000 + 0.05 * number, 1e4)
        return ["--trajectory", str(tmp_path / name), "--topology", str(top), "--species", "Li",
                "--out", str(tmp_path / "out"), "--no-pictures"]

    analyse_transport.main(written("run_600K.xtc", range(80)))
    assert list((tmp_path / "out").glob("*.diffusion.parquet"))
    with pytest.raises(HavenError, match="not evenly spaced in time: frame 40"):
        analyse_transport.main(written("lost_600K.xtc", [*range(40), *range(41, 80)]))
