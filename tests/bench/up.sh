# shellcheck shell=bash
# Rows of `plan` and `up`: many windows, many jobs, the queue, a look that changes nothing.
# Sourced by run.sh.

if [ "${ROUNDS:-tenth}" = full ]; then many=100 more=500 rounds=5 queued=1000 tasks=5000 past=10000
else many=50 more=100 rounds=3 queued=200 tasks=1000 past=1000; fi

raw_windows() { for _ in $(seq "$1"); do echo "new-window -d -a -t '=bench:{end}' '$work/bin/timer' hold"; done | tmux -u -L b source-file -; }

# ---- many windows. What the rows before have written is still on its way to the disk.
sync
for count in $many $more; do
  : >"$work/ours"; : >"$work/raw"
  for _ in $(seq "$rounds"); do
    project "$work/up" window "$count" 4
    fresh_server; (cd "$work/up" && micros dispatch up -q) >>"$work/ours"
    fresh_server; micros raw_windows "$count" >>"$work/raw"
  done
  [ "$count" != "$many" ] || few=$(median <"$work/ours")
  behind=3 row "up of $count windows / source-file, us" "$(median <"$work/ours")" "$(median <"$work/raw")" 1.3
done
row "up, a window of $more / one of $many, us" $(($(median <"$work/ours") / more)) $((few / many)) 1.3
if command -v tmuxp >/dev/null; then
  project "$work/up" window "$many" 4
  { printf 'session_name: other\nwindows:\n'; for _ in $(seq "$many"); do printf -- "- { panes: [{ shell: '%s hold' }] }\n" "$work/bin/timer"; done; } >"$work/tmuxp.yaml"
  fresh_server; ours=$(cd "$work/up" && micros dispatch up -q)
  fresh_server; row "up of $many windows / tmuxp load, us" "$ours" "$(micros tmuxp load -d -L b "$work/tmuxp.yaml")" 0.05
fi
fresh_server

# ---- many jobs
: >"$work/ours"; : >"$work/raw"
for _ in $(seq "$rounds"); do
  project "$work/up" job "$many" 1000
  (cd "$work/up" && timer until "$many" dispatch up -q) >>"$work/ours"
  (cd "$work/up" && dispatch down -q >/dev/null)
  waiter waiters "$many" >>"$work/raw"
done
behind=6 row "up of $many jobs / a loop of static waiters, us" "$(median <"$work/ours")" "$(median <"$work/raw")" 2
if command -v pueue >/dev/null; then
  pueue parallel 0 >/dev/null
  adds() { for _ in $(seq "$many"); do pueue add "timer count" >/dev/null; done; }
  export -f adds; export many
  row "up of $many jobs / pueue add, us" "$(median <"$work/ours")" "$(timer until "$many" bash -c adds)" 0.2
fi

# ---- a queue that is longer than its slots
project "$work/up" quick "$queued" 16
ours=$(cd "$work/up" && timer until "$queued" dispatch up -q)
if command -v pueue >/dev/null; then
  pueue pause >/dev/null; pueue parallel 16 >/dev/null
  for _ in $(seq "$queued"); do pueue add "timer count" >/dev/null; done
  row "$queued queued jobs, 16 slots / pueue, us" "$ours" "$(timer until "$queued" pueue start)" 0.333
else
  tsp -S 16
  row "$queued queued jobs, 16 slots / tsp, us" "$ours" "$(timer until "$queued" bash -c "for _ in \$(seq $queued); do tsp -n timer count >/dev/null; done")" 9
fi

# ---- a look at a project in which all is as wanted
project "$work/many" "window job" $((more)) 1000
cd "$work/many"
dispatch run -q -d quick T-1 >/dev/null; dispatch wait -q quick T-1
one=$(find .dispatch/runs -mindepth 1 -maxdepth 1 -type d | head -1)
if command -v node >/dev/null; then node "$here/generate.mjs" "$PWD/$one" "$past" 10; rm -f .dispatch/dispatch.db*; fi
fresh_server
dispatch up -q >/dev/null
dispatch plan -q --exit-code >/dev/null || failed+=("up left something to do")
behind=6 compare return 1.5 "empty plan, $((2 * more)) runs, $past ended / list-panes" -- ours "" "" dispatch -q plan \
  -- other "" "" tmux -u -L b list-panes -a -F '#{pane_id} #{window_id} #{session_name} #{pane_pid} #{pane_dead} #{pane_dead_status} #{pane_start_command}'
if command -v strace >/dev/null; then
  clients=$(strace -f -qq -e trace=execve -o "$work/trace" dispatch plan -q >/dev/null && grep -c '/tmux".* = 0$' "$work/trace" || true)
  row "tmux clients of one plan / 2" "$clients" 2 1
fi
dispatch down -q >/dev/null

# ---- many tasks
project "$work/small" "quick job window other" $((tasks / 4)) 4
project "$work/large" "quick job window other" "$tasks" 4
compare return 4.6 "plan of $tasks tasks x 4 modes / of a quarter" -- ours "" "" dispatch -C "$work/large" -q plan \
  -- other "" "" dispatch -C "$work/small" -q plan
cd "$work/project"
