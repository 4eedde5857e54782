#!/bin/sh
# A Slurm cluster of two nodes on this machine, for a try: as root, with Debian's packages slurm-wlm and munge.
#   . ./cluster.sh start   # in bash or zsh: sets SLURM_CONF there
#   dispatch run -d code-review A B && dispatch status && dispatch wait code-review A B
#   sh cluster.sh stop
# It uses nothing of a Slurm that is installed, and leaves nothing but its folder, which `stop` removes.
# Only root can write below /run: nobody else can have put a link there.
S=${CLUSTER_FOLDER:-/run/dispatch-slurm-example}
export SLURM_CONF="$S/slurm.conf"

case ${1-} in
start)
  mkdir -p "$S/state" "$S/spool.n1" "$S/spool.n2" "$S/run"
  (umask 077 && head -c 128 /dev/urandom >"$S/munge.key")
  cat >"$SLURM_CONF" <<CONF
ClusterName=example
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=27817
SlurmUser=root
AuthInfo=socket=$S/munge.sock
StateSaveLocation=$S/state
SlurmctldPidFile=$S/run/slurmctld.pid
SlurmdPidFile=$S/run/%n.pid
SlurmdSpoolDir=$S/spool.%n
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0
ReturnToService=2
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=27818 CPUs=2 RealMemory=1000
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=27819 CPUs=2 RealMemory=1000
PartitionName=main Nodes=ALL Default=YES
CONF
  munged --force --key-file "$S/munge.key" --socket "$S/munge.sock" --pid-file "$S/run/munged.pid" \
    --log-file "$S/munged.log" --seed-file "$S/munge.seed"
  slurmctld
  slurmd -N n1
  slurmd -N n2
  until [ "$(sinfo -h -N -t idle 2>/dev/null | wc -l)" = 2 ]; do sleep 0.1; done
  sinfo
  ;;
stop)
  scancel --me 2>/dev/null
  for daemon in n1 n2 slurmctld munged; do
    [ ! -s "$S/run/$daemon.pid" ] || kill "$(cat "$S/run/$daemon.pid")"
  done
  sleep 1
  rm -rf "$S"
  ;;
*)
  echo "usage: . ./cluster.sh start, or: sh cluster.sh stop" >&2
  ;;
esac
