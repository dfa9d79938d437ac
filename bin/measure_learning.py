#!/usr/bin/env python3
"""Train on shares of a data set: error on the same held-out trajectories against its size."""

from __future__ import annotations

from pathlib import Path

from haven.core import options, tables, tasks
from haven.core.errors import log, run
from haven.potential.families import trainer
from haven.potential.tables import DATA_CURVE


def main(argv: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "dataset", "u_ev", "out",
                      potential="potential trained on all of it")
    parser.add_argument("--shares", default="0.25,0.5", help="shares of the training frames")
    family = trainer()
    family.add_options(parser)
    args = parser.parse_args(argv)

    from haven.material.file import load_material
    from haven.potential import data_size as shares
    from haven.potential import dataset as data
    from haven.potential.families import check_potential
    from haven.potential.training import job_key

    training = family.read(args)
    if args.gpu:
        training.require_gpu()
    material, content = load_material(args.material), data.load(args.dataset)
    training.check(content, material.species, args.u_ev)
    check_potential(args.potential, material.species)
    wanted = shares.read_shares(args.shares)
    name, out = f"u{args.u_ev:g}_s{args.seed}", Path(args.out)
    place = Path(args.checkpoint_dir or out / "checkpoints").resolve()
    rows = []
    for part in shares.parts_of(content, wanted):
        key = job_key(part, training.described(), *training.identity("share"))
        folder = place / f"{name}_{key}"
        folder.mkdir(parents=True, exist_ok=True)
        task = shares.Task(folder, part, training, material.species,
                           Path(args.potential) if part is content else None)
        with tasks.alone(folder):
            measured = list(shares.measure(task))
            if not args.checkpoint_dir:
                tasks.remove(folder)
        for row in measured:
            rows.append({"material": material.name, "u_ev": args.u_ev, "seed": args.seed,
                         "share": part["frames"]["train"] / content["frames"]["train"],
                         "frames_train": part["frames"]["train"],
                         "training_steps": training.steps, **row})
            if row["quantity"] == "force":
                log.info("%d frames: held-out force RMSE %.3g %s",
                             part["frames"]["train"], row["rmse"], row["unit"])
    tables.write(DATA_CURVE, rows, out / f"{name}.data_curve.parquet",
                 {"dataset": content["sha256"]})


if __name__ == "__main__":
    run(main)
