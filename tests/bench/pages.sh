# shellcheck shell=bash
# Rows of the pages, in Chromium: 30 live runs, 2,000 tasks, a long history. Sourced by run.sh.
# Limits are absolute: times in milliseconds from the press or the event to the frame that shows it.

if [ ! -x /usr/bin/chromium ] || [ ! -d "$here/../../target/test-tools/node_modules/playwright-core" ]; then
  echo "(chromium or playwright-core is not installed: the rows of the pages are left out)"
  return 0
fi
if [ "${ROUNDS:-tenth}" = full ]; then past=10000 watched=600; else past=2000 watched=20; fi
rm -rf "$work/pages"
mkdir -p "$work/pages/tasks" "$work/pages/go"
cd "$work/pages"
cat >agent.sh <<'SH'
#!/bin/sh
# Prints a line a second until its file is there. On request it fills its log, as fast as the page shows all of it, and
# ends that with the line that the request names.
n=0
while [ ! -e "go/$DISPATCH_TASK" ]; do
  n=$((n + 1)); echo "line $n of $DISPATCH_TASK"
  if [ -s "go/fill-$DISPATCH_TASK" ]; then
    for _ in $(seq 20); do cat filler; sleep 0.3; done
    cat "go/fill-$DISPATCH_TASK"
    rm "go/fill-$DISPATCH_TASK"
  fi
  sleep 1
done
SH
chmod +x agent.sh
yes "a line of a log, of about sixty bytes, as programs print them" | head -c 65536 >filler || true
# project RUNS: 2,000 tasks, of which RUNS have a run at work.
cat >dispatch.yaml <<YAML
version: 1
session: bench
jobs: 64
retention: { runs_per_pair: 1000000 }
tasks: [{ files: "tasks/*.md" }]
agents:
  lines: { headless: ["./agent.sh"], prompt: none, protocol: text }
  quick: { headless: ["true"], prompt: none, protocol: text }
modes:
  review: { agent: lines }
  quick: { agent: quick }
YAML
for n in $(seq 0 1999); do printf -- '---\ntitle: Task number %s of area %s\nstatus: todo\nphase: Phase %s\n---\n' "$n" $((n % 7)) $((n / 100)) >"tasks/T-$n.md"; done
dispatch run -q quick T-0 >/dev/null
run=$(dispatch status quick T-0 --json | sed -n 's/.*"runId": *"\([^"]*\)".*/\1/p' | head -1)
node "$here/generate.mjs" "$PWD/.dispatch/runs/$run" "$past" 2000
rm -f .dispatch/dispatch.db*
dispatch run -q -d review $(seq -f 'T-%g' 0 29) >/dev/null

dispatch serve --port 0 --json >"$work/serving-pages" 2>/dev/null &
helpers+=("$!")
for _ in $(seq 200); do [ -s "$work/serving-pages" ] && break; sleep 0.05; done
address=$(sed -n 's|.*\(http://127.0.0.1:[0-9]*\).*|\1|p' "$work/serving-pages")
# Chromium keeps its own files below HOME and TMPDIR, which end with this folder.
TMPDIR=$work node "$here/pages.mjs" "$address" "$(dispatch token)" "$PWD/go" "$past" "$watched" >"$work/paged"
while IFS=$'\t' read -r name ours limit; do
  # Known to be over at times: Chromium draws by the processor here.
  case "$name" in *search* | *"script task"*) behind=3 row "$name" "$ours" "$limit" 1 ;; *) row "$name" "$ours" "$limit" 1 ;; esac
done <"$work/paged"
kill "${helpers[-1]}"; unset 'helpers[-1]'
dispatch stop -q --all >/dev/null
cd "$work/project"
