# Sourced by a task on one machine (profile gpu): take a free card, for as long as the task's shell lives, or wait for one.
# HAVEN_GPU_TASKS tasks share a card. Cards are those of CUDA_VISIBLE_DEVICES where it is set, else all of them.
cards=${CUDA_VISIBLE_DEVICES:-}
[ -n "$cards" ] || cards=$(for device in "${HAVEN_DEVICES:-/dev}"/nvidia[0-9]*; do echo "${device##*/nvidia}"; done | paste -sd, -)
while [[ $cards == [0-9G]* ]]; do # no card at all is refused by the script, in one line
  for card in ${cards//,/ }; do
    for place in $(seq "${HAVEN_GPU_TASKS:-1}"); do
      exec 8>>"${HAVEN_LOCKS:-/tmp}/haven-gpu-$card-$place.lock"
      if flock -n 8; then
        export CUDA_VISIBLE_DEVICES=$card
        break 3
      fi
    done
  done
  sleep 5
done
