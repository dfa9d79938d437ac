#!/usr/bin/env bash
# Every check, each with its time; ./haven test sets up what they need and calls this.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export HAVEN_SCRATCH
HAVEN_SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/haven-test.XXXXXX")
declare -A begun
lines=() failed=0
# Files of tests side by side; a file's tests stay together. Each takes one thread: two files with two threads each would wait for one
# another on two cores. Tests of the pipeline wait for Nextflow half of the time, so one more of them goes on beside; they come first, as the
# longest, and what is short fills the end.
one_thread=(env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 DP_INTRA_OP_PARALLELISM_THREADS=1 DP_INTER_OP_PARALLELISM_THREADS=1)
beside() { # what: run files of tests side by side
  local most=$(($(nproc) + 1))
  "${one_thread[@]}" pytest -n "$((most < 4 ? most : 4))" --dist loadfile --no-loadscope-reorder --durations 15 "$@"
}

step() { # name, command ...: run, time and count one check
  local name=$1 start=$SECONDS verdict=passed
  shift
  printf '\n== %s\n' "$name"
  "$@" || { verdict=FAILED; failed=$((failed + 1)); }
  lines+=("$(printf '%s %5d s  %s' "$verdict" "$((SECONDS - start))" "$name")")
}

later() { # key, command ...: begin a check beside the next ones, which `ended KEY` waits for
  local key=$1
  shift
  "$@" >"$HAVEN_SCRATCH/$key.said" 2>&1 &
  begun[$key]=$!
}

ended() { # key: what a check that was begun has to say, and its status
  wait "${begun[$1]}"
  local status=$?
  cat "$HAVEN_SCRATCH/$1.said"
  return "$status"
}

# Nextflow starts some 75 times: with its classes laid ready once, each takes a tenth less.
if [ -z "${NXF_OPTS:-}" ]; then
  classes=$HAVEN_SCRATCH/nextflow.jsa
  (cd "$HAVEN_SCRATCH" && NXF_OPTS="-XX:+UseSerialGC -XX:ArchiveClassesAtExit=$classes" nextflow -log nextflow.log run "$OLDPWD/main.nf" --help) >/dev/null 2>&1
  [ ! -s "$classes" ] || export NXF_OPTS="-XX:+UseSerialGC -XX:SharedArchiveFile=$classes -Xlog:cds*=off"
fi

later types pyright --pythonpath "$(command -v python)"
step "style: ruff" ruff check .
step "syntax: nextflow lint" nextflow lint main.nf modules conf nextflow.config
later slurm pytest tests/slurm
step "the pipeline, killed and resumed, its numbers, its processes and mutants of them; science, scripts, bad inputs: pytest" \
  beside tests/processes tests/pipeline tests/faults tests/python
step "SLURM, begun beside: two GPUs for six runs, a job cancelled, the head killed and resumed: pytest" ended slurm
step "types, begun beside: pyright" ended types
step "images, where HAVEN_IMAGES names a folder for them: pytest" pytest tests/containers
if command -v nf-test >/dev/null; then
  step "the same and the graph by nf-test" nf-test test
else
  printf '\nno nf-test on PATH: its files were run by pytest, above\n'
fi

if [ "$failed" = 0 ]; then rm -rf "$HAVEN_SCRATCH"; else printf '\nruns are kept in %s\n' "$HAVEN_SCRATCH"; fi
printf '\n'
printf '%s\n' "${lines[@]}"
printf '%d passed, %d failed\n' "$((${#lines[@]} - failed))" "$failed"
[ "$failed" = 0 ]
