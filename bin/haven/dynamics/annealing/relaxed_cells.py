"""Cells at rest: annealed with the potential and relaxed, for each set of occupancies."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.errors import log
from haven.core.identity import digest_of, sha256
from haven.core.types import Row
from haven.dynamics.annealing.anneal import anneal_built
from haven.dynamics.inputs import DynamicsInputs
from haven.labels.cell_relaxation import read_relaxed
from haven.material.disorder import draw_supercell
from haven.material.relaxation import (
    COARSE,
    POTENTIAL,
    conventional,
    misfit,
    relax_cell,
    system_name,
)
from haven.material.structures import walls_of
from haven.potential.coverage import read_coverage
from haven.potential.families import calculator

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material

SWEEPS = 40  # trial moves a site of the lattice model that places the cations
FIRST_PRINCIPLES = "first principles"


@dataclass
class CellsAtRest:
    """Cells relaxed with one potential, one after another.

    Attributes
    ----------
    material, potential
        The crystal, and the potential's file.
    given
        Options of ``bin/relax_cell.py``.
    rows, verdicts
        Rows of tables ``lattice`` and ``verdicts`` so far.
    cells
        The relaxed cells so far.
    """

    material: Material
    potential: Path
    given: argparse.Namespace
    rows: list[Row] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    cells: list[Atoms] = field(default_factory=list)
    _calculator: Any = None

    def with_occupancies(self) -> None:
        """Relax cells of each set of occupancies, as many replicas as the options ask for.

        A set that cells of this size miss by more than `COARSE`, or hold as they hold an earlier
        set, is left out with a message.
        """
        done: dict[tuple, str] = {}  # counts of a cell of whole atoms to the set relaxed with them
        for occupancies in self.material.occupancies:
            for replica in range(self.given.relax_replicas):
                atoms, sites = draw_supercell(
                    self.material, self.given.relax_supercell, occupancies,
                    self.given.seed + replica, SWEEPS)
                if (off := misfit(sites)) > COARSE:
                    log.warning("%s: cells of %d atoms miss its occupancies by %.3f and are left "
                                "out; take a larger --relax_supercell", occupancies, len(atoms),
                                off)
                    break
                counts = tuple(sorted((str(row["site"]), str(row["species"]), str(row["count"]))
                                      for row in sites))
                if done.setdefault(counts, occupancies) != occupancies:
                    log.info("%s: cells of %d atoms hold it as they hold %s, which is relaxed "
                             "already", occupancies, len(atoms), done[counts])
                    break
                atoms.info = {"occupancies": occupancies,
                              "system": system_name(self.material, occupancies)}
                annealed, start = self._annealed(atoms, f"{occupancies}_r{replica}")
                found = self._relaxed(annealed, self.given.relax_supercell, replica, start)
                log.info("%s, replica %d: a %.3f b %.3f c %.3f Angstrom, beta %.2f degree%s",
                         occupancies, replica, found["a_angstrom"], found["b_angstrom"],
                         found["c_angstrom"], found["beta_degree"],
                         "" if found["converged"] else ": not converged")

    def of_labels(self, paths: Sequence[str]) -> None:
        """Relax the cells that were relaxed from first principles, and add the rows of both.

        Parameters
        ----------
        paths
            Steps of these relaxations, as ``bin/relax_first_principles.py`` writes them.
        """
        for path in paths:
            row, start = read_relaxed(path, self.material, self.given.u_ev,
                                      self.given.force_tolerance_ev_per_angstrom)
            self._relaxed(start, (1, 1, 1), 0, FIRST_PRINCIPLES)
            self._add(0, FIRST_PRINCIPLES, row)

    def conventional_cell(self) -> Atoms:
        """Relax one conventional cell of whole atoms, and return it."""
        atoms, start = self._annealed(conventional(self.material, self.given.seed), "conventional")
        self._relaxed(atoms, (1, 1, 1), 0, start)
        return self.cells[-1]

    def _annealed(self, atoms: Atoms, subject: str) -> tuple[Atoms, str]:
        """Return a cell whose ions have found their order, and a word on how it starts."""
        inputs = DynamicsInputs(
            self.material, atoms, (self.potential,), walls_of(self.material),
            digest_of(atoms.positions.tolist(), atoms.cell.array.tolist()),
            (sha256(self.potential),), read_coverage(self.potential))
        done, start, more = anneal_built(inputs, self.given, f"u{self.given.u_ev:g}_{subject}")
        self.verdicts += more
        return done, start

    def _relaxed(self, atoms: Atoms, repeat: tuple[int, int, int], replica: int, start: str) -> Row:
        """Relax a cell of ``repeat`` conventional ones; add its row, and return what was found."""
        about = {name: atoms.info[name] for name in ("occupancies", "system")}
        self._calculator = self._calculator or calculator(self.potential, atoms)
        atoms.calc = self._calculator
        found = relax_cell(atoms, repeat, self.given.force_tolerance_ev_per_angstrom)
        self._add(replica, start, {**about, "engine": POTENTIAL, "atoms": len(atoms), **found})
        self.cells.append(atoms.copy())
        return found

    def _add(self, replica: int, start: str, row: Row) -> None:
        self.rows.append({"material": self.material.name, "u_ev": self.given.u_ev,
                          "seed": self.given.seed, "replica": replica, "start": start, **row})
