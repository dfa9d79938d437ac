#!/usr/bin/env python3
"""Compare a potential with training labels, held-out labels and first-principles dynamics."""

from __future__ import annotations

import tempfile
from pathlib import Path

from haven.core import options, tables, tasks
from haven.core.columns import VERDICTS
from haven.core.errors import log, run
from haven.core.identity import sha256
from haven.potential import accuracy
from haven.potential.tables import ACCURACY, PARITY


def main(argv: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "dataset", "potential", "u_ev", "out")
    parser.add_argument("--seed", type=options.whole("seed"), default=1,
                        help="seed the potential was trained with")
    parser.add_argument("--about", help="the potential's potential.json, which names what it was "
                        "trained on")
    parser.add_argument("--aimd", nargs="*", default=[],
                        help="trajectories of run_aimd.py at this U, to test it on as well")
    parser.add_argument("--parity_points", type=options.whole("parity_points", 1), default=2000,
                        help="most energies, and most stresses of a component, in the parity "
                        "table; of forces, whole frames with so many atoms of each element, on "
                        "average over the elements")
    options.add_declared(parser, options.Operation, "threads")
    args = parser.parse_args(argv)

    from haven.material.file import load_material
    from haven.potential import dataset as data
    from haven.potential.families import check_potential, family_of, open_evaluator
    from haven.potential.heldout import (
        add_distances,
        check_u,
        seen_row,
        series_of,
        settings_row,
        with_aimd,
    )

    material, content = load_material(args.material), data.load(args.dataset)
    check_u(content, args.about, args.u_ev)
    model = Path(args.potential)
    check_potential(model, material.species)
    tasks.set_threads(args.threads)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    family_of(model).divert_messages(
        Path(tempfile.gettempdir()) / f"haven_engine_{model.stem}.log")

    evaluator = open_evaluator(model, material.species)
    with tempfile.TemporaryDirectory() as place:
        more = with_aimd(content, args.aimd, args.u_ev, Path(place))
        parts = series_of(evaluator, more)
    means = accuracy.training_means(parts["train"])
    keys = {"material": material.name, "u_ev": args.u_ev, "seed": args.seed}
    rows = [{**keys, "subset": s, **row} for s, p in parts.items()
            for row in accuracy.accuracy_rows(p, means, args.seed)]
    points = [{**keys, "subset": s, **row} for s in ("train", "test")
              for row in accuracy.parity_rows(parts[s], args.parity_points, content["seed"])]
    add_distances(points, content)
    name, out = f"u{args.u_ev:g}_s{args.seed}", Path(args.out)
    inputs = {"potential": sha256(model), "dataset": content["sha256"]}
    tables.write(ACCURACY, rows, out / f"{name}.accuracy.parquet", inputs)
    tables.write(PARITY, points, out / f"{name}.parity.parquet", inputs)
    verdicts = [seen_row(args.about, content, material.name, name)]
    if args.aimd:
        verdicts.append(settings_row(more["aimd_left_out"], material.name, name))
    tables.write(VERDICTS, verdicts, out / f"{name}.verdicts.parquet", inputs)
    for verdict in verdicts:
        if not verdict["passed"]:
            log.warning("%s: %s", name, verdict["message"])
    for row in rows:
        if row["subset"] == "test" and row["species"] == row["component"] == "all":
            log.info("held out, %s: RMSE %.3g %s (mean of the training set: %.3g)",
                         row["quantity"], row["rmse"], row["unit"], row["baseline_rmse"])


if __name__ == "__main__":
    run(main)
