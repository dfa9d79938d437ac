"""One small valid input of every kind that Haven reads, made here, and what is read from each.

Files are written into a folder and read as the scripts read them. What is read comes as named
numbers and texts, so that those of a damaged file can be held against those of the whole one.
"""

from __future__ import annotations

import gzip
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests" / "python"),
                str(ROOT / "tests" / "python" / "material")]

from analytic import labelled
from ase import Atoms
from ase.io import write
from others import write_deepmd
from outcars import outcar

Values = dict[str, Any]
CELL = np.array([[12.0, 0, 0], [0, 11, 0], [-4, 0, 10]])
SYMBOLS = ["Li", "Li", "Li", "Ti", "Cl", "Cl", "Cl", "Cl"]
FRAMES = 4
LOST = "left out"  # said of frames that are cut off
DATA = ROOT / "tests" / "data"
MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"


@dataclass(frozen=True)
class Input:
    """One kind of input.

    Attributes
    ----------
    kind
        Row of the table of figures.
    write
        Writes a valid input into a folder and returns the file, or the folder's file to damage.
    read
        Reads the input that the file belongs to, and returns what it says.
    text
        Whether its bytes are text, whose numbers nothing checks.
    plain
        Bytes of a binary file that are plain numbers without a checksum, as (start, stop).
    literal
        Whether ``read`` itself holds every number against the text it was read from.
    """

    kind: str
    write: Callable[[Path], Path]
    read: Callable[[Path], Values]
    text: bool = True
    plain: Callable[[bytes], list[tuple[int, int]]] | None = None
    literal: bool = False


def walk() -> np.ndarray:
    """Unwrapped positions (FRAMES, 8, 3), Angstrom: lithium moves, the host rattles."""
    rng = np.random.default_rng(8)
    corners = np.array(list(np.ndindex(2, 2, 2)), float) / 2 + 0.12
    start = corners @ CELL
    move = rng.normal(0, 0.05, (FRAMES, 8, 3))
    move[:, :3] += np.cumsum(rng.normal(0.3, 0.4, (FRAMES, 3, 3)), axis=0)
    return start + move - move[0]


def images(wrap: bool = True) -> list[Atoms]:
    found = [Atoms(SYMBOLS, positions, cell=CELL, pbc=True) for positions in walk()]
    for number, atoms in enumerate(found):
        if wrap:
            atoms.wrap()
        atoms.info["time_ps"] = 0.1 * number
    return found


def dump_text(columns: str, head: str = "", time: bool = False, box: str = "tilted") -> str:
    """Return a LAMMPS dump with the columns named; ``box``: tilted, straight or general."""
    cell = np.diag(np.diag(CELL)) if box == "straight" else CELL
    lines = [head] if head else []
    for t, positions in enumerate(walk()):
        scaled = positions @ np.linalg.inv(cell)
        image = np.floor(scaled).astype(int)
        bounds = {"tilted": ["ITEM: BOX BOUNDS xy xz yz pp pp pp", "-4 12 0", "0 11 -4", "0 10 0"],
                  "straight": ["ITEM: BOX BOUNDS pp pp pp", "0 12", "0 11", "0 10"],
                  "general": ["ITEM: BOX BOUNDS abc origin pp pp pp", "12 0 0 0", "0 11 0 0",
                              "-4 0 10 0"]}[box]
        lines += [*([f"ITEM: TIME\n{50.0 * t}"] if time else []), "ITEM: TIMESTEP", str(100 * t),
                  "ITEM: NUMBER OF ATOMS", "8", *bounds, f"ITEM: ATOMS {columns}"]
        for i, symbol in enumerate(SYMBOLS):
            at = {"id": i + 1, "element": symbol, "type": ["Li", "Ti", "Cl"].index(symbol) + 1,
                  "mass": {"Li": 6.94, "Ti": 47.867, "Cl": 35.45}[symbol]}
            for names, values in ((("x", "y", "z"), (scaled[i] - image[i]) @ cell),
                                  (("xu", "yu", "zu"), positions[i]),
                                  (("xs", "ys", "zs"), scaled[i] - image[i])):
                at |= {name: f"{value:.6f}" for name, value in zip(names, values, strict=True)}
            at |= dict(zip(("ix", "iy", "iz"), image[i].tolist(), strict=True))
            lines.append(" ".join(str(at[name]) for name in columns.split()))
    return "\n".join(lines) + "\n"


def text_file(name: str, text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        data = text.encode()
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path
    return make


def ase_file(name: str, form: str, wrap: bool = True) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write(folder / name, images(wrap), format=form)
        return folder / name
    return make


def npz_file(name: str, packed: bool = True, compressed: bool = False) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        from haven.trajectory.trajectory import write_npz

        path = walk()
        members = {
            "time_ps": 0.1 * np.arange(FRAMES), "mobile_angstrom": path[:, :3],
            "host_centre_angstrom": path[:, 3:].mean(axis=1), "cell_angstrom": CELL,
            "barycentre_angstrom": path.mean(axis=1), "mobile_symbol": "Li",
            "symbols": np.array(SYMBOLS), "mobile_index": np.arange(3),
            "all_time_ps": np.array([0.0]), "all_angstrom": path[:1].astype(np.float32)}
        meta = {"material": "x", "temperature_k": 600, "verdict": "stable"}
        if compressed:
            np.savez_compressed(folder / name, **members, meta="{}")
            return folder / name
        return write_npz(folder / name, members, meta, **({} if packed else {"resolution": None}))
    return make


def dcd_file(folder: Path) -> Path:
    """Write a DCD as LAMMPS does (records with cell, x, y, z), and a data file beside it."""
    import MDAnalysis
    from MDAnalysis.lib.mdamath import triclinic_box

    universe = MDAnalysis.Universe.empty(8, trajectory=True)
    with MDAnalysis.Writer(str(folder / "w.dcd"), 8) as out:
        for positions in walk():
            universe.atoms.positions = positions
            universe.dimensions = triclinic_box(*CELL)
            out.write(universe.atoms)
    rows = "\n".join(f"{i + 1} {['Li', 'Ti', 'Cl'].index(s) + 1} 0 0 0"
                     for i, s in enumerate(SYMBOLS))
    (folder / "top.data").write_text(f"x\n\n8 atoms\n3 atom types\n\nAtoms # atomic\n\n{rows}\n")
    return folder / "w.dcd"


def dcd_numbers(data: bytes) -> list[tuple[int, int]]:
    """Return the bytes of cells and coordinates: nothing in a DCD checks them."""
    import struct

    at, found = 0, []
    while at + 4 <= len(data):
        (long,) = struct.unpack_from("<i", data, at)
        if long in (48, 32):
            found.append((at + 4, at + 4 + long))
        at += long + 8
    return [*found, (100, 260)]  # and the title


def traj_numbers(data: bytes) -> list[tuple[int, int]]:
    """Return the bytes of arrays in ASE's .traj, and of numbers in its JSON."""
    found = []
    for atoms in images():
        for values in (atoms.numbers, atoms.positions, atoms.cell.array):
            raw = np.ascontiguousarray(values).tobytes()
            at = data.find(raw)
            if at >= 0:  # what fills the room in front of an array says nothing
                found.append((len(data[:at].rstrip(b"#")), at + len(raw)))
    found += [one.span() for one in re.finditer(rb"-?\d+\.\d+(e-?\d+)?", data)]
    return found


def npy_numbers(data: bytes) -> list[tuple[int, int]]:
    """Return the bytes of the numbers of an .npy file, which nothing checks."""
    return [(10 + int.from_bytes(data[8:10], "little"), len(data))]


def trajectory(path: Path, **options: Any) -> Values:
    """Return what a trajectory says, as the analyses open it."""
    from haven.trajectory import opening
    from haven.trajectory.readers import Unsaid
    from haven.trajectory.wanted import Wanted

    known = {"type_map": (), "topology": None, "spacing": None, "changes": False} | options
    scratch = path.parent / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    wanted = Wanted(
        species=("Li",), frame_spacing_ps=known["spacing"], cell_changes=known["changes"],
        unsaid=Unsaid(known["type_map"], known["topology"]))
    held = opening.open_files([path], scratch, wanted)[0]
    positions = held.read(0, held.ions).astype(float)
    return {"time": held.time_ps, "cell": held.cell, "positions": positions, "host": held.host,
            "symbols": list(map(str, held.extra.get("symbols", ())))}


def with_options(**options: Any) -> Callable[[Path], Values]:
    return lambda path: trajectory(path, **options)


def of_dcd(path: Path) -> Values:
    return trajectory(path, spacing=0.1, topology=str(path.parent / "top.data"),
                      type_map=("Li", "Ti", "Cl"))


def structure(path: Path) -> Values:
    """Return frames of all atoms, as radial distribution functions read them."""
    from haven.trajectory.all_atoms import read_frames

    symbols, frames = read_frames(path)
    return {"symbols": symbols, "positions": np.array([one for one, _ in frames]),
            "cell": np.array([cell for _, cell in frames])}


@cache
def crystal(*elements: str) -> Any:
    """Return the shipped material, or one of other elements."""
    from haven.material.file import load_material

    own = load_material(MATERIAL)
    if not elements:
        return own
    return replace(own, composition=dict.fromkeys(elements, 1), charges={}, hubbard={}, moments={})


def frames_of(found: list[Any]) -> Values:
    """Return what labelled frames say."""
    return {"frames": [{
        "symbols": frame.atoms.get_chemical_symbols(), "positions": frame.atoms.positions,
        "cell": frame.atoms.cell.array, "energy": frame.energy, "forces": frame.forces,
        "stress": frame.stress, "moments": frame.moments,
        "converged": frame.info.get("converged", True),
        "trajectory": frame.trajectory, "number": frame.number} for frame in found]}


def own_labels(path: Path) -> Values:
    """Return the frames of a file of Haven's own labels."""
    from haven.labels.frames.reading import read_file

    return frames_of(read_file(path, 4.0, ("Li", "Ti", "Cl")))


def labels(name: str, *elements: str, u_ev: float = 0.0) -> Callable[[Path], Values]:
    """Return a reader of another program's output, through the import and back."""
    def read(path: Path) -> Values:
        from haven.labels.frames.reading import read_folder
        from haven.labels.importing import import_source

        source = next((one for one in path.parents if one.name == "system"), path)
        out = source.parent / "imported"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        written = import_source(source, name, crystal(*elements), out)
        if not written:
            return {"frames": []}
        return frames_of(read_folder(out, u_ev, crystal(*elements).species))
    return read


def label_file(folder: Path) -> Path:
    some = labelled(1, 3, rattle=0.05)
    for atoms in some:
        atoms.info["pulay_stress_ev_per_angstrom3"] = 0.005
        atoms.info["stress-unit"] = "eV/Angstrom^3"
    write(folder / "a.u4.extxyz", some)
    return folder / "a.u4.extxyz"


def foreign_labels(folder: Path) -> Path:
    some = labelled(2, 3, rattle=0.05)
    for atoms in some:
        virial = -atoms.get_stress(voigt=False) * atoms.get_volume()
        atoms.info = {"virial": virial, "converged": True}
        atoms.calc.results.pop("stress")
        atoms.calc.results.pop("magmoms")
    write(folder / "b.xyz", some, format="extxyz")
    return folder / "b.xyz"


def deepmd_file(member: str, raw: bool = False) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        system = write_deepmd(folder / "u4" / "system", labelled(1, 3, rattle=0.03),
                              ["Li", "Ti", "Cl"])
        if raw:
            for path in list((system / "set.000").glob("*.npy")):
                values = np.load(path)
                np.savetxt(system / f"{path.stem}.raw", values.reshape(len(values), -1),
                           fmt="%.12f")
            shutil.rmtree(system / "set.000")
        return system / member
    return make


def copied(source: Path, name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        shutil.copy(source, folder / name)
        return folder / name
    return make


def shipped(*parts: str) -> Path:
    import ase

    return Path(ase.__file__).parent.joinpath("test", "testdata", *parts)


INITIAL = ' name="initialpos"'


def xml() -> str:
    """Return a vasprun.xml of two ionic steps of LiCl."""
    def rows(name: str, *values: str) -> str:
        return f'<varray name="{name}" >\n' + "".join(
            f"   <v> {value} </v>\n" for value in values) + "  </varray>\n"

    basis = rows("basis", "5.00000000 0.00000000 0.00000000", "0.00000000 5.00000000 0.00000000",
                 "0.00000000 0.00000000 5.00000000")

    def place(x: float, name: str = "") -> str:
        return (f"<structure{name}>\n<crystal>\n{basis}</crystal>\n"
                + rows("positions", f"{x:.8f} 0.00000000 0.00000000",
                       "0.50000000 0.50000000 0.50000000") + "</structure>\n")

    def energy(value: float) -> str:
        return "<energy>\n" + "".join(f'<i name="{name}"> {value:.8f} </i>\n' for name in (
            "e_fr_energy", "e_wo_entrp", "e_0_energy")) + "</energy>\n"

    steps = ""
    for number in (1, 2):
        value = -6.5 + 0.01 * number
        steps += ("<calculation>\n" + "".join(
            f"<scstep>\n{energy(value + extra)}</scstep>\n" for extra in (0.5, 0.001, 1e-9))
            + place(0.002 * number)
            + rows("forces", "0.10000000 0.20000000 0.30000000",
                   "-0.10000000 -0.20000000 -0.30000000")
            + rows("stress", "13.37991000 -1.81087000 1.62424000",
                   "-1.81087000 14.49046000 -1.05080000", "1.62424000 -1.05080000 15.28119000")
            + energy(value) + "</calculation>\n")
    points = ('<kpoints>\n<varray name="kpointlist" >\n<v> 0 0 0 </v>\n</varray>\n'
              '<varray name="weights" >\n<v> 1 </v>\n</varray>\n</kpoints>\n')
    return ('<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n<incar>\n'
            '<i type="int" name="NELM"> 60</i>\n<i name="EDIFF"> 0.00000100</i>\n'
            '<i type="int" name="ISIF"> 2</i>\n<i name="ENCUT"> 300.00000000</i>\n</incar>\n'
            '<atominfo>\n<atoms> 2 </atoms>\n<array name="atoms" >\n<set>\n'
            "<rc><c>Li</c><c> 1</c></rc>\n<rc><c>Cl</c><c> 2</c></rc>\n</set>\n</array>\n"
            f"</atominfo>\n{points}{place(0.0, INITIAL)}{steps}</modeling>\n")


def for_ase(text: str) -> str:
    """Return an OUTCAR whose list of pseudopotentials is there twice, as VASP prints it."""
    lines = [line for line in text.splitlines() if line.startswith(" POTCAR:")]
    return text.replace("   VRHFIN", "\n".join(lines) + "\n   VRHFIN", 1)


CIF = """data_x
_symmetry_space_group_name_H-M   'C 2/m'
_symmetry_Int_Tables_number   12
_cell_length_a   6.432
_cell_length_b   11.093
_cell_length_c   6.398
_cell_angle_alpha   90
_cell_angle_beta   109.8
_cell_angle_gamma   90.0
loop_
 _atom_site_type_symbol
 _atom_site_label
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
 Li Li1 0 0.168 0.5 1.0
 Li Li2 0 0.5 0.5 1.0
 In In1 0 0.3325 0 0.07
 In In2 0 0 0 0.875
 Cl Cl1 0.2355 0.16 0.2313 1.0
 Cl Cl2 0.2447 0 0.7612 1.0
"""


CIF_OPERATORS = """# a comment
data_LiCl_operators
_audit_author_name
;
 two lines
 of text
;
_cell_length_a   5.140(2)
_cell_length_b   5.140(2)
_cell_length_c   7.269(3)
_cell_angle_alpha   90
_cell_angle_beta   90.0
_cell_angle_gamma   90.(0)
_space_group_name_H-M_alt   'P 4/m m m'
_space_group_IT_number   123
_chemical_formula_sum   'Li4 Cl4'
_cell_formula_units_Z   1
loop_
_space_group_symop_id
_space_group_symop_operation_xyz
%s
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_symmetry_multiplicity
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li1+ 1 0 0 0 1.
Li2 Li1+ 1 0.5 1/2 0 1.0
Li3 Li1+ 2 0 0.5 0.5 1
Cl1 Cl1- 1 0.5 0.5 0.5 1
Cl2 Cl1- 1 . . 0.5000(4) 1
Cl3 Cl1- 2 0 0.5 0 1
#END
"""


def operators_cif(folder: Path) -> Path:
    """Write a CIF with its operators, uncertainties, multiplicities, texts and open values."""
    turns = ("x,y,z", "-y,x,z", "-x,-y,z", "y,-x,z", "-x,y,z", "y,x,z", "x,-y,z", "-y,-x,z")
    every = [*turns, *(turn[:-1] + "-z" for turn in turns)]
    path = folder / "operators.cif"
    path.write_text(CIF_OPERATORS % "\n".join(
        f"{number} '{one}'" for number, one in enumerate(every, 1)))
    return path


def material(path: Path) -> Values:
    """Return what a material file says."""
    from dataclasses import fields

    from haven.material.file import load_material

    held = load_material(path)
    return {field.name: getattr(held, field.name) for field in fields(held)}


def of_cif(path: Path) -> Values:
    """Return what a CIF becomes, its sites by all their points, in whatever order they come."""
    from haven.material.cif.choices import Choice, material_of
    from haven.material.cif.reading import read_cif

    content, _notes = material_of(path, Choice(name="x"))
    for site in (*content["anion_sites"].values(), *content["cation_sites"].values()):
        site.pop("position", None)
        site.pop("positions", None)
    points = [np.array(sorted(np.round(site.points % 1, 5).tolist()))
              for site in read_cif(path).sites]
    return content | {"points": points}


def by_symmetry(folder: Path) -> Path:
    """Write a material whose sites are one position each."""
    import yaml
    from crystals import CRYSTALS

    path = folder / "material.yml"
    path.write_text(yaml.safe_dump(CRYSTALS["Li3InCl6"], default_flow_style=None))
    return path


def parameter_lines(folder: Path) -> Path:
    """Write one line ``name: value`` for each parameter that has a default."""
    from haven.core import options

    path = folder / "params.yml"
    path.write_text("".join(f"{told.name}: {options.text_of(told.default)}\n"
                            for told in declared().values() if told.default is not None))
    return path


@cache
def declared() -> dict[str, Any]:
    """Return every parameter of the pipeline by its name."""
    from haven import parameters

    return {told.name: told for listed in parameters.parameters().values() for told in listed}


def parameters_of(path: Path) -> Values:
    """Return the values of ``name: value`` lines, as the scripts' options read them."""
    from haven.core import options
    from haven.core.errors import HavenError, existing

    found: Values = {}
    for line in existing(path, "parameters").read_text(errors="replace").splitlines():
        name, mark, value = line.partition(":")
        told = declared().get(name)
        if told is None or not mark:
            raise HavenError(f"{path}: {name[:40]!r} is no parameter: --help lists them")
        try:
            value_of = options.value_of(told, value.strip())
            parts = value_of if isinstance(value_of, tuple) else (value_of,)
            if any(isinstance(part, float) and part not in map(float, NUMBERS.findall(value))
                   for part in parts):
                raise AssertionError(f"{name} is read as {value_of} of {value}")
            found[name] = tuple(part for part in parts if not isinstance(part, str))
        except HavenError as error:
            raise HavenError(f"{path}: {error}") from error
    return {"values": found}


def modes_file(folder: Path) -> Path:
    """Write what an analysed run leaves for its condition."""
    from haven.transport.estimators import modes as sines
    from haven.transport.fits import condition

    rng = np.random.default_rng(0)
    coarse = np.cumsum(rng.normal(0, 0.3, (6, 60, 3)), axis=1).astype(np.float32)
    held = sines.modes(coarse, 1.0, 16, 4)
    keys = {"material": "x", "u_ev": 4.0, "temperature_k": 300.0, "replica": 0, "seed": 1}
    run = condition.Watched(keys, "Li", "stable", True, 12.0, 50.0, 59.0, 3.0, 1e5, held)
    return condition.write_kept_run(run, folder / f"a{condition.ENDING}")


def modes(path: Path) -> Values:
    from dataclasses import asdict

    from haven.transport.fits import condition

    return asdict(condition.read_kept_run(path))


def table_file(folder: Path) -> Path:
    from haven.core import tables
    from haven.core.columns import VERDICTS

    rows = [{"material": "x", "stage": "s", "subject": f"r{i}", "check": "c", "value": 1.0 + i,
             "limit": 2.5, "unit": "K", "passed": True, "message": "m"} for i in range(20)]
    return tables.write(VERDICTS, rows, folder / "a.verdicts.parquet")


def table(path: Path) -> Values:
    from haven.core import tables
    from haven.core.columns import VERDICTS

    return {"rows": tables.read(VERDICTS, path).to_dict("list")}


def data_file(folder: Path) -> Path:
    rows = "\n".join(f"{i + 1} {['Li', 'Ti', 'Cl'].index(s) + 1} 0 0 0"
                     for i, s in enumerate(SYMBOLS))
    path = folder / "top.data"
    path.write_text("x\n\n8 atoms\n3 atom types\n\n0 12 xlo xhi\n\nMasses\n\n1 6.94 # Li\n"
                    f"2 47.867 # Ti\n3 35.45 # Cl\n\nAtoms # atomic\n\n{rows}\n")
    return path


def topology(path: Path) -> Values:
    from haven.trajectory.readers.mdanalysis import lammps_data

    found = lammps_data(path, ())
    return {"symbols": None if found is None else found.tolist()}


def failed_file(folder: Path) -> Path:
    atoms = labelled(1, 1)[0]
    atoms.calc = None
    atoms.info |= {"reason": "not converged in 100 steps"}
    write(folder / "a.failed.extxyz", atoms)
    return folder / "a.failed.extxyz"


def failed(path: Path) -> Values:
    from haven.labels.labelling import failed_rows

    words = ("reason", "engine", "origin", "trajectory")  # free texts
    return {"rows": [{key: value for key, value in row.items() if key not in words}
                     for row in failed_rows(path.parent, "x", 4.0)]}


NUMBERS = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
LICL = ("Li", "Cl")
INPUTS: Mapping[str, Input] = {
    "dump_xyz": Input("LAMMPS dump", text_file("w.dump", dump_text("id element x y z")),
                      with_options(spacing=0.1)),
    "dump_images": Input("LAMMPS dump", text_file("w.dump", dump_text(
        "id type xs ys zs ix iy iz")), with_options(spacing=0.1, type_map=("Li", "Ti", "Cl"))),
    "dump_units": Input("LAMMPS dump", text_file("w.dump", dump_text(
        "id mass xu yu zu", "ITEM: UNITS\nreal", True, "general")), with_options()),
    "dump_changes": Input("LAMMPS dump", text_file("w.dump", dump_text(
        "id element xu yu zu", box="straight")), with_options(spacing=0.1, changes=True)),
    "dump_gz": Input("LAMMPS dump", text_file("w.dump.gz", dump_text("id element xu yu zu")),
                     with_options(spacing=0.1), text=False),
    "extxyz": Input("extxyz trajectory", ase_file("w.extxyz", "extxyz"), with_options()),
    "extxyz_unwrapped": Input("extxyz trajectory", ase_file("w.xyz", "extxyz", wrap=False),
                              structure),
    "xdatcar": Input("XDATCAR, .traj", ase_file("XDATCAR", "vasp-xdatcar"),
                     with_options(spacing=0.1)),
    "traj": Input("XDATCAR, .traj", ase_file("w.traj", "traj"), with_options(), False,
                  traj_numbers),
    "npz_packed": Input("npz", npz_file("w.npz"), with_options(), False),
    "npz_plain": Input("npz", npz_file("w.npz", packed=False), with_options(), False),
    "npz_compressed": Input("npz", npz_file("w.npz", compressed=True), with_options(), False),
    "npz_structure": Input("npz", npz_file("w.npz"), structure, False),
    "dcd": Input("DCD", dcd_file, of_dcd, False, dcd_numbers),
    "topology": Input("LAMMPS data", data_file, topology),
    "labels_own": Input("extxyz labels", label_file, own_labels),
    "labels_foreign": Input("extxyz labels", foreign_labels,
                            labels("u4/b.xyz", u_ev=4.0)),
    "labels_failed": Input("extxyz labels", failed_file, failed),
    "outcar": Input("OUTCAR", text_file("OUTCAR", outcar([(5, 1e-7), (5, 1e-7)])),
                    labels("run/OUTCAR", *LICL)),
    "outcar_trajectory": Input("OUTCAR", text_file("OUTCAR", for_ase(outcar(
        [(2, 1e-7), (2, 1e-7), (2, 1e-7)]))), with_options(spacing=0.1)),
    "vasprun": Input("vasprun.xml", text_file("vasprun.xml", xml()),
                     labels("run/vasprun.xml", *LICL)),
    "vasprun_trajectory": Input("vasprun.xml", text_file("vasprun.xml", xml()),
                                with_options(spacing=0.1)),
    "espresso": Input("Quantum ESPRESSO", copied(DATA / "espresso_ch4.out", "espresso_ch4.out"),
                      labels("run/espresso_ch4.out", "C", "H")),
    "cp2k": Input("CP2K", copied(DATA / "cp2k_h2.out", "cp2k_h2.out"),
                  labels("run/cp2k_h2.out", "H")),
    "gpaw": Input("GPAW", copied(shipped("gpaw_expected_text_output"), "gpaw.txt"),
                  labels("run/gpaw.txt", "H")),
    "deepmd_coord": Input("deepmd sets", deepmd_file("set.000/coord.npy"), labels(
        "u4/system", u_ev=4.0), False, npy_numbers),
    "deepmd_energy": Input("deepmd sets", deepmd_file("set.000/energy.npy"), labels(
        "u4/system", u_ev=4.0), False, npy_numbers),
    "deepmd_virial": Input("deepmd sets", deepmd_file("set.000/virial.npy"), labels(
        "u4/system", u_ev=4.0), False, npy_numbers),
    "deepmd_types": Input("deepmd sets", deepmd_file("type.raw"), labels("u4/system", u_ev=4.0)),
    "deepmd_map": Input("deepmd sets", deepmd_file("type_map.raw"),
                        labels("u4/system", u_ev=4.0)),
    "deepmd_raw": Input("deepmd sets", deepmd_file("force.raw", raw=True),
                        labels("u4/system", u_ev=4.0)),
    "material": Input("material file", copied(MATERIAL, "material.yml"), material),
    "material_symmetry": Input("material file", by_symmetry, material),
    "cif": Input("CIF", text_file("x.cif", CIF), of_cif),
    "cif_operators": Input("CIF", operators_cif, of_cif),
    "parameters": Input("parameters", parameter_lines, parameters_of,
                        literal=True),
    "modes": Input("tables, modes", modes_file, modes, False),
    "table": Input("tables, modes", table_file, table, False),
}
