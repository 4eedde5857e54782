# shellcheck shell=bash
# Projects of many runs, a tmux server of their own, and times. Sourced by run.sh.

# project FOLDER MODE COUNT JOBS: a project whose `runs:` wants MODE on COUNT tasks.
project() {
  # What the last runs left behind may still write there for a moment: a job starts `__next` as it ends.
  for _ in $(seq 100); do rm -rf "$1" 2>/dev/null && break; sleep 0.05; done
  mkdir -p "$1/tasks"
  cat >"$1/dispatch.yaml" <<YAML
version: 1
session: bench
jobs: $4
env: { BENCH_STAMPS: "$BENCH_STAMPS" }
tasks: [{ files: "tasks/*.md" }]
agents:
  timer: { interactive: [timer], headless: [timer], prompt: none, protocol: text }
modes:
  window: { interactive: true, agent: timer, flags: [hold] }
  job: { agent: timer, flags: [count, hold] }
  quick: { agent: timer, flags: [count] }
  other: { agent: timer, flags: [count] }
runs:
$(for mode in $2; do echo "  - { mode: $mode, tasks: { status: todo } }"; done)
YAML
  for n in $(seq "$3"); do printf -- '---\nstatus: todo\n---\n# Task %s\n' "$n" >"$1/tasks/T-$n.md"; done
}
fresh_server() {
  local server
  server=$(t display-message -p '#{pid}' 2>/dev/null) && kill "$server"
  while t has-session 2>/dev/null; do sleep 0.01; done
  t new-session -d -s bench -x 80 -y 24 'sleep 100000'
}
micros() { local start; start=$(date +%s%N); "$@" >/dev/null; echo $((($(date +%s%N) - start) / 1000)); }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
