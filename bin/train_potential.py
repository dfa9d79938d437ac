#!/usr/bin/env python3
"""Train, freeze and compress the deep potential of one U and seed."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

from haven import cli, engine, learning, potential, tables


def main(argv: list[str] | None = None) -> None:
    default = potential.Settings()
    parser = cli.parser(__doc__)
    parser.add_argument("--material", required=True, help="material file")
    parser.add_argument("--dataset", required=True, help="folder made by build_dataset.py")
    parser.add_argument("--u_ev", type=float, required=True, help="Hubbard U of the labels, eV")
    parser.add_argument("--embedding", default="10,20,40", help="neurons of the embedding network")
    parser.add_argument("--fitting", default="64,64,64", help="neurons of the fitting network")
    for name in ("seed", "training_steps", "batch_size", "decay_steps", "axis_neurons"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name), help=" ")
    for name in ("cutoff_angstrom", "smooth_angstrom", "learning_rate_start",
                 "learning_rate_stop"):
        parser.add_argument(f"--{name}", type=float, default=getattr(default, name), help=" ")
    parser.add_argument("--precision", choices=("float32", "float64"), default=default.precision,
                        help="of network and descriptor")
    parser.add_argument("--backend", choices=sorted(potential.SUFFIX), default="tensorflow",
                        help="library that trains")
    parser.add_argument("--compress", action="store_true", help="tabulate the embedding network")
    parser.add_argument("--init_model", help="frozen potential to start the weights from")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    parser.add_argument("--checkpoint_dir", help="folder for checkpoints that a retry goes on from")
    parser.add_argument("--out", default=".", help="folder for the results")
    args = parser.parse_args(argv)

    from haven import dataset as data
    from haven.crystal import load_material

    material, content = load_material(args.material), data.load(args.dataset)
    widths = {name: potential.widths(name, getattr(args, name)) for name in ("embedding",
                                                                             "fitting")}
    settings = replace(default, **{
        k: v for k, v in {**vars(args), **widths}.items() if k in asdict(default)})
    potential.check(settings, content, list(material.species), args.u_ev, args.backend)
    name, out = f"u{args.u_ev:g}_s{args.seed}", Path(args.out)
    init = cli.existing(args.init_model, "potential") if args.init_model else None
    key = potential.job_key(content, settings, args.backend, cli.sha256(init) if init else "",
                            str(args.compress))
    folder = Path(args.checkpoint_dir or out / "checkpoints").resolve() / f"{name}_{key}"
    folder.mkdir(parents=True, exist_ok=True)
    done = potential.finished(folder)
    if done is None:
        engine.set_threads(args.threads)
        engine.divert_messages(folder / "engine.log")
        done = potential.make(folder, settings, content, args.backend, init, args.compress)
    model = folder / done["model"]
    final = out / f"{name}{model.suffix}"
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, final)
    curve = learning.curve_rows(folder / "lcurve.out", material.name, args.u_ev, args.seed)
    inputs = {"dataset": content["sha256"], "potential": cli.sha256(final)}
    tables.write("learning_curve", curve, out / f"{name}.learning_curve.parquet", inputs)
    about = potential.provenance(settings, content, final) | done
    about |= {"material": material.name, "u_ev": args.u_ev, "backend": args.backend,
              "threads": args.threads}
    (out / f"{name}.potential.json").write_text(json.dumps(about, indent=1) + "\n")
    if not args.checkpoint_dir:
        shutil.rmtree(folder)


if __name__ == "__main__":
    cli.run(main)
