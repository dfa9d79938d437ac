"""Haven's trajectory container against HDF5: size, time and memory to write and to read.

``container.py FILE.trajectory.npz`` takes the positions of a run, ``container.py FRAMES IONS``
those of ions that hop and rattle. Each way writes and reads in a process of its own.

- ``haven``: whole steps of 0.001 Angstrom, 12 bits each (`haven.trajectory.container.packing`);
- ``h5md``: ``position/value`` as any reader of H5MD takes it, float32 rounded to 1/1024 Angstrom,
  shuffled and deflated, in chunks of 256 frames and 16 ions, with checksums;
- ``scaled``: the same with HDF5's own rounding (``scaleoffset=3``), which has no checksums;
- ``moves``: steps from frame to frame, int16 (none longer than 32 Angstrom), shuffled and deflated;
  this is not H5MD.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))
from haven.trajectory.trajectory import open_npz, read_members, write_npz

WAYS = ("haven", "h5md", "scaled", "moves")
BYTES = 1 << 25  # of positions read at a time
FRAMES, SOME = 256, 64  # frames of a chunk; frames that are read of all ions
STEP = 0.001  # Angstrom


def made(frames: int, ions: int) -> np.ndarray:
    """Return positions (T, N, 3), Angstrom, of ions that hop by 1.8 and rattle by 0.15."""
    rng = np.random.default_rng(1)
    place, out = rng.random((ions, 3)) * 60, np.empty((frames, ions, 3), np.float32)
    for now in out:
        place += (rng.random((ions, 1)) < 0.005) * rng.normal(0, 1.8, (ions, 3))
        now[:] = place + rng.normal(0, 0.15, (ions, 3))
    return out


def write(way: str, path: Path, held: np.ndarray) -> None:
    """Write positions (T, N, 3)."""
    if way == "haven":
        count = len(held)
        write_npz(path, {"time_ps": np.arange(count) * 0.1, "mobile_angstrom": held,
                         "host_centre_angstrom": np.zeros((count, 3)), "mobile_symbol": "Li",
                         "cell_angstrom": 60 * np.eye(3)}, {})
        return
    options = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
    chunks = (min(FRAMES, len(held)), min(16, held.shape[1]), 3)
    with h5py.File(path, "w") as file:
        if way == "moves":
            first = file.create_dataset("first", (-(-len(held) // FRAMES), *held.shape[1:]), "i4")
            value = file.create_dataset("value", held.shape, "i2", chunks=chunks, **options)
        else:
            value = file.create_dataset("value", held.shape, "f4", chunks=chunks,
                                        **({"scaleoffset": 3} if way == "scaled" else options))
        for start in range(0, len(held), FRAMES):
            block = np.asarray(held[start : start + FRAMES], float)
            if way == "moves":
                whole = np.rint(block / STEP).astype("i4")
                first[start // FRAMES] = whole[0]
                whole[1:] = np.diff(whole, axis=0)
                whole[0] = 0
                block = np.clip(whole, -32768, 32767)
            elif way == "h5md":
                block = np.rint(block * 1024) / 1024
            value[start : start + FRAMES] = block


def of_ions(way: str, path: Path, frames: int, ions: int) -> Iterator[np.ndarray]:
    """Yield positions (T, n, 3) of all ions, a block of ions after another."""
    if way == "haven":
        for _, _, block in open_npz(path).blocks(BYTES):
            yield block
        return
    each = max(16, BYTES // (frames * 12) // 16 * 16)
    with h5py.File(path, rdcc_nbytes=2 * BYTES) as file:
        for start in range(0, ions, each):
            if way != "moves":
                yield file["value"][:, start : start + each]
                continue
            out = np.empty((frames, min(each, ions - start), 3), np.float32)
            for row in range(0, frames, FRAMES):
                moves = file["value"][row : row + FRAMES, start : start + each].astype("i4")
                moves[0] = file["first"][row // FRAMES, start : start + each]
                np.multiply(np.cumsum(moves, axis=0), STEP, out=out[row : row + FRAMES])
            yield out


def of_frames(way: str, path: Path, frames: int) -> None:
    """Read `SOME` frames of all ions, one after another as a viewer does."""
    rows = np.linspace(0, frames - 1, SOME).astype(int)
    if way == "haven":
        open_npz(path).read_frames(rows)
        return
    with h5py.File(path) as file:
        for row in rows if way != "moves" else np.unique(rows // FRAMES * FRAMES):
            file["value"][row if way != "moves" else slice(row, row + FRAMES)]


def one(way: str, what: str, path: Path, source: Path) -> dict[str, float]:
    """Do one thing; return processor time (s), peak of memory (MB) and error (Angstrom)."""
    held = np.load(source, mmap_mode="r")
    frames, ions = held.shape[:2]
    error, began = 0.0, time.process_time()
    if what == "write":
        write(way, path, held)
    elif what == "ions":
        assert sum(block.shape[1] for block in of_ions(way, path, frames, ions)) == ions
    elif what == "frames":
        of_frames(way, path, frames)
    else:
        start = 0
        for block in of_ions(way, path, frames, ions):
            error = max(error, np.abs(block - held[:, start : start + block.shape[1]]).max())
            start += block.shape[1]
    return {"s": time.process_time() - began, "error": float(error),
            "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main(given: list[str]) -> None:
    """Print a row for each way: share of float32, seconds and MB of each thing done."""
    if given[0] == "one":
        print(json.dumps(one(given[1], given[2], Path(given[3]), Path(given[4]))))
        return
    held = (made(int(given[0]), int(given[1])) if len(given) == 2
            else read_members(given[0], "mobile_angstrom")["mobile_angstrom"])
    with TemporaryDirectory() as folder:
        source = Path(folder, "positions.npy")
        np.save(source, held)
        for way in WAYS:
            path, row = Path(folder, f"{way}.npz"), f"{way:8}"
            for what in ("write", "ions", "frames", "error"):
                done = subprocess.run([sys.executable, __file__, "one", way, what, path, source],
                                      capture_output=True, text=True, check=True)
                found = json.loads(done.stdout)
                row += (f"  error {found['error']:.5f}" if what == "error" else
                        f"  {what} {found['s']:.2f} s {found['mb']:.0f} MB")
            print(row, f" size {path.stat().st_size / held.nbytes:.3f} of float32")


if __name__ == "__main__":
    main(sys.argv[1:])
