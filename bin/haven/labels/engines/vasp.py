"""The label engine VASP: complete inputs, a run where the site has the program, outputs read."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, log
from haven.labels.engines.base import LabelSettings
from haven.labels.programs.vasp import hubbard_by_element, last_step_converged, species_of
from haven.material.crystal import Material

if TYPE_CHECKING:
    from ase import Atoms

GGA = {"PW91": "91", "PBE": "PE", "PBEsol": "PS", "RPBE": "RP"}
SHELLS = {"s": 0, "p": 1, "d": 2, "f": 3}
ACCURACY_EV = 1e-6  # EDIFF


def incar(atoms: Atoms, material: Material, settings: LabelSettings, u_ev: float) -> dict[str, Any]:
    """Return the INCAR of a single point as ASE's names and values.

    U is Dudarev's U - J (LDAUTYPE 2) on the shells the material names; spins start at the
    material's moments and their sum is held (NUPDOWN), as in the other engine.

    Raises
    ------
    HavenError
        If VASP has no such functional or the material names a shell other than s, p, d, f.
    """
    if settings.functional not in GGA:
        raise HavenError(f"functional {settings.functional}: the engine vasp has "
                         f"{', '.join(GGA)}")
    unknown = [shell for shell in material.hubbard.values() if shell not in SHELLS]
    if unknown:
        raise HavenError(f"material {material.name}: hubbard names shell {unknown[0]}: choose "
                         "from s, p, d, f")
    moments = material.moments_of(atoms)
    keys: dict[str, Any] = {
        "pp": "PBE", "gga": GGA[settings.functional], "encut": settings.plane_wave_cutoff_ev,
        "kpts": settings.kpoints(np.asarray(atoms.cell)), "gamma": True, "prec": "Accurate",
        "ediff": ACCURACY_EV, "nelm": settings.maximum_steps, "nsw": 0, "ibrion": -1, "isif": 2,
        "isym": 0, "ismear": -1, "sigma": settings.width_ev(u_ev), "lreal": False,
        "lasph": True, "algo": "Normal", "lwave": True, "lcharg": True, "lorbit": 11,
    }
    if any(moments):
        keys |= {"ispin": 2, "magmom": moments, "nupdown": round(sum(moments))}
    acting = {symbol: u for symbol, u in material.hubbard_ev(u_ev).items()
              if symbol in atoms.get_chemical_symbols()}
    if acting:
        largest = max(SHELLS[material.hubbard[symbol]] for symbol in acting)
        keys |= {
            "ldau": True, "ldautype": 2, "lmaxmix": 2 * largest,
            "ldau_luj": {symbol: {"L": SHELLS[material.hubbard[symbol]], "U": u, "J": 0.0}
                         for symbol, u in acting.items()},
        }
    return keys


def write_inputs(atoms: Atoms, keys: dict[str, Any], folder: Path) -> None:
    """Write INCAR, KPOINTS, POSCAR and POTCAR, and ``ase-sort.dat`` with the order of the atoms.

    Raises
    ------
    HavenError
        If the pseudopotentials are not where VASP_PP_PATH says.
    """
    from ase.calculators.vasp import Vasp as Calculator

    place = os.environ.get("VASP_PP_PATH")
    if not place or not Path(place).is_dir():
        raise HavenError("the engine vasp needs its pseudopotentials: set VASP_PP_PATH to the "
                         "folder that holds potpaw_PBE")
    folder.mkdir(parents=True, exist_ok=True)
    calculator = Calculator(directory=str(folder), **keys)
    try:
        calculator.write_input(atoms)
    except (RuntimeError, FileNotFoundError, ValueError) as error:
        raise HavenError(f"VASP's inputs can't be written: {' '.join(str(error).split())[:200]}: "
                         "check VASP_PP_PATH") from error


def converged(outcar: str) -> bool:
    """Tell from an OUTCAR's text whether self-consistency was reached in its last ionic step.

    VASP 5 says so at the end of every cycle; see `haven.labels.programs.vasp.step_converged`.
    """
    return last_step_converged(outcar)


def check_hubbard(outcar: str, atoms: Atoms, wanted: Mapping[str, float]) -> None:
    """Refuse a label whose run did not act with the U asked for.

    Parameters
    ----------
    outcar
        Text of the run's OUTCAR.
    atoms
        What was labelled.
    wanted
        U - J in eV by element; of elements left out 0.

    Raises
    ------
    HavenError
        If OUTCAR says another U for an element, or does not say its U.
    """
    kinds, _ = species_of(outcar)
    found = hubbard_by_element(outcar, kinds)
    asked = {symbol: u for symbol, u in wanted.items() if u and symbol in atoms.symbols}
    if found is None or {k: round(v, 4) for k, v in found.items()} != {
            k: round(v, 4) for k, v in asked.items()}:
        def said(values: Mapping[str, float] | None) -> str:
            words = [f"{symbol} {u:g}" for symbol, u in sorted((values or {}).items())]
            return "unknown" if values is None else ", ".join(words) or "none"
        raise HavenError(f"VASP ran with U = {said(found)} eV, asked for was {said(asked)}: its "
                         "INCAR was changed on the way, or another program stands in HAVEN_VASP")


def electronic_steps(outcar: str) -> int:
    """Return the number of electronic steps of the last ionic step."""
    return int(max((m for _, m in re.findall(r"Iteration\s+(\d+)\(\s*(\d+)\)", outcar)),
                   key=int, default=0))


def read_outputs(folder: Path) -> dict[str, Any] | None:
    """Return the label of a finished run, None if unconverged; see `engines.base.Engine`.

    Raises
    ------
    HavenError
        If OUTCAR is missing or cut off.
    """
    from ase.io import read

    path = folder / "OUTCAR"
    text = path.read_text(errors="replace") if path.exists() else ""
    if "General timing and accounting" not in text:
        raise HavenError(f"{path} is missing or cut off: VASP did not end; see {folder}")
    if not converged(text):
        return None
    found: Any = read(path, index=-1)
    order = (np.loadtxt(folder / "ase-sort.dat", dtype=int, ndmin=2)[:, 1]
             if (folder / "ase-sort.dat").exists() else np.arange(len(found)))
    results = found.calc.results
    moments = results.get("magmoms")
    # ASE gives the magnetization only for spin-polarised runs
    moments = np.zeros(len(found)) if moments is None else np.asarray(moments, float)
    cores = re.search(r"running(?: on)?\s+(\d+) (?:total cores|mpi-ranks|nodes)", text)
    elapsed = re.search(r"Elapsed time \(sec\):\s+([\d.]+)", text)
    return {
        "energy": float(results["free_energy"]), "forces": results["forces"][order],
        "stress": np.asarray(results["stress"], float), "magmoms": moments[order],
        "magmom": float(results.get("magmom", moments.sum())),
        "scf_steps": electronic_steps(text), "cores": int(cores.group(1)) if cores else 1,
        "wall_s": float(elapsed.group(1)) if elapsed else 0.0, "cpu_s": None, "tries": 1,
        "rung": "one run",
    }


class Vasp:
    """VASP in one folder: WAVECAR and CHGCAR carry over from U to U, and in a cell to the next.

    The program is ``HAVEN_VASP`` (such as ``srun vasp_std``), else ``vasp_std`` on PATH.
    """

    def __init__(self, material: Material, settings: LabelSettings, folder: Path) -> None:
        self.material = material
        self.settings = settings
        self.folder = folder
        self.version = "vasp"
        self.cell: np.ndarray | None = None
        self.command = shlex.split(os.environ.get("HAVEN_VASP", "vasp_std"))
        if not self.command or shutil.which(self.command[0]) is None:
            raise HavenError(f"the engine vasp needs {' '.join(self.command) or 'a program'}, "
                             "which is not on PATH: load its module, or name it in HAVEN_VASP")

    def ways(self, u_ev: float) -> str:
        """Return in words the attempts of a frame: VASP is run once."""
        return "one run"

    def label(self, atoms: Atoms, u_evs: list[float]) -> Iterator[tuple[float, dict[str, Any]]]:
        """Yield (U, results) as `haven.labels.engines.base.Engine` says."""
        if self.cell is None or not np.allclose(self.cell, atoms.cell):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.cell = np.array(atoms.cell)
        for u_ev in sorted(u_evs):
            write_inputs(atoms, incar(atoms, self.material, self.settings, u_ev), self.folder)
            (self.folder / "OUTCAR").unlink(missing_ok=True)
            self._run()
            result = read_outputs(self.folder)
            if result is None:
                log.warning("  U = %g eV: not converged in %d steps", u_ev,
                            self.settings.maximum_steps)
                shutil.rmtree(self.folder, ignore_errors=True)
                continue
            check_hubbard((self.folder / "OUTCAR").read_text(errors="replace"), atoms,
                          self.material.hubbard_ev(u_ev))
            self.version = version(self.folder / "OUTCAR")
            yield u_ev, result

    def _run(self) -> None:
        start = time.monotonic()
        with (self.folder / "screen.txt").open("wb") as screen:
            done = subprocess.run(self.command, cwd=self.folder, stdin=subprocess.DEVNULL,
                                  stdout=screen, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            last = (self.folder / "screen.txt").read_text(errors="replace").split("\n")
            said = next((line.strip() for line in reversed(last) if line.strip()), "nothing")
            raise HavenError(f"{' '.join(self.command)} ended with status {done.returncode} after "
                             f"{time.monotonic() - start:.0f} s: {said[:160]}")


def version(outcar: Path) -> str:
    """Return the program's name and version, the first word of an OUTCAR."""
    with outcar.open(errors="replace") as stream:
        words = stream.readline().split()
    return words[0] if words else "vasp"
