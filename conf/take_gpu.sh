# Sourced by a task on one machine (profile gpu): take a free card, for as long as the task's shell lives, or wait for one.
# HAVEN_GPU_TASKS tasks share a card. Cards are those of CUDA_VISIBLE_DEVICES where it is set, else all of them.
cards=${CUDA_VISIBLE_DEVICES:-}
[ -n "$cards" ] || cards=$(for device in "${HAVEN_DEVICES:-/dev}"/nvidia[0-9]*; do echo "${device##*/nvidia}"; done | paste -sd, -)
while [[ $cards == [0-9G]* ]]; do # no card at all is refused by the script, in one line
  for card in ${cards//,/ }; do
    for place in $(seq "${HAVEN_GPU_TASKS:-1}"); do
      lock=${HAVEN_LOCKS:-/tmp}/haven-gpu-$card-$place.lock
      # Made where it is missing, then opened for reading: another user's may be locked, but not written.
      (umask 022; set -C; : >"$lock") 2>/dev/null || :
      { exec 8<"$lock"; } 2>/dev/null || {
        echo "haven: error: $lock, which hands out card $card, can't be made or read: its owner may call chmod a+r on it" >&2
        exit 2
      }
      if flock -n 8; then
        export CUDA_VISIBLE_DEVICES=$card
        break 3
      fi
    done
  done
  sleep 5
done
