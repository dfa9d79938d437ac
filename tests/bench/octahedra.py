#!/usr/bin/env python3
"""Ask what a potential's force errors around a cation in an octahedron look like.

The errors of the six anions along their bonds are split into the breathing mode (one number), the
tetragonal modes (two: one axis against the others) and the odd modes (three: the two ends of an
axis against one another). Errors without a pattern would give every mode the same mean square. An
excess of the tetragonal ones is what a d electron leaves that changes orbital where the network
is smooth. Prints root mean squares of a mode (eV/A; modes normalised over the six anions), with
95 % intervals of a bootstrap over trajectories, on frames trained on and held out; then how far
the first two potentials err alike.

    bin/build_dataset.py --material M --frames assets/frames/li3ticl6 --u_ev 4 --out D
    tests/bench/octahedra.py --dataset D/u4.dataset assets/models/u4_s?.pb
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))
MODES = {"breathing": 1, "tetragonal": 2, "odd": 3}


def squares(atoms: Atoms, errors: np.ndarray, cation: str, anion: str) -> list[list[float]]:
    """Return sums of squared mode amplitudes, (eV/A)^2, of each cation: one for each of MODES."""
    species = np.array(atoms.get_chemical_symbols())
    i, j, apart, length = neighbor_list("ijDd", atoms, 5.0)
    found = []
    for centre in np.flatnonzero(species == cation):
        near = np.flatnonzero((i == centre) & (species[j] == anion))
        near = near[np.argsort(length[near])[:6]]
        bonds = apart[near] / length[near][:, None]
        along = (errors[j[near]] * bonds).sum(axis=1)
        left, axes = list(range(6)), []
        while left:
            one = left.pop(0)
            other = min(left, key=lambda k: bonds[one] @ bonds[k])
            left.remove(other)
            axes.append((along[one], along[other]))
        ends = np.array(axes)
        even, odd = ends.sum(axis=1) / np.sqrt(2), (ends[:, 0] - ends[:, 1]) / np.sqrt(2)
        breathing = even.sum() ** 2 / 3
        found.append([breathing, (even**2).sum() - breathing, (odd**2).sum()])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("potentials", nargs="+", type=Path)
    parser.add_argument("--dataset", type=Path, required=True, help="made by build_dataset.py")
    parser.add_argument("--cation", default="Ti")
    parser.add_argument("--anion", default="Cl")
    given = parser.parse_args()

    from haven.potential.accuracy import bootstrap_rmse
    from haven.potential.dataset import load
    from haven.potential.families.deepmd.compression import open_potential, predict
    from haven.potential.systems import system_arrays

    content = load(given.dataset)
    names = np.array(content["type_map"])
    evaluators = [open_potential(model) for model in given.potentials]
    found: dict[str, dict[str, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    whole: dict[str, list[list[np.ndarray]]] = defaultdict(lambda: [[] for _ in evaluators])
    for system in content["systems"]:
        arrays = system_arrays(given.dataset / system["path"])
        species = names[arrays["type"]]
        for number, evaluator in enumerate(evaluators):
            known = evaluator.get_type_map()
            coords, cells = arrays["coord"].reshape(len(arrays["coord"]), -1, 3), arrays["box"]
            forces = predict(evaluator, coords, cells.reshape(-1, 3, 3),
                             np.array([known.index(one) for one in species])).force
            errors = forces - arrays["force"].reshape(coords.shape)
            whole[system["subset"]][number].append(errors.ravel())
            for place, box, error in zip(coords, cells, errors, strict=True):
                atoms = Atoms(species, positions=place, cell=box.reshape(3, 3), pbc=True)
                sums = np.array(squares(atoms, error, given.cation, given.anion))
                for column, (mode, size) in enumerate(MODES.items()):
                    key = f"{system['subset']} {mode}"
                    found[key][system["trajectory"]].append(np.sqrt(sums[:, column] / size))
    for key, parts in found.items():
        errors = {trajectory: np.concatenate(some) for trajectory, some in parts.items()}
        middle = np.sqrt((np.concatenate([*errors.values()]) ** 2).mean())
        low, high = bootstrap_rmse(errors, seed=0, samples=2000)
        print(f"{key:18} {middle:.3f} [{low:.3f}, {high:.3f}] eV/A")
    for subset, parts in whole.items():
        if parts[1:]:
            first, second = (np.concatenate(some) for some in parts[:2])
            print(f"{subset:18} errors of the first two potentials correlate by "
                  f"{np.corrcoef(first, second)[0, 1]:.3f}")


if __name__ == "__main__":
    main()
