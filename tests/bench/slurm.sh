# shellcheck shell=bash
# Rows of runs on a Slurm cluster of one node, which lives in the temporary folder: a submission, and what a look costs.
# No job starts: each is submitted for an hour later. Sourced by run.sh.

if [ "${ROUNDS:-tenth}" = full ]; then waiting=1000; else waiting=200; fi

# free_port FROM: the first port from there on at which nothing listens.
free_port() {
  local port=$1
  while (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}
# answers COMMAND...: waits until its output is not empty.
answers() {
  for _ in $(seq 200); do [ -z "$("$@" 2>/dev/null)" ] || return 0; sleep 0.05; done
  echo "the Slurm cluster: \`$*\` never answered" >&2
  tail -n 5 "$slurm"/*.out >&2
  return 1
}
start_cluster() {
  local port node user
  mkdir -p "$slurm/state" "$slurm/spool" "$slurm/run"
  port=$(free_port $((20000 + $$ % 20000))) user=$(id -un)
  node=$(free_port $((port + 1)))
  (umask 077 && head -c 128 /dev/urandom >"$slurm/munge.key")
  cat >"$SLURM_CONF" <<CONF
ClusterName=bench
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthInfo=socket=$slurm/munge.sock
StateSaveLocation=$slurm/state
SlurmctldPidFile=$slurm/run/slurmctld.pid
SlurmdPidFile=$slurm/run/slurmd.pid
SlurmdSpoolDir=$slurm/spool
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$node CPUs=2 RealMemory=1000
PartitionName=main Nodes=ALL Default=YES
CONF
  munged -F --force --key-file "$slurm/munge.key" --socket "$slurm/munge.sock" --pid-file "$slurm/run/munged.pid" \
    --log-file "$slurm/munged.log" --seed-file "$slurm/munge.seed" >"$slurm/munged.out" 2>&1 &
  daemons+=("$!")
  answers munge -S "$slurm/munge.sock" -n
  slurmctld -D >"$slurm/slurmctld.out" 2>&1 &
  daemons+=("$!")
  slurmd -D -N n1 >"$slurm/slurmd.out" 2>&1 &
  daemons+=("$!")
  answers sinfo -h -N -t idle -o %N
}
slurm_rows() {
  local out far sbatch here seen
  mkdir -p "$work/far/tasks" "$slurm/bin"
  cd "$work/far"
  cat >dispatch.yaml <<YAML
version: 1
session: bench
env: { BENCH_STAMPS: "$BENCH_STAMPS" }
tasks: [{ files: "tasks/*.md" }]
executors:
  cluster: { engine: slurm, options: [--begin=now+1hour], max_jobs: 100000 }
agents:
  timer: { headless: [timer], prompt: none, protocol: text }
modes:
  first: { agent: timer, flags: [stamp] }
  far: { agent: timer, flags: [stamp], executor: cluster }
YAML
  for n in $(seq "$waiting"); do echo "# Task $n" >"tasks/T-$n.md"; done

  # ---- a submission: what sbatch and a start on this machine take together
  out=$(timer compare "$times" return \
    -- far "" "dispatch stop -q far T-1 >/dev/null" dispatch run -q -d far T-1 \
    -- sbatch "" "scancel --name=other" sbatch --job-name=other --output=/dev/null --begin=now+1hour --wrap=: \
    -- here "" "dispatch wait -q first T-1 >/dev/null" dispatch run -q -d first T-1)
  read -r far sbatch here < <(awk '{ printf "%s ", $2 } END { print "" }' <<<"$out")
  # Beyond both it waits for the disk: the intention to submit must outlive a crash of this host.
  row "run -d on Slurm / sbatch and a local run -d, us" "$far" "$(awk -v a="$sbatch" -v b="$here" 'BEGIN { print a + b }')" 1

  # ---- many runs that wait in Slurm: one question for all
  # shellcheck disable=SC2046
  dispatch run -q -d far $(seq -f 'T-%g' "$waiting") >/dev/null
  printf '#!/bin/sh\necho >>"%s"\nexec "%s" "$@"\n' "$slurm/asked" "$(command -v squeue)" >"$slurm/bin/squeue"
  chmod +x "$slurm/bin/squeue"
  : >"$slurm/asked"
  seen=$(PATH="$slurm/bin:$PATH" dispatch status --all --json | grep -Eo '"waitingFor": *"engine"' | wc -l)
  [ "$seen" = "$waiting" ] || failed+=("only $seen of $waiting runs are seen to wait in Slurm")
  row "squeue calls of one status, $waiting runs / 1" "$(wc -l <"$slurm/asked")" 1 1
  compare return 10 "status, $waiting runs in Slurm / squeue" -- ours "" "" dispatch status --all \
    -- other "" "" squeue --me --noheader --states=all "--format=%i|%j|%T|%r|%N"
  cd "$work/project"
}

if command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null; then
  slurm=$work/slurm
  export SLURM_CONF=$slurm/slurm.conf
  start_cluster
  slurm_rows
  end_daemons
  unset SLURM_CONF
else
  echo "(slurmctld, slurmd and munged are not installed: the rows of runs on Slurm are left out)"
fi
