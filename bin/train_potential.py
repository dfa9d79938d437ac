#!/usr/bin/env python3
"""Train, freeze and compress the deep potential of one U and seed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from haven.core import options, tables, tasks
from haven.core.errors import run
from haven.core.identity import sha256
from haven.potential.curve import curve_rows
from haven.potential.families import trainer
from haven.potential.families.base import UNCOMPRESSED
from haven.potential.tables import LEARNING_CURVE


def main(argv: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "dataset", "u_ev", "out")
    family = trainer()
    family.add_options(parser)
    parser.add_argument("--init_models", help="folder of uncompressed potentials named u4_s1.pb, "
                        "or of dpa4 networks' weights, u4_s1.pt, to start from")
    args = parser.parse_args(argv)

    from haven.material.file import load_material
    from haven.potential import dataset as data
    from haven.potential.training import finished, job_key, provenance

    material, content = load_material(args.material), data.load(args.dataset)
    training = family.read(args)
    card = training.require_gpu() if args.gpu else None
    training.check(content, material.species, args.u_ev)
    name, out = f"u{args.u_ev:g}_s{args.seed}", Path(args.out)
    init = (training.choose_start(args.init_models, args.u_ev, material.species)
            if args.init_models else None)
    key = job_key(content, training.described(),
                  *training.identity(sha256(init) if init else ""))
    folder = Path(args.checkpoint_dir or out / "checkpoints").resolve() / f"{name}_{key}"
    folder.mkdir(parents=True, exist_ok=True)
    with tasks.alone(folder):
        done = finished(folder)
        if done is None:
            training.prepare(folder)
            done = training.make(folder, content, init)
        model = folder / done["model"]
        final = out / f"{name}{model.suffix}"
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model, final)
        frozen = done.get("frozen", done["model"])
        if done["model"] != frozen:
            shutil.copyfile(folder / frozen, out / f"{UNCOMPRESSED}{final.name}")
        curve = curve_rows(training.curve(folder), material.name, args.u_ev, args.seed)
        inputs = {"dataset": content["sha256"], "potential": sha256(final)}
        tables.write(LEARNING_CURVE, curve, out / f"{name}.learning_curve.parquet", inputs)
        about = provenance(training, content, final) | done
        about |= {"material": material.name, "u_ev": args.u_ev, "device": card or "processor",
                  "init_model": init.name if init else None}
        if (weights := training.weights(folder)) is not None:
            kept = out / f"{name}{weights.suffix}"
            shutil.copyfile(weights, kept)
            about["weights_sha256"] = sha256(kept)
        (out / f"{name}.potential.json").write_text(json.dumps(about, indent=1) + "\n")
        if not args.checkpoint_dir:
            tasks.remove(folder)


if __name__ == "__main__":
    run(main)
