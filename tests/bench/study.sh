#!/usr/bin/env bash
# Makes assets/study/li3ticl6 anew: the profile study, then its controls, all from one launch folder in HAVEN_SCRATCH, so that
# what they share (annealed lithium, cells) is computed once; a call after an interruption goes on where it stopped. Tables,
# report, costs and checksums are copied; trajectories are not (they stay in HAVEN_SCRATCH). study.sh [PART ...] makes some
# parts only (`more` adds a replica to what is shipped, `draws` replicas at 600 K, `colder` a temperature); the options of all of
# them may be added to HAVEN_STUDY.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
place=${HAVEN_SCRATCH:-$(mktemp -d "${TMPDIR:-/tmp}/haven-study.XXXXXX")}
target=$root/assets/study/li3ticl6
read -ra more <<<"${HAVEN_STUDY:-}"

part() { # name, options: one run, and what is shipped of it
  local name=$1
  shift
  mkdir -p "$place/main" && cd "$place/main"
  nextflow run "$root/main.nf" -profile study -resume -ansi-log false --outdir "$place/$name/results" "$@" "${more[@]}"
  mkdir -p "$target/$name/tables"
  cp "$place/$name"/results/tables/*.parquet "$target/$name/tables/"
  if [ "$name" = main ]; then # what further replicas are joined by
    mkdir -p "$target/main/modes"
    cp "$place"/main/results/modes/*.modes.npz "$target/main/modes/"
  fi
  sed "s#$place/##g; s#$root/##g" "$place/$name"/results/report.html >"$target/$name/report.html" # no place of the machine
  cp "$place/$name"/results/{summary.txt,pipeline/trace*.tsv} "$target/$name/"
}

next_replica() { python3 -c "import pandas; print(int(pandas.read_parquet('$target/main/tables/runs.parquet')['replica'].max()) + 1)"; }

parts=("$@")
[ "${#parts[@]}" != 0 ] || parts=(main material_cell without_dispersion room second_potential size)
for name in "${parts[@]}"; do
  case $name in
    main) part main ;;
    # one more replica of the disorder, in the cells of the replicas that are shipped, of which tables and modes are enough
    more)
      part main --first_replica "$(next_replica)" --replicas 1 --earlier "$target/main"
      ;;
    # replicas at the coldest temperature of the line alone, on which the conductivity at 298 K rests most
    draws)
      part main --first_replica "$(next_replica)" --replicas 4 --temperatures_k 600 --production_ps 430 --earlier "$target/main"
      ;;
    # two replicas at a colder temperature, in cells of their own, as long as table plan asks (those shipped: 945 and 1450 ps, too short)
    colder)
      part main --first_replica "$(next_replica)" --replicas 2 --temperatures_k 500 --production_ps 2000 --earlier "$target/main"
      ;;
    # the experimental lattice: what the cell does to D and Ea
    material_cell) part material_cell --cell material --temperatures_k 700 --production_ps 130 --replicas 2 ;;
    # the cell at the experiment's temperature; far too short for jumps
    room) part room --temperatures_k 298,373 --production_ps 5,5 --replicas 1 ;;
    # the same without dispersion in the labels, in the same cell: alone it is not held together
    without_dispersion)
      part without_dispersion --models "$root/assets/models/small" --dispersion none --cell material --temperatures_k 700 --production_ps 130 --replicas 2
      # the same jumps with and without, in the structures of material_cell, which is made before
      OMP_NUM_THREADS=1 TF_INTRA_OP_PARALLELISM_THREADS=1 python3 "$root/tests/bench/same_barriers.py" \
        --first "$root/assets/models/small_d3bj" --second "$root/assets/models/small" \
        --structures "$place"/material_cell/results/structures/u*_r[01].annealed.extxyz --out "$target/$name/barriers.csv"
      ;;
    second_potential) part second_potential --driving_potentials 2 --temperatures_k 700 --production_ps 130 --replicas 2 ;;
    size) part size --supercell 4,4,4 --u_ev 0 --temperatures_k 700 --production_ps 40 --replicas 1 ;;
    *) echo "no part $name" >&2; exit 2 ;;
  esac
done
cd "$target"
python3 "$root/tests/bench/study_table.py" . >answer.md
python3 "$root/tests/bench/study_answers.py" >"$root/assets/reference/studies.csv"
find . -type f ! -name SHA256SUMS | sort | xargs sha256sum >SHA256SUMS
printf '%s is made; the runs are in %s\n' "$target" "$place"
