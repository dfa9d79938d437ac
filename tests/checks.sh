#!/usr/bin/env bash
# Every check, each with its time; ./haven test sets up what they need and calls this.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export HAVEN_SCRATCH
HAVEN_SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/haven-test.XXXXXX")
lines=() failed=0
cores=$(nproc)
# Files of tests side by side; a file's tests stay together. Each takes one thread: two files with two threads each would wait for one
# another on two cores.
beside=(env OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 DP_INTRA_OP_PARALLELISM_THREADS=1 DP_INTER_OP_PARALLELISM_THREADS=1
  pytest -n "$((cores < 4 ? cores : 4))" --dist loadfile --no-loadscope-reorder)

step() { # name, command ...: run, time and count one check
  local name=$1 start=$SECONDS verdict=passed
  shift
  printf '\n== %s\n' "$name"
  "$@" || { verdict=FAILED; failed=$((failed + 1)); }
  lines+=("$(printf '%s %5d s  %s' "$verdict" "$((SECONDS - start))" "$name")")
}

step "style: ruff" ruff check .
step "types: pyright" pyright --pythonpath "$(command -v python)"
step "science and scripts: pytest" "${beside[@]}" --durations 15 tests/python
step "damaged and bad inputs: pytest" "${beside[@]}" tests/faults
step "syntax: nextflow lint" nextflow lint main.nf modules conf nextflow.config
step "single processes, their script blocks on miniature data, and mutants of them: pytest" pytest tests/processes
step "the pipeline, killed and resumed, and its numbers: pytest" "${beside[@]}" --durations 15 tests/pipeline
step "SLURM: two GPUs for six runs, a job cancelled, the head killed and resumed: pytest" pytest tests/slurm
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
