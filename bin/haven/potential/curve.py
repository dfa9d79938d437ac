"""The learning curve of a training: reading it, and logging it while the training runs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from haven.core.errors import log


def read_curve(path: Path) -> list[dict[str, float]]:
    """Return the lines of DeePMD-kit's learning curve, the latest of each step, by step."""
    header: list[str] = []
    rows: dict[int, dict[str, float]] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("# ") and " lr" in line:
            header = line[1:].split()
        elif line and not line.startswith("#"):
            values = line.split()
            if len(values) == len(header):
                rows[int(values[0])] = dict(zip(header, map(float, values), strict=True))
    return [rows[step] for step in sorted(rows)]


def measure_of(row: dict[str, float]) -> str:
    """Return what a line of the learning curve measures errors by, ``rmse`` or ``mae``."""
    return "rmse" if "rmse_f_trn" in row else "mae"


def curve_rows(path: Path, material: str, u_ev: float, seed: int) -> list[dict[str, Any]]:
    """Return the learning curve as rows of table ``learning_curve``."""
    return [
        {
            "material": material, "u_ev": u_ev, "seed": seed, "step": int(row["step"]),
            "learning_rate": row["lr"], "measure": (measure := measure_of(row)),
            "energy_error_train_ev_per_atom": row[f"{measure}_e_trn"],
            "energy_error_test_ev_per_atom": row.get(f"{measure}_e_val"),
            "force_error_train_ev_per_angstrom": row[f"{measure}_f_trn"],
            "force_error_test_ev_per_angstrom": row.get(f"{measure}_f_val"),
        }
        for row in read_curve(path)
    ]


@contextlib.contextmanager
def progress(curve: Path, total: int) -> Iterator[None]:
    """Log how far the training is, every few seconds, while the ``with`` statement runs."""
    done = threading.Event()

    def follow() -> None:
        began: tuple[float, float] | None = None
        last = -1.0
        while not done.wait(5.0):
            rows = read_curve(curve)
            if not rows or rows[-1]["step"] == last:
                continue
            now, row = time.monotonic(), rows[-1]
            measure = measure_of(row)
            began, last = began or (now, row["step"]), row["step"]
            speed = (last - began[1]) / max(now - began[0], 1e-9)
            left = f"{(total - last) / speed:.0f} s left" if speed > 0 else "timing"
            log.info("step %d of %d: energy %.2g eV/atom, force %.3f eV/A (held out %.3f), %s",
                     last, total, row[f"{measure}_e_trn"], row[f"{measure}_f_trn"],
                     row.get(f"{measure}_f_val", float("nan")), left)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
