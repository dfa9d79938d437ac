#!/usr/bin/env python3
"""Choose frames of a run beyond the force window, unlike one another, to be labelled.

A frame is beyond where its calibrated force error, the ensemble's deviation times the factor that
makes it the true error on held-out labels, exceeds the window. Without held-out labels the
deviation counts as it is.
"""

from __future__ import annotations

from pathlib import Path

from haven.core import options
from haven.core.errors import existing, log, run
from haven.dynamics.options import Dynamics


def main(argv: list[str] | None = None) -> None:
    """Write NAME.beyond.extxyz where frames are beyond."""
    parser = options.parser(__doc__)
    options.add_given(parser, "u_ev", "temperature_k", out="folder for the result")
    parser.add_argument("--trajectory", required=True, help="trajectory that run_dynamics.py wrote")
    parser.add_argument("--parity", nargs="*", default=[], help="tables parity of "
                        "test_potential.py, of every potential of the ensemble")
    options.add_declared(parser, Dynamics, "force_window_ev_per_angstrom")
    options.add_name(parser)
    args = parser.parse_args(argv)

    from haven.core import tables
    from haven.dynamics.trust import deviations_of, export, frames_of
    from haven.potential.gate import gates
    from haven.potential.tables import PARITY
    from haven.trajectory.trajectory import open_npz

    trajectory = open_npz(existing(args.trajectory, "trajectory"))
    name = args.name or Path(args.trajectory).name.removesuffix(".trajectory.npz")
    window = args.force_window_ev_per_angstrom
    gate = gates(tables.read(PARITY, *args.parity), window).get(args.u_ev) if args.parity else None
    scale = gate.scale if gate is not None else None
    if scale is None:
        log.info("%s: no held-out frames of an ensemble calibrate the deviation: it counts as it "
                 "is", name)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    written = export(lambda rows: frames_of(trajectory, rows), deviations_of(trajectory), scale,
                     window, out / f"{name}.beyond.extxyz", name, args.temperature_k)
    if not written:
        log.info("%s: no frame is beyond the force window", name)


if __name__ == "__main__":
    run(main)
