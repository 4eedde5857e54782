#!/usr/bin/env bash
# A demonstration in half a minute, without an account: builds dispatch and reviews a task with a
# stand-in agent. Works in a temporary copy and leaves nothing running.
#   bash examples/demo/demo.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# The interactive part needs tmux; the review does not.
if ! command -v tmux >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "tmux is missing; installing it"
    apt-get install -y -qq tmux >/dev/null 2>&1 ||
      { apt-get update -qq && apt-get install -y -qq tmux; } >/dev/null 2>&1 || true
  fi
  command -v tmux >/dev/null ||
    echo "tmux is missing, so the window is left out (Debian: apt-get install tmux; macOS: brew install tmux)"
fi

say "Building dispatch (the first time takes a minute or two)"
(cd "$root" && cargo build --quiet --bin dispatch)
bin=${CARGO_TARGET_DIR:-$root/target}/$(rustc --print host-tuple)/debug

folder=$(mktemp -d "${TMPDIR:-/tmp}/dispatch-demo.XXXXXX")
unset TMUX TMUX_PANE DISPATCH_MANIFEST DISPATCH_RUN_ID
export PATH="$bin:$PATH" DISPATCH_TMUX_SOCKET="dispatch-demo-$$"
tidy() {
  (cd "$folder" && dispatch stop --all >/dev/null 2>&1) || true
  if command -v tmux >/dev/null; then tmux -L "$DISPATCH_TMUX_SOCKET" kill-server 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap tidy EXIT
cp -R "$here/." "$folder"
cd "$folder"

shows() { say "\$ $*"; local code=0; "$@" || code=$?; echo "(exit code $code)"; }

shows dispatch tasks
shows dispatch run code-review TASK-1
shows cat reviews/TASK-1.md
shows dispatch run code-review TASK-2

say "\$ dispatch run -d code-review TASK-3      # never ends by itself"
dispatch run -d code-review TASK-3
shows dispatch status
shows dispatch stop code-review TASK-3

if command -v tmux >/dev/null; then
  say "\$ dispatch run --attach none interactive TASK-1      # a tmux window"
  dispatch run --attach none interactive TASK-1
  asked() { tmux -L "$DISPATCH_TMUX_SOCKET" list-panes -a -F '#{pane_id}' 2>/dev/null |
    while read -r pane; do tmux -L "$DISPATCH_TMUX_SOCKET" capture-pane -p -t "$pane"; done | grep 'no name'; }
  for _ in $(seq 50); do asked >/dev/null && break; sleep 0.1; done
  echo "its window says:"
  asked || echo "(nothing yet)"
  shows dispatch stop interactive TASK-1
fi

shows dispatch history
say "Done. The README says how to point it at a real agent and at your own tasks."
