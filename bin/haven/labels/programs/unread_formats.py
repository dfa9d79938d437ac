"""Formats of labels that Haven recognises but does not read, and how they can be converted.

The commands of ASE and dpdata that are named here write formats that Haven reads; they convert the
units, too.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from haven.core.errors import HavenError

HEAD_BYTES = 20000  # in which programs name themselves


@dataclass(frozen=True)
class Foreign:
    """A format: name, pattern of bytes at the beginning of its files, and how to convert it."""

    what: str
    sign: bytes
    how: str


def _ase(kind: str) -> str:
    return f"ase convert -n : -i {kind} FILE FILE.extxyz"


def _dpdata(kind: str) -> str:
    return f"dpdata FILE -i {kind} -O FOLDER -o deepmd/npy"


EXTXYZ = "write its frames as extxyz, with energies in eV and forces in eV/Angstrom"
BINARY = (
    Foreign("an ASE database", rb"\ASQLite format 3\0", _ase("db")),
    Foreign("HDF5, such as deepmd/hdf5 or VASP's vaspout.h5", rb"\A\x89HDF\r\n",
            f"{_dpdata('deepmd/hdf5')}, or give VASP's vasprun.xml"),
    Foreign("pickled Python, such as pacemaker's data frames", rb"\A\x80[\x02-\x05]",
            f"{EXTXYZ} where you trust the file: reading it runs its code"),
)
FOREIGN = (
    Foreign("FHI-aims' output", rb"Invoking FHI-aims", _ase("aims-output")),
    Foreign("CASTEP's output", rb"CASTEP version|Welcome to .*CASTEP|\|  CCC   AA    SSS  TTTTT",
            _ase("castep-castep")),
    Foreign("ABACUS's log", rb"ABACUS v|Atomic-orbital Based Ab-initio Computation",
            "dpdata JOB_FOLDER -i abacus/scf (abacus/md, abacus/relax) -O FOLDER -o deepmd/npy"),
    Foreign("SIESTA's output", rb"Siesta Version|Executable +: siesta|WELCOME TO SIESTA",
            _dpdata("siesta/output")),
    Foreign("ABINIT's output", rb"Version +\S+ +of ABINIT|\A\s*ABINIT\s",
            f"{_ase('abinit-out')}, from the main output"),
    Foreign("JDFTx's output", rb"\*{9,} JDFTx ", f"{EXTXYZ}, by pymatgen's io.jdftx"),
    Foreign("DFTB+'s output", rb"DFTB\+ release|\|  DFTB\+", EXTXYZ),
    Foreign("PWmat's MOVEMENT", rb"\A\s*\d+ +atoms,? *Iteration", _dpdata("pwmat/movement")),
    Foreign("OpenMX's output", rb"Welcome to OpenMX", _dpdata("openmx/md")),
    Foreign("ORCA's output, of a molecule", rb"\* O   R   C   A \*", EXTXYZ),
    Foreign("Gaussian's output, of a molecule", rb"Entering Gaussian System",
            _dpdata("gaussian/log")),
    Foreign("NWChem's output, of a molecule", rb"Northwest Computational Chemistry Package",
            EXTXYZ),
    Foreign("Quantum ESPRESSO's XML", rb"<qes:espresso", "give the text output of pw.x beside it"),
    Foreign("training data of MTP (mlip's .cfg)", rb"BEGIN_CFG\s+Size",
            f"{EXTXYZ}; PlusStress is minus the stress times the volume, in eV"),
    Foreign("training data of RuNNer or n2p2 (input.data)",
            rb"\A(?:\s*#.*\n)*\s*begin\s*\n(?:comment.*\n)*\s*(?:lattice|atom) ",
            f"{_dpdata('n2p2')} if it is in eV and Angstrom; RuNNer's own units are Hartree and "
            "Bohr"),
    Foreign("training data of VASP's machine learning (ML_AB)", rb"\A\s*1\.0 Version",
            f"{EXTXYZ}, or give the OUTCARs of the runs"),
)


def check_foreign(path: Path, name: str, formats: Sequence[Foreign] = FOREIGN) -> None:
    """Refuse a file of a known format that Haven does not read.

    Parameters
    ----------
    path
        The file, perhaps compressed by gzip inside under a name that does not say so.
    name
        What the user calls it.
    formats
        Formats to look for.

    Raises
    ------
    HavenError
        Naming the format, and a command or a way that converts it.
    """
    head = _head(path)
    for one in formats:
        if re.search(one.sign, head):
            raise HavenError(f"{name} is taken for {one.what}, which is not read: convert it ("
                             f"{one.how})")


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as stream:
                return stream.read(HEAD_BYTES)
        except (OSError, EOFError):
            return head
    return head
