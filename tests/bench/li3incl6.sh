#!/usr/bin/env bash
# Makes assets/study/li3incl6 anew: from the material of a CIF (assets/materials/li3incl6.yml) to labels of GPAW, two fast
# potentials, annealed dynamics in the cell at rest, and what they say of the conductivity at 298 K beside the measured one.
# li3incl6.sh [PART ...] makes some parts only, of labels, potentials, explored, dynamics, answer; without labels the shipped frames
# are used. It works in HAVEN_SCRATCH; a call after an interruption goes on where it stopped. Needs ./haven setup --labels and
# its environment on PATH. Labels: about a quarter of an hour of a core; potentials: 2 minutes; dynamics: 20 minutes.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
place=${HAVEN_SCRATCH:-$(mktemp -d "${TMPDIR:-/tmp}/haven-li3incl6.XXXXXX")}
target=${HAVEN_STUDY_TARGET:-$root/assets/study/li3incl6}
material=li3incl6.yml bin=$root/bin # a name without a place: tables keep what options said
export PYTHONPATH=$bin OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
mkdir -p "$place/dynamics" && cd "$place"
cp "$root/assets/materials/$material" . && cp "$material" dynamics

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

potentials() {
  [ -d frames ] || { mkdir frames && cp "$root"/assets/study/li3incl6/frames/*.u0.extxyz frames; }
  python "$bin/build_dataset.py" --material "$material" --frames frames --u_ev 0 --dispersion d3bj --seed 1 --out potentials
  for seed in 1 2; do
    python "$bin/train_potential.py" --material "$material" --dataset potentials/u0.dataset --u_ev 0 --seed $seed --training_steps 4000 \
      --learning_rate_stop 1e-3 --compress false --threads 1 --out potentials/models
    python "$bin/test_potential.py" --material "$material" --dataset potentials/u0.dataset --u_ev 0 --seed $seed \
      --potential potentials/models/u0_s$seed.pb --about potentials/models/u0_s$seed.potential.json --out potentials
  done
}

explored() { # snapshots of the potentials' own hot dynamics, to see how they err where they were not trained
  local models=$PWD/potentials/models structures
  if [ ! -e x1/done ]; then
    python "$bin/build_structures.py" --material "$material" --label_structures 6 --frames_per_structure 1 --atoms_max 20 --seed 2 \
      --displacement_angstrom 0.02 --out x1/start
    python "$bin/explore.py" --material "$material" --potentials "$models"/u0_s{1,2}.pb --u_ev 0 --seed 2 --timestep_fs 2 --damping_fs 100 \
      --explore_ps 1.6 --explore_dump_ps 0.1 --explore_deviation_ev_per_angstrom 0.03,1 --round 1 --structures x1/start/structures/*.extxyz \
      --explore_temperatures_k 700 --out x1/explored
    python "$bin/select_frames.py" --material "$material" --candidates x1/explored/*.candidates.extxyz --known frames/*.u0.extxyz \
      --frames_per_round 12 --round 1 --out x1
    touch x1/done
  fi
  for structures in x1/structures/*.extxyz; do
    python "$bin/label_frames.py" --material "$material" --structure "$structures" --u_ev 0 --out explored
  done
}

dynamics() { # 80 atoms, lithium annealed, mean cell at zero pressure, hottest temperature first
  local models=$PWD/potentials/models t ps common=(--material "$material" --u_ev 0 --seed 1 --timestep_fs 2 --damping_fs 100)
  common+=(--threads 1 --checkpoint_minutes 1 --checkpoint_dir "$PWD/checkpoints")
  cd dynamics
  [ -e r0.supercell.extxyz ] || python "$bin/build_supercell.py" --material "$material" --supercell 2,1,2 --replica 0 --seed 1
  [ -e u0_r0.minimised.extxyz ] || python "$bin/minimise.py" --material "$material" --u_ev 0 --threads 1 --name u0_r0 \
    --structure r0.supercell.extxyz --potential "$models/u0_s1.pb"
  [ -e u0_r0.annealed.extxyz ] || python "$bin/anneal.py" "${common[@]}" --structure u0_r0.minimised.extxyz --potential "$models/u0_s1.pb" \
    --anneal_temperature_k 800 --anneal_ps 10 --name u0_r0
  for t in ${HAVEN_RUNS:-900:40 800:60 700:40}; do
    ps=${t#*:} t=${t%:*}
    [ -e u0_t${t}_r0.cells.parquet ] || python "$bin/equilibrate_cell.py" "${common[@]}" --structure u0_r0.annealed.extxyz \
      --potential "$models/u0_s1.pb" --temperature_k $t --cell_ps 2 --name u0_t${t}_r0
    [ -e u0_t${t}_r0.trajectory.npz ] || python "$bin/run_dynamics.py" "${common[@]}" --structure u0_r0.annealed.extxyz \
      --potentials "$models"/u0_s{1,2}.pb --temperature_k $t --cells u0_t${t}_r0.cells.parquet --production_ps $ps --equilibration_ps 1 \
      --dump_ps 0.05 --all_every 10 --name u0_t${t}_r0
    python "$bin/analyse_transport.py" --material "$material" --trajectory u0_t${t}_r0.trajectory.npz --u_ev 0 --temperature_k $t \
      --seed 1 --name u0_t${t}_r0 --no-pictures
  done
  python "$bin/fit_arrhenius.py" . --out .
  cd ..
}

answer() { # what is shipped: frames, potentials, tables, errors of every frame, the page, checksums
  mkdir -p "$target"/{frames,explored,models,tables}
  cp frames/*.u0.extxyz "$target/frames"
  [ -d explored ] || { mkdir explored && cp "$root"/assets/study/li3incl6/explored/*.u0.extxyz explored; }
  cp explored/*.u0.extxyz "$target/explored"
  cp potentials/models/u0_s*.pb potentials/models/u0_s*.potential.json "$target/models"
  cp potentials/*.{labels,accuracy,verdicts}.parquet potentials/models/*.learning_curve.parquet "$target/tables"
  if compgen -G "dynamics/*.parquet" >/dev/null; then cp dynamics/*.parquet "$target/tables"; fi
  python "$root/tests/bench/frame_errors.py" --material "$material" --frames frames explored --dataset potentials/u0.dataset --u_ev 0 \
    --dispersion d3bj -- potentials/models/u0_s{1,2}.pb >"$target/errors.csv"
  python "$bin/build_supercell.py" --material "$material" --supercell 2,1,2 --replica 0 --seed 1 --out drawn
  python "$bin/render_report.py" --tables "$target/tables" --structures drawn/r0.supercell.extxyz --out report >report.txt
  sed "s#$place/##g; s#$root/##g" report/report.html >"$target/report.html" # no place of the machine
  cd "$target"
  python "$root/tests/bench/li3incl6_table.py" . >answer.md
  find . -type f ! -name SHA256SUMS | sort | xargs sha256sum >SHA256SUMS
  printf '%s is made; it was computed in %s\n' "$target" "$place"
}

parts=("$@")
[ "${#parts[@]}" != 0 ] || parts=(labels potentials explored dynamics answer)
for name in "${parts[@]}"; do "$name"; done
