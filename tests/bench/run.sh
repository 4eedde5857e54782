#!/usr/bin/env bash
# The benchmark: compares with other tools in one run, interleaved, by medians, and judges ratios.
#   bash tests/bench/run.sh              # needs `cargo build --release` before
#   ROUNDS=full bash tests/bench/run.sh  # full counts: 10,000 runs, 1,000 windows, 1 GiB
# Peers that are slow to install are left out unless they are there: `cargo install pueue --root
# target/bench-peers`, and tmuxp on PATH.
#   ONLY="start up stop serve ui pages slurm"     # of these parts
#   STRICT=1 ...                         # the limits themselves; else 1.6 times each, for busy machines
# Works in a temporary folder with a tmux server of its own and ends what it started.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=$PWD/tests/bench
bin=${CARGO_TARGET_DIR:-$PWD/target}/$(rustc --print host-tuple)/release
[ -x "$bin/dispatch" ] || { echo "no $bin/dispatch: run \`cargo build --release\` first" >&2; exit 2; }
if [ "${ROUNDS:-tenth}" = full ]; then times=40 ended=10000 windows="100 1000" bytes=$((1 << 30))
else times=15 ended=1000 windows="50" bytes=$((1 << 28)); fi
slack=1.6

work=$(mktemp -d /tmp/db-XXXXXX)
mkdir "$work/bin"
cc -O2 -o "$work/bin/timer" "$here/timer.c"
cc -O2 -static -o "$work/bin/waiter" "$here/timer.c"
# Before HOME changes: rustup finds its toolchain there.
rustc --edition 2021 -O -o "$work/bin/empty" "$here/empty.rs"
export HOME=$work/home PATH="$bin:$work/bin:$PWD/target/bench-peers/bin:$PATH" TMUX_TMPDIR=$work DISPATCH_TMUX_SOCKET=b TS_SOCKET=$work/tsp
export BENCH_STAMPS=$work/stamps LC_ALL=C.UTF-8
unset TMUX TMUX_PANE DISPATCH_MANIFEST DISPATCH_RUN_ID
mkdir -p "$HOME" "$BENCH_STAMPS" "$work/project/tasks"
t() { tmux -u -f /dev/null -L b "$@"; }
helpers=() # what runs beside, by pid
daemons=() # the same, of a cluster: they are killed, because they take seconds to end and write until then
end_daemons() {
  [ ${#daemons[@]} -gt 0 ] || return 0
  kill -9 "${daemons[@]}" 2>/dev/null || true
  wait "${daemons[@]}" 2>/dev/null || true
  daemons=()
}
tidy() {
  local server
  end_daemons
  [ ${#helpers[@]} -eq 0 ] || kill "${helpers[@]}" 2>/dev/null || true
  for folder in "$work/serve" "$work/ui" "$work/pages"; do
    if [ -d "$folder" ]; then (cd "$folder" && timeout 60 dispatch stop --all >/dev/null 2>&1) || true; fi
  done
  (cd "$work/project" && timeout 60 dispatch stop --all >/dev/null 2>&1) || true
  server=$(t display-message -p '#{pid}' 2>/dev/null) && kill "$server" 2>/dev/null || true
  if command -v pueue >/dev/null; then pueue shutdown >/dev/null 2>&1 || true; fi
  if command -v tsp >/dev/null; then tsp -K 2>/dev/null || true; fi
  rm -rf "$work"
}
trap tidy EXIT

cd "$work/project"
cat >dispatch.yaml <<YAML
version: 1
session: bench
jobs: 64
env: { BENCH_STAMPS: "$BENCH_STAMPS" }
retention: { runs_per_pair: 1000000 }
tasks: [{ files: "tasks/*.md" }]
agents:
  timer: { interactive: [timer], headless: [timer], prompt: none, protocol: text }
modes:
  first: { agent: timer, flags: [stamp] }
  last: { agent: timer, flags: [stamp-after, "60"] }
  hold: { agent: timer, flags: [hold] }
  write: { agent: timer, flags: [write, "$bytes"], log_max: 8GiB }
  window: { interactive: true, agent: timer, flags: [hold] }
YAML
for n in $(seq 0 19); do echo "# Task $n" >"tasks/T-$n.md"; done

rows=0 failed=() # printed again at the end
# Rows that are known to be behind their limit are marked `behind=3`: they are said to be over,
# and fail only when they get worse. Take the mark off with the gap.
allowed() { if [ -n "${STRICT:-}" ]; then echo 1; else echo "${behind:-$slack}"; fi; }
# row NAME OURS OTHER LIMIT: a line of the table; "over" is over the limit but within the slack.
row() {
  [ $rows -gt 0 ] || printf '%-44s %12s %12s %8s %8s  %s\n' name ours other ratio limit ok
  rows=$((rows + 1))
  local verdict line
  verdict=$(awk -v a="$2" -v b="$3" -v l="$4" -v s="$(allowed)" 'BEGIN {
    r = b > 0 ? a / b : 0; printf "%.2f %s", r, r <= l ? "ok" : r <= l * s ? "over" : "FAIL" }')
  line=$(printf '%-44s %12s %12s %8s %8s  %s' "$1" "$2" "$3" "${verdict% *}" "$4" "${verdict#* }")
  echo "$line"
  [ "${verdict#* }" != FAIL ] || failed+=("$line")
}
# compare WHAT LIMIT NAME, then methods as timer wants them: the first is ours, the second the other.
compare() {
  local what=$1 limit=$2 name=$3 out
  shift 3
  out=$(timer compare "$times" "$what" "$@")
  row "$name, us" "$(awk 'NR == 1 { print $2 }' <<<"$out")" "$(awk 'NR == 2 { print $2 }' <<<"$out")" "$limit"
}

# shellcheck source=/dev/null
. "$here/projects.sh"
for part in ${ONLY:-start up stop serve ui pages slurm}; do
  # shellcheck source=/dev/null
  . "$here/$part.sh"
done

if [ ${#failed[@]} -gt 0 ]; then
  echo "${#failed[@]} over what they are allowed:"
  printf '%s\n' "${failed[@]}"
  exit 1
fi
echo "all within what they are allowed"
