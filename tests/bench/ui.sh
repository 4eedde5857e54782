# shellcheck shell=bash
# Rows of `ui`: its first frame, a key's way to the screen with 500 runs and 2,000 tasks, what it costs at rest.
# Sourced by run.sh.

cc -O2 -o "$work/bin/screens" "$here/screens.c" -lutil
if [ "${ROUNDS:-tenth}" = full ]; then keys=2000 rest=60 passes=9; else keys=900 rest=10 passes=5; fi
rm -rf "$work/ui"
mkdir -p "$work/ui/tasks"
cd "$work/ui"
cat >dispatch.yaml <<YAML
version: 1
session: bench
jobs: 30
env: { BENCH_STAMPS: "$BENCH_STAMPS" }
tasks: [{ files: "tasks/*.md" }]
agents:
  timer: { interactive: [timer], headless: [timer], prompt: none, protocol: text }
modes:
  hold: { agent: timer, flags: [hold] }
  window: { interactive: true, agent: timer, flags: [hold] }
YAML
for n in $(seq 0 1999); do printf -- '---\ntitle: Task number %s\n---\n' "$n" >"tasks/T-$n.md"; done
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

dispatch run -q -d hold $(seq -f 'T-%g' 0 14) >/dev/null
dispatch run -q -d window $(seq -f 'T-%g' 15 29) >/dev/null
first() { for _ in $(seq "$passes"); do screens first "${@:2}"; done | median; }
# The same terminal, the same text: what `status` prints.
row "ui's first frame, 15 jobs, 15 windows / status, us" "$(first ui T-29 dispatch ui)" "$(first status T-29 dispatch status)" 2
row "ui at rest, 15 jobs, 15 windows, CPU ms in $rest s / 1 %" "$(screens idle "$rest" T-29 dispatch ui)" $((rest * 10)) 1

dispatch run -q -d hold $(seq -f 'T-%g' 30 499) >/dev/null
read -r middle late grown < <(screens keys "$keys" T-29 dispatch ui)
row "a key's frame, 500 runs, 2,000 tasks, us / 50 ms" "$middle" 50000 1
row "the same, p95" "$late" 50000 1
row "ui's memory over the last half of $keys keys, KiB / 1 MiB" "$grown" 1024 1
(timeout 60 dispatch stop --all >/dev/null 2>&1) || true
cd "$work/project"
