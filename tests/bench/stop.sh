# shellcheck shell=bash
# Rows of `stop --all`: it takes less than the start did, and twice the runs take twice the time.
# Sourced by run.sh.

if [ "${ROUNDS:-tenth}" = full ]; then stopped=200; else stopped=40; fi
rounds=3

for mode in window job; do
  for count in "$stopped" $((2 * stopped)); do
    : >"$work/begun"; : >"$work/ended"
    for _ in $(seq "$rounds"); do
      project "$work/stop" "$mode" "$count" 1000
      fresh_server
      if [ "$mode" = job ]; then (cd "$work/stop" && timer until "$count" dispatch up -q) >>"$work/begun"
      else (cd "$work/stop" && micros dispatch up -q) >>"$work/begun"; fi
      (cd "$work/stop" && micros dispatch stop -q --all) >>"$work/ended"
    done
    begun=$(median <"$work/begun") ended=$(median <"$work/ended")
    row "stop of $count ${mode}s / their start, us" "$ended" "$begun" 1
    if [ "$count" = "$stopped" ]; then half=$ended; fi
  done
  row "stop of $((2 * stopped)) ${mode}s / of $stopped, us" "$ended" "$half" 2.2
done
fresh_server
