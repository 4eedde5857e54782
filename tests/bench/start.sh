# shellcheck shell=bash
# Rows of single commands: start-up, one job, windows, memory, logs, history. Sourced by run.sh.

# ---- start-up
compare return 1.5 "--version / empty Rust program" -- ours "" "" dispatch --version -- other "" "" empty
compare return 2.5 "status, no runs / empty Rust program" -- ours "" "" dispatch -q status -- other "" "" empty

# ---- one job. Where pueue is not there, tsp stands in for it: 0.6 times the one was measured as 2.0
# times the other.
if command -v pueue >/dev/null; then
  export XDG_RUNTIME_DIR=$work/runtime XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data
  mkdir -p -m 700 "$XDG_RUNTIME_DIR"
  pueued -d >/dev/null
  for _ in $(seq 100); do pueue status >/dev/null 2>&1 && break; sleep 0.05; done
  behind=3 compare first 0.6 "run -d to first instruction / pueue add -i" \
    -- ours "" "dispatch wait -q first T-1 >/dev/null" dispatch run -q -d first T-1 \
    -- other "" "pueue wait >/dev/null 2>&1" pueue add -i "timer stamp"
fi
if command -v tsp >/dev/null; then
  behind=3 compare first 2.0 "run -d to first instruction / tsp" \
    -- ours "" "dispatch wait -q first T-1 >/dev/null" dispatch run -q -d first T-1 -- other "" "tsp -w; tsp -C" tsp timer stamp
else
  echo "(tsp is not installed: its row is left out)"
fi
behind=3 compare first 6 "run -d to first instruction / direct spawn" \
  -- ours "" "dispatch wait -q first T-1 >/dev/null" dispatch run -q -d first T-1 -- other "" "" timer stamp
compare end 8 "job's end to wait returns / shell's wait" \
  -- ours "dispatch run -q -d last T-1 >/dev/null" "" dispatch wait -q last T-1 -- other "" "" sh -c 'timer stamp-after 60; :'

# ---- windows
t new-session -d -s bench -x 80 -y 24 'sleep 100000'
behind=3 compare return 1.5 "run in a window / tmux new-window" \
  -- ours "" "dispatch stop -q window T-1 >/dev/null" dispatch run -q --attach none window T-1 \
  -- other "" "tmux -L b kill-window -t '=bench:{end}'" \
  tmux -u -L b new-window -d -a -t '=bench:{end}' timer hold
for n in $(seq 20 1023); do echo "# Task $n" >"tasks/T-$n.md"; done
for count in $windows; do
  have=$(t list-windows -t =bench: | wc -l)
  ids=$(seq -f 'T-%g' "$have" $((count)))
  # shellcheck disable=SC2086
  dispatch run -q --attach none window $ids >/dev/null
  behind=3 compare return 1.3 "status, $count windows / list-panes -a -F" -- ours "" "" dispatch status \
    -- other "" "" tmux -u -L b list-panes -a -F '#{pane_id} #{window_id} #{session_name} #{pane_pid} #{pane_dead} #{pane_dead_status} #{pane_start_command}'
done
if command -v strace >/dev/null; then
  clients=$(strace -f -qq -e trace=execve -o "$work/trace" dispatch status >/dev/null && grep -c '/tmux".* = 0$' "$work/trace" || true)
  row "tmux clients of one status / 1" "$clients" 1 1
fi
dispatch stop -q --all >/dev/null

# ---- a supervisor's memory, all crates linked and waiting
rm -f "$BENCH_STAMPS/holder"
# A program just linked still waits to be written: its pages would count as dirty.
sync
dispatch run -q -d hold T-1 >/dev/null
for _ in $(seq 200); do [ -s "$BENCH_STAMPS/holder" ] && break; sleep 0.05; done
private=$(awk '/^Private_Dirty:/ { print $2 }' "/proc/$(cat "$BENCH_STAMPS/holder")/smaps_rollup")
row "a supervisor's Private_Dirty / 512 KiB" "$private" 512 1
dispatch stop -q hold T-1 >/dev/null

# ---- the log path: the kernel's, so the same speed and CPU as a shell's redirect
speed=() cpu=()
for round in 1 2 3; do
  start=$(date +%s%N); sh -c "timer write $bytes >'$work/redirect'; :"; end=$(date +%s%N)
  direct=$(((end - start) / 1000)) direct_cpu=$(cat "$BENCH_STAMPS/cpu"); rm -f "$work/redirect"
  start=$(date +%s%N); dispatch run -q -d write T-1 >/dev/null; dispatch wait -q write T-1; end=$(date +%s%N)
  speed+=("$(((end - start) / 1000)) $direct") cpu+=("$(cat "$BENCH_STAMPS/cpu") $direct_cpu")
  find .dispatch -name stdout.log -size +1M -exec truncate -s 0 {} + # the next round has the disk for itself
done
middle() { printf '%s\n' "$@" | awk '{ print $1 / $2, $0 }' | sort -n | sed -n 2p | cut -d' ' -f2-; }
# shellcheck disable=SC2046
row "log of $((bytes >> 20)) MiB, wall / redirect, us" $(middle "${speed[@]}") 1.05
# shellcheck disable=SC2046
row "log of $((bytes >> 20)) MiB, CPU / redirect, us" $(middle "${cpu[@]}") 1.1

# ---- many ended runs: as fast as few
if command -v node >/dev/null; then
  cp -R "$work/project" "$work/many"
  rm -rf "$work/many/.dispatch" .dispatch
  for folder in "$work/project" "$work/many"; do
    cd "$folder"
    for n in $(seq 0 9); do dispatch run -q -d first "T-$n" >/dev/null; dispatch wait -q first "T-$n"; done
  done
  one=$(find "$work/many/.dispatch/runs" -mindepth 1 -maxdepth 1 -type d | sort | tail -1)
  node "$here/generate.mjs" "$one" "$ended" 10
  rm -f "$work/many/.dispatch/dispatch.db"*
  seen=$(dispatch history --json --limit 1000000 | grep -o '"runId"' | wc -l)
  [ "$seen" -ge "$ended" ] || failed+=("only $seen of $ended generated runs are seen")
  compare return 1.3 "status, $ended ended runs / 10 ended runs" \
    -- ours "" "" dispatch -C "$work/many" status -- other "" "" dispatch -C "$work/project" status
fi

