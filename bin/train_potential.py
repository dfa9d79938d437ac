#!/usr/bin/env python3
"""Train, freeze and compress the deep potential of one U and seed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from haven.core import options, tables
from haven.core import tasks as guard
from haven.core.errors import run
from haven.core.identity import sha256
from haven.potential import curve as learning
from haven.potential import training as potential
from haven.potential.families.deepmd import process as engine
from haven.potential.families.deepmd import train
from haven.potential.families.deepmd.files import WEIGHTS
from haven.potential.families.deepmd.options import add_options, settings_of
from haven.potential.tables import LEARNING_CURVE


def main(argv: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    parser.add_argument("--material", required=True, help="material file")
    parser.add_argument("--dataset", required=True, help="folder made by build_dataset.py")
    parser.add_argument("--u_ev", type=float, required=True, help="Hubbard U of the labels, eV")
    add_options(parser)
    parser.add_argument("--init_models", help="folder of uncompressed potentials named u4_s1.pb, "
                        "or of dpa4 networks' weights, u4_s1.pt, to start from")
    parser.add_argument("--out", default=".", help="folder for the results")
    args = parser.parse_args(argv)

    from haven.material.file import load_material
    from haven.potential import dataset as data
    from haven.potential.start import choose_start

    material, content = load_material(args.material), data.load(args.dataset)
    card = guard.require_gpu(args.backend) if args.gpu else None
    settings = settings_of(args)
    train.check(settings, content, list(material.species), args.u_ev, args.backend)
    name, out = f"u{args.u_ev:g}_s{args.seed}", Path(args.out)
    init = (choose_start(args.init_models, args.u_ev, args.seed, material.species,
                         settings.descriptor) if args.init_models else None)
    key = potential.job_key(content, settings, args.backend, sha256(init) if init else "",
                            str(args.compress))
    folder = Path(args.checkpoint_dir or out / "checkpoints").resolve() / f"{name}_{key}"
    folder.mkdir(parents=True, exist_ok=True)
    with guard.alone(folder):
        done = potential.finished(folder)
        if done is None:
            guard.set_threads(args.threads)
            engine.divert_messages(folder / "engine.log")
            done = train.make(folder, settings, content, args.backend, init, args.compress)
        model = folder / done["model"]
        final = out / f"{name}{model.suffix}"
        out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model, final)
        frozen = done.get("frozen", done["model"])
        if done["model"] != frozen:
            shutil.copyfile(folder / frozen, out / f"uncompressed_{final.name}")
        curve = learning.curve_rows(folder / "lcurve.out", material.name, args.u_ev, args.seed)
        inputs = {"dataset": content["sha256"], "potential": sha256(final)}
        tables.write(LEARNING_CURVE, curve, out / f"{name}.learning_curve.parquet", inputs)
        about = potential.provenance(settings, content, final) | done
        about |= {"material": material.name, "u_ev": args.u_ev, "backend": args.backend,
                  "threads": args.threads, "device": card or "processor",
                  "init_model": init.name if init else None}
        if settings.descriptor == "dpa4":
            shutil.copyfile(folder / f"frozen{WEIGHTS}", out / f"{name}{WEIGHTS}")
            about["weights_sha256"] = sha256(out / f"{name}{WEIGHTS}")
        (out / f"{name}.potential.json").write_text(json.dumps(about, indent=1) + "\n")
        if not args.checkpoint_dir:
            guard.remove(folder)


if __name__ == "__main__":
    run(main)
