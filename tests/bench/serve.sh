# shellcheck shell=bash
# Rows of `serve`: requests, a line's way to a client, a long log, memory. Sourced by run.sh.

cc -O2 -pthread -o "$work/bin/peers" "$here/peers.c"
if [ "${ROUNDS:-tenth}" = full ]; then seconds=4 lines=300 passes=5 streams=5; else seconds=2 lines=100 passes=3 streams=3; fi
rm -rf "$work/serve"
mkdir -p "$work/serve/tasks"
cd "$work/serve"
cat >dispatch.yaml <<YAML
version: 1
session: bench
jobs: 64
env: { BENCH_STAMPS: "$BENCH_STAMPS" }
tasks: [{ files: "tasks/*.md" }]
agents:
  timer: { headless: [timer], prompt: none, protocol: text }
modes:
  first: { agent: timer, flags: [stamp] }
  hold: { agent: timer, flags: [hold] }
  write: { agent: timer, flags: [write, "$bytes"], log_max: 8GiB }
YAML
echo "# Task 1" >tasks/T-1.md
dispatch run -q first T-1 >/dev/null
dispatch run -q write T-1 >/dev/null
dispatch run -q -d hold T-1 >/dev/null
log=$(dispatch status hold T-1 --json | sed -n 's/.*"runId": *"\([^"]*\)".*/\1/p' | head -1)
log=$PWD/.dispatch/runs/$log/stdout.log
for _ in $(seq 200); do [ -e "$log" ] && break; sleep 0.05; done

dispatch serve --port 0 --json >"$work/serving" 2>/dev/null &
server=$!
helpers+=("$server")
for _ in $(seq 200); do [ -s "$work/serving" ] && break; sleep 0.05; done
port=$(sed -n 's|.*http://127.0.0.1:\([0-9]*\).*|\1|p' "$work/serving")
token=$(dispatch token)
resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$server/status"; }
cpu() { awk '{ print $14 + $15 }' "/proc/$server/stat"; }
# peer ARGS: starts one and sets `peer` to its port.
peer() {
  peers "$@" >"$work/peer" &
  helpers+=("$!")
  for _ in $(seq 200); do [ -s "$work/peer" ] && break; sleep 0.05; done
  peer=$(cat "$work/peer"); rm -f "$work/peer"
}

# ---- at rest
sleep 1
# Nine tenths of it are the program's own pages: a kernel from 6.18 on maps a fresh file by whole
# folios. Less than 1 MiB is the server's (RssAnon).
row "an idle server, KiB / 8 MiB" "$(resident)" 8192 1
before=$(resident)
peers idle "$port" 50 60 "$token" /logs/hold/T-1 /api/events >"$work/open" &
idlers=$!
helpers+=("$idlers")
for _ in $(seq 200); do [ -s "$work/open" ] && break; sleep 0.05; done
sleep 1
ticks=$(cpu); sleep 5; ticks=$(($(cpu) - ticks))
row "50 idle WebSockets, KiB more / 6 MiB" $(($(resident) - before)) 6144 1
row "50 idle WebSockets, CPU ms in 5 s / 1 %" $((ticks * 1000 / $(getconf CLK_TCK))) 50 1
kill "$idlers"

# ---- requests
if command -v wrk >/dev/null; then
  peer http; bare=$peer
  # ask CONNECTIONS URL: requests in a second, and the 99th percentile in microseconds.
  ask() {
    wrk -t1 -c"$1" -d"${seconds}s" --latency -H "Authorization: Bearer $token" "$2" | awk '
      /^ *99%/ { t = $2; us = t + 0; if (t ~ /ms$/) us *= 1000; else if (t ~ /[0-9]s$/) us *= 1e6 }
      /^Requests\/sec:/ { rate = $2 } /Non-2xx/ { bad = 1 } END { print bad ? 0 : rate, us }'
  }
  for what in "first ended" "hold running"; do
    ours=() other=()
    for _ in $(seq "$passes"); do
      ours+=("$(ask 8 "http://127.0.0.1:$port/status/${what% *}/T-1" | cut -d' ' -f1)")
      other+=("$(ask 8 "http://127.0.0.1:$bare/" | cut -d' ' -f1)")
    done
    each() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { printf "%.1f", 1e6 / v[int((NR + 1) / 2)] }'; }
    row "GET /status, ${what#* } / a constant, us each" "$(each "${ours[@]}")" "$(each "${other[@]}")" 2
  done
  row "GET /status, 1 connection, p99 us / 10 ms" "$(ask 1 "http://127.0.0.1:$port/status/hold/T-1" | cut -d' ' -f2)" 10000 1
else
  echo "(wrk is not installed: its rows are left out)"
fi

# ---- a line's way to a client
: >"$work/tailed"
peer tail "$work/tailed"; tailed=$peer
for clients in 1 50; do
  : >"$work/ours"; : >"$work/raw"
  for _ in $(seq "$passes"); do
    peers latency "$port" "$log" "$lines" "$clients" /logs/hold/T-1 "$token" >>"$work/ours"
    # Threads of clients that left notice that only when they write.
    kill "${helpers[-1]}"; unset 'helpers[-1]'; peer tail "$work/tailed"; tailed=$peer
    peers latency "$tailed" "$work/tailed" "$lines" "$clients" "" "" >>"$work/raw"
  done
  column() { cut -d' ' -f"$1" "$2" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
  if [ "$clients" = 1 ]; then
    # Two threads hand it on, the peer is one: on a machine at rest each wakes a core that sleeps.
    behind=3 row "a line to 1 client / inotify and TCP, us" "$(column 1 "$work/ours")" "$(column 1 "$work/raw")" 1.5
    row "a line to 1 client, p99 us / 2 ms" "$(column 2 "$work/ours")" 2000 1
  else
    row "a line to the last of 50 / inotify and TCP, us" "$(column 1 "$work/ours")" "$(column 1 "$work/raw")" 2
  fi
done

# ---- a long log
whole=$(dispatch status write T-1 --json | sed -n 's/.*"runId": *"\([^"]*\)".*/\1/p' | head -1)
whole=$PWD/.dispatch/runs/$whole/stdout.log
peer frames "$whole"; framed=$peer
: >"$work/ours"; : >"$work/raw"; : >"$work/most"
for _ in $(seq "$streams"); do
  peers read "$port" "$bytes" "/logs/write/T-1?format=raw" "$token" >>"$work/ours" &
  reader=$!
  while kill -0 "$reader" 2>/dev/null; do resident >>"$work/most"; sleep 0.02; done
  wait "$reader"
  peers read "$framed" "$bytes" / "" >>"$work/raw"
done
ours=$(column 1 "$work/ours")
# It copies what sendfile hands over by reference.
behind=2 row "$((bytes >> 20)) MiB by WebSocket / sendfile, us" "$ours" "$(column 1 "$work/raw")" 1.667
row "the server meanwhile, KiB / 24 MiB" "$(sort -n "$work/most" | tail -1)" 24576 1
if command -v websocketd >/dev/null; then
  few=$((bytes >> 5))
  head -c "$few" "$whole" >"$work/part"
  taken=$((20000 + $$ % 20000))
  websocketd --address=127.0.0.1 --port="$taken" --loglevel=error script -qfc "cat '$work/part'" /dev/null >/dev/null 2>&1 &
  helpers+=("$!")
  for _ in $(seq 200); do (: >"/dev/tcp/127.0.0.1/$taken") 2>/dev/null && break; sleep 0.05; done
  row "the same / websocketd and a pty, us a part" $((ours >> 5)) "$(peers read "$taken" "$few" / "")" 0.1
else
  echo "(websocketd is not installed: its row is left out)"
fi
kill "${helpers[@]}" 2>/dev/null || true
dispatch stop -q --all >/dev/null
cd "$work/project"
