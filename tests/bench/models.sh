#!/usr/bin/env bash
# Makes assets/models anew from the shipped frames, with small as first argument the fast potentials of assets/models/small, with
# small_d3bj those of labels with dispersion, or with dpa4 assets/models/dpa4 (./haven setup --pytorch):
# trains two potentials for each U, larger and longer than the demo's, tests them, copies them with provenance, errors and
# checksums. HAVEN_SCRATCH names a folder to work in: called again with it, the trainings go on from their checkpoints. Further
# options go to nextflow run. About 13 minutes of one core a potential, 5 for a small one, half an hour with dpa4.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
place=${HAVEN_SCRATCH:-$(mktemp -d "${TMPDIR:-/tmp}/haven-models.XXXXXX")}
target=$root/assets/models kept=pb profile=demo
network=(--cutoff_angstrom 7 --embedding 25,50,100 --axis_neurons 16 --fitting 120,120,120 --fitting_activation gelu
  --training_steps 40000 --learning_rate_stop 1e-5 --decay_steps 400)
if [ "${1:-}" = small ] || [ "${1:-}" = small_d3bj ]; then
  target=$target/$1
  network=(--fitting_activation gelu --training_steps 40000 --learning_rate_stop 1e-5 --decay_steps 400)
  [ "$1" = small ] || network+=(--dispersion d3bj)
  shift
elif [ "${1:-}" = dpa4 ]; then
  shift
  target=$target/dpa4 kept=pt profile=demo,equivariant network=()
fi
mkdir -p "$place" && cd "$place"
nextflow run "$root/main.nf" -profile "$profile" -resume -ansi-log false --potentials_only true --ensemble 2 \
  --outdir "$place/results" "${network[@]}" "$@"

mkdir -p "$target" && rm -f "$target"/u*_s*
cp results/models/u*_s*."$kept" results/models/u*_s*.potential.json "$target"
python3 - results/tables/accuracy.parquet "$target/accuracy.csv" <<'END'
import sys

import pandas as pd

table = pd.read_parquet(sys.argv[1]).query("subset == 'test' and component == 'all'")
names = ["u_ev", "seed", "quantity", "species", "count", "mae", "rmse", "rmse_low_95", "rmse_high_95", "max_error",
         "baseline_rmse", "unit"]
table.sort_values(names[:4])[names].to_csv(sys.argv[2], index=False, float_format="%.4g")
END
cd "$target" && sha256sum u*_s* accuracy.csv >SHA256SUMS
printf '%s is made of %s; the run is in %s\n' "$target" "$(ls u*_s*."$kept" | xargs)" "$place"
