#!/usr/bin/env python3
"""Audit labelled frames of one U and write the training set, split by trajectory."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from haven.core import options, tables
from haven.core.errors import HavenError, log, run
from haven.labels.audit import Limits
from haven.labels.engines.base import LabelSettings
from haven.labels.frames.reading import LabelledFrame
from haven.labels.tables import LABELS
from haven.potential.options import Split


def main(argv: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "u_ev", "out")
    parser.add_argument("--frames", required=True, help="folder of labelled frames, or one file")
    options.add_declared(parser, Split)
    options.add_declared(parser, options.Seed)
    parser.add_argument("--min_frames", type=options.whole("min_frames", 1), default=10,
                        help="fewest accepted frames")
    options.add_declared(parser, Limits)
    options.add_declared(parser, LabelSettings, "dispersion")
    args = parser.parse_args(argv)

    from haven.labels import audit
    from haven.labels.dispersion import with_dispersion
    from haven.labels.frames.reading import us_in_names
    from haven.labels.labelling import failed_rows
    from haven.material.file import load_material
    from haven.potential import dataset

    material = load_material(args.material)
    limits = options.read_options(Limits, args)

    def labelled(u_ev: float) -> list[LabelledFrame]:
        found = dataset.read_frames(args.frames, u_ev, material.species, limits.max_stress_gpa)
        return with_dispersion(found, args.dispersion)

    frames = labelled(args.u_ev)
    others = {u_ev: labelled(u_ev)
              for u_ev in us_in_names(args.frames) if u_ev != args.u_ev}
    reasons = audit.audit(frames, limits, others)
    name, out = f"u{args.u_ev:g}", Path(args.out)
    rows = dataset.label_rows(frames, reasons, material.name, args.u_ev)
    rows += failed_rows(args.frames, material.name, args.u_ev)
    tables.write(LABELS, rows, out / f"{name}.labels.parquet", {"frames": args.frames})
    for frame, reason in zip(frames, reasons, strict=True):
        if reason:
            log.warning("left out: %s: %s", frame.where, reason)
    kept = [f for f, reason in zip(frames, reasons, strict=True) if not reason]
    kept, told = audit.with_one_stress(kept)
    if told:
        log.warning("%s", told)
    if len(kept) < args.min_frames:
        counts = Counter(audit.kind_of(reason) for reason in reasons if reason)
        why = ", ".join(f"{number} {kind}" for kind, number in counts.items())
        raise HavenError(f"{args.frames}: {len(kept)} usable frames for U = {args.u_ev:g} eV, "
                             f"at least {args.min_frames} are needed"
                             + (f" (left out: {why})" if why else ": label more"))
    held = dataset.choose_test(
        [f.trajectory for f in frames],
        [f"{len(f.atoms)} {f.info.get('origin', 'imported')}" for f in frames],
        args.test_share, args.seed,
    )
    folder = out / f"{name}.dataset"
    shutil.rmtree(folder, ignore_errors=True)
    dataset.write_dataset(kept, held, list(material.species), folder,
                          {"material": material.name, "u_ev": args.u_ev, "seed": args.seed,
                           "settings": audit.usual_settings(kept)})


if __name__ == "__main__":
    run(main)
