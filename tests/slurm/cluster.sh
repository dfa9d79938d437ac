#!/usr/bin/env bash
# A SLURM cluster of one node on this machine, with two pretended GPUs: cluster.sh start|stop|left FOLDER [OWNER]
# Started as root: `export SLURM_CONF=FOLDER/slurm.conf` and it is there. Nothing outside FOLDER is changed.
# The cluster ends with the process OWNER, if one is named; `left` lists the processes of the cluster.
set -euo pipefail
action=$1 folder=$(readlink -m "$2") owner=${3:-}
node=$(hostname -s)
PATH=$PATH:/usr/sbin:/sbin

lacks() {
  local program
  [ "$(id -u)" = 0 ] || { echo "not root"; return; }
  for program in munged slurmctld slurmd sbatch; do
    command -v "$program" >/dev/null || { echo "no $program: apt-get install munge slurmctld slurmd slurm-client"; return; }
  done
  mknod "$folder/probe" c 195 200 2>/dev/null || { echo "no right to make device files"; return; }
  rm -f "$folder/probe"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }

configure() {
  mkdir -p "$folder"/{state,spool,logs}
  rm -f "$folder"/gpu[01]
  mknod "$folder/gpu0" c 195 200
  mknod "$folder/gpu1" c 195 201
  dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
  chmod 600 "$folder/munge.key"
  cat >"$folder/gres.conf" <<END
Name=gpu File=$folder/gpu[0-1]
Name=shard Count=4
END
  # No control groups, no accounts: what a container without them can run.
  cat >"$folder/slurm.conf" <<END
ClusterName=haven
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/logs/slurmctld
SlurmdLogFile=$folder/logs/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000
SlurmdParameters=config_overrides
ReturnToService=1
KillWait=5
GresTypes=gpu,shard
NodeName=$node NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 Gres=gpu:2,shard:4
PartitionName=cpu Nodes=$node Default=YES
PartitionName=gpu Nodes=$node
PartitionName=short Nodes=$node MaxTime=1
END
}

start() {
  local missing
  mkdir -p "$folder"
  missing=$(lacks)
  [ -z "$missing" ] || { echo "cluster.sh: no SLURM here: $missing" >&2; exit 3; }
  configure
  export SLURM_CONF=$folder/slurm.conf
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munge.pid" \
    --log-file="$folder/logs/munge" --seed-file="$folder/munge.seed" 2>/dev/null
  slurmctld -c </dev/null >/dev/null 2>&1
  slurmd -c </dev/null >/dev/null 2>&1
  for _ in $(seq 60); do
    if [ "$(sinfo --noheader --partition=gpu --format=%T 2>/dev/null)" = idle ]; then
      # a simple command: a list in the background would be a shell that keeps the caller's output open
      if [ -n "$owner" ]; then setsid "$0" watch_owner "$folder" "$owner" </dev/null >/dev/null 2>&1 & fi
      return 0
    fi
    sleep 0.5
  done
  tail -n 5 "$folder"/logs/* >&2
  stop
  echo "cluster.sh: the node did not come up; its logs are above" >&2
  exit 1
}

# Processes of this cluster: its daemons, and steps of jobs, which outlive slurmd; each holds a file of the folder open.
left() {
  local process
  for process in /proc/[0-9]*; do
    case $(cat "$process/comm" 2>/dev/null) in munged | slurmctld | slurmd | slurmstepd) ;; *) continue ;; esac
    if { readlink "$process/cwd" "$process"/fd/* || :; tr '\0' '\n' <"$process/environ"; } 2>/dev/null | grep -F "$folder/" >/dev/null; then
      echo "${process#/proc/}"
    fi
  done
}

stop() {
  local process signal
  export SLURM_CONF=$folder/slurm.conf
  # Jobs first, while somebody is there to end them.
  timeout 20 scancel --user="$(id -un)" 2>/dev/null || :
  for _ in $(seq 40); do
    [ -n "$(timeout 5 squeue --noheader 2>/dev/null)" ] || break
    sleep 0.5
  done
  for signal in TERM KILL; do
    left | xargs -r kill -s "$signal" 2>/dev/null || :
    for _ in $(seq 20); do
      [ -n "$(left)" ] || return 0
      sleep 0.5
    done
  done
  echo "cluster.sh: these processes can't be ended: $(left | xargs)" >&2
  exit 1
}

# Ends the cluster when its owner is gone, killed perhaps.
watch_owner() {
  while kill -0 "$owner" 2>/dev/null; do sleep 2; done
  stop
}

$action
