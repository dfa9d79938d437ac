#!/usr/bin/env bash
# Makes assets/study/li3ticl6 anew: the profile study, then its controls, each a run of its own in HAVEN_SCRATCH, which goes on
# where it stopped when called again. Tables, report, costs and checksums are copied; trajectories are not (they stay in HAVEN_SCRATCH).
# Further options go to the study's nextflow run. About 2 core-hours for the study, one for each control.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
place=${HAVEN_SCRATCH:-$(mktemp -d "${TMPDIR:-/tmp}/haven-study.XXXXXX")}
target=$root/assets/study/li3ticl6

part() { # name, options: one run in a folder of its own
  local folder=$place/$1
  shift
  mkdir -p "$folder" && cd "$folder"
  nextflow run "$root/main.nf" -profile study -resume -ansi-log false --outdir "$folder/results" "$@"
}

keep() { # name: what is shipped of a run
  mkdir -p "$target/$1/tables"
  cp "$place/$1"/results/tables/*.parquet "$target/$1/tables/"
  cp "$place/$1"/results/report.html "$target/$1/"
}

part main "$@"
keep main
part material_cell --cell material --temperatures_k 600,700 --replicas 2
keep material_cell
part second_potential --driving_potentials 2 --temperatures_k 700
keep second_potential
part size --supercell 4,4,4 --temperatures_k 700 --replicas 1
keep size
cd "$target"
find . -type f ! -name SHA256SUMS | sort | xargs sha256sum >SHA256SUMS
printf '%s is made; the runs are in %s\n' "$target" "$place"
