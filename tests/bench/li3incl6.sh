#!/usr/bin/env bash
# Makes assets/study/li3incl6 anew: from the material of a CIF (assets/materials/li3incl6.yml) to labels of GPAW, two fast
# potentials, annealed dynamics of two draws of the disorder in the cell at rest, and what they say of the conductivity at 298 K
# beside the measured one. li3incl6.sh [PART ...] makes some parts only, of labels, study, answer; without labels the shipped frames
# are used. It works in HAVEN_SCRATCH; a call after an interruption goes on where it stopped. Needs ./haven setup --labels and
# its environment and Nextflow on PATH. Labels: about a quarter of an hour of a core, and half an hour for those of the learning
# round, which HAVEN_LEARNING=yes makes anew; study: two hours of a core.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
place=${HAVEN_SCRATCH:-$(mktemp -d "${TMPDIR:-/tmp}/haven-li3incl6.XXXXXX")}
target=${HAVEN_STUDY_TARGET:-$root/assets/study/li3incl6}
material=li3incl6.yml bin=$root/bin # a name without a place: tables keep what options said
export PYTHONPATH=$bin OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
mkdir -p "$place" && cd "$place"
cp "$root/assets/materials/$material" .

labels() { # cells drawn from the occupancies, strained and displaced; then cells of Li3TiCl6's dynamics with In for Ti
  python "$bin/build_structures.py" --material "$material" --label_structures 8 --frames_per_structure 2 --atoms_max 20 --seed 1 --out s1
  local other=$root/assets/materials/li3ticl6.yml small=$root/assets/models/small_d3bj n t structures
  if [ ! -e t1/done ]; then
    python "$bin/build_structures.py" --material "$other" --label_structures 12 --frames_per_structure 1 --atoms_max 20 --seed 11 --out t1/start
    for t in 600 900 300; do
      structures=()
      for n in 0 3 6 9; do structures+=("$(printf 't1/start/structures/s11_%03d.extxyz' $((n + (t == 900) + 2 * (t == 300))))"); done
      python "$bin/explore.py" --material "$other" --potentials "$small"/u0_s{1,2}.pb --u_ev 0 --seed 11 --timestep_fs 2 --damping_fs 100 \
        --explore_ps 1.6 --explore_dump_ps 0.1 --explore_deviation_ev_per_angstrom 0,10 --structures "${structures[@]}" \
        --explore_temperatures_k $t --out t1/$t
    done
    python "$root/tests/bench/substituted.py" --from "$other" --to "$material" --element Ti=In --frames 5,9,13,16 --out t1/frames \
      t1/600/*.candidates.extxyz t1/900/*.candidates.extxyz t1/300/*.candidates.extxyz
    touch t1/done
  fi
  for structures in t1/frames/*.extxyz s1/structures/*.extxyz; do
    python "$bin/label_frames.py" --material "$material" --structure "$structures" --u_ev 0 --out frames
  done
}

study() { # the pipeline: potentials of all labels, 80 atoms, lithium annealed, mean cells at zero pressure, four temperatures
  [ -d frames ] || { mkdir frames && cp "$root"/assets/study/li3incl6/frames/*.u0.extxyz frames; }
  local given=$PWD/frames round=(--rounds 1 --explore_structures 18 --explore_atoms_max 20 --explore_temperatures_k 500,700,900 --explore_ps 3
    --explore_deviation_ev_per_angstrom 0.04,1 --frames_per_round 90)
  if [ "${HAVEN_LEARNING:-no}" = no ]; then # the labels of the learning round as they are shipped
    mkdir -p round && cp "$root"/assets/study/li3incl6/explored/x1_s1_*.u0.extxyz round
    given+=,$PWD/round round=()
  fi
  nextflow run "$root/main.nf" -resume -ansi-log false --outdir results --material "$root/assets/materials/$material" --frames "$given" \
    --u_ev 0 --dispersion d3bj "${round[@]}" --ensemble 2 --driving_potentials 1 --training_steps 16000 --learning_rate_stop 1e-4 --compress false \
    --supercell 2,1,2 --relax_supercell 2,1,2 --relax_replicas 1 --relax_anneal_ps 10 --replicas 2 --temperatures_k 500,550,600,650 \
    --production_ps "${HAVEN_LENGTHS_PS:-400,300,250,200}" --anneal_temperature_k 650 --anneal_ps 40 --cell_ps 4 --equilibration_ps 1 --timestep_fs 2 \
    --dump_ps 0.05 --all_every 10 --checkpoint_minutes 2 --paths_per_direction 1 --cost_steps 50
}

answer() { # what is shipped: frames, potentials, tables, errors of every frame, the page, checksums
  local task parts dataset name # each: tables that the pipeline makes of each run, cell or potential
  local each=(structures labels accuracy parity learning_curve anneals inherent cells runs msd diffusion conductivity onsager hops network barriers)
  task=$(grep -l '^render_report.py' work/*/*/.command.sh | xargs ls -t | head -1)
  parts=$(dirname "$task")/parts dataset=$(ls -dt work/*/*/u0.dataset/dataset.json | head -1)
  rm -rf "$target"/{models,tables}
  mkdir -p "$target"/{frames,explored,models,tables}
  cp frames/*.u0.extxyz "$target/frames"
  if [ -d results/frames ]; then cp results/frames/x1_s1_*.u0.extxyz "$target/explored"; fi
  cp results/models/u0_s*.pb results/models/u0_s*.potential.json "$target/models"
  for name in "${each[@]}" verdicts; do cp -L "$parts"/*."$name.parquet" "$target/tables"; done
  cp -L "$parts"/{joined,paired,plan,arrhenius,error_budget}.parquet "$target/tables"
  python "$root/tests/bench/frame_errors.py" --material "$material" --frames "$target/frames" "$target/explored" \
    --dataset "$(dirname "$dataset")" --u_ev 0 --dispersion d3bj -- "$target"/models/u0_s{1,2}.pb >"$target/errors.csv"
  python "$bin/build_supercell.py" --material "$material" --supercell 2,1,2 --replica 0 --seed 1 --out drawn
  rm -rf reference && cp -r "$root/assets/reference" . && rm reference/studies.csv # no earlier self beside it
  python "$bin/render_report.py" --tables "$target/tables" --structures drawn/r0.supercell.extxyz --reference reference --out report >report.txt
  sed "s#$place/##g; s#$root/##g" report/report.html >"$target/report.html" # no place of the machine
  for name in "${each[@]}"; do
    rm "$target/tables"/*."$name.parquet" # one table of all runs is a fifth as large as one a run
    cp "report/tables/$name.parquet" "$target/tables"
  done
  cp report/tables/origins.parquet "$target/tables" # what each part was made of
  cd "$target"
  python "$root/tests/bench/li3incl6_table.py" . >answer.md
  find . -type f ! -name SHA256SUMS | sort | xargs sha256sum >SHA256SUMS
  printf '%s is made; it was computed in %s\n' "$target" "$place"
}

parts=("$@")
[ "${#parts[@]}" != 0 ] || parts=(labels study answer)
for name in "${parts[@]}"; do "$name"; done
