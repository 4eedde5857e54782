#!/usr/bin/env bash
# The gate: installs what is missing, then format, lints, documents, build, benchmark and the tests of all tiers.
# `cargo test` alone runs the first tier, which needs cc, git and tmux.
#   bash scripts/test.sh               # a tenth of the counts for races and crashes
#   ROUNDS=full bash scripts/test.sh   # full counts
# Made for a fresh clone on Debian 12 with Rust; elsewhere it names what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
export ROUNDS=${ROUNDS:-tenth}
# cargo's answers in English, and no wrapper of the caller's make.
export LC_ALL=C.UTF-8
unset TMUX TMUX_PANE MAKEFLAGS DISPATCH_MANIFEST DISPATCH_RUN_ID DISPATCH_TMUX_SOCKET

# What `cargo test` leaves out.
tiers=(--test browser --test terminals --test agents --test system --test slurm)

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo -n "$@"
  else return 1
  fi
}

# program=package: what the tests drive.
install_tools() {
  local missing=() pair
  for pair in tmux=tmux git=git zsh=zsh strace=strace ps=procps node=nodejs npm=npm cc=gcc; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  # The browser and the Python of the server's tests; each where Debian puts it.
  [ -x /usr/bin/chromium ] || missing+=(chromium)
  /usr/bin/python3 -c 'import websockets' 2>/dev/null || missing+=(python3-websockets)
  # Terminals, and a screen for them: X, a window manager, a message bus, OpenGL without a card.
  for pair in Xvfb=xvfb jwm=jwm dbus-daemon=dbus-daemon xprop=x11-utils wmctrl=wmctrl xdotool=xdotool \
    xterm=xterm gnome-terminal=gnome-terminal konsole=konsole kitty=kitty alacritty=alacritty; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  compgen -G '/usr/lib/*/dri/swrast_dri.so' >/dev/null || missing+=(libgl1-mesa-dri)
  # A cluster for each test of its tier; its daemons are where only root looks for programs.
  [ -x /usr/sbin/slurmctld ] || missing+=(slurm-wlm)
  [ -x /usr/sbin/munged ] || missing+=(munge)
  # Peers of the benchmark; it runs without them.
  for pair in tsp=task-spooler wrk=wrk websocketd=websocketd; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  step "installing: ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    echo "no apt-get here; please install: ${missing[*]}" >&2
    return 0 # The tests that need one fail and name it.
  fi
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq || true
  as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    echo "could not install: ${missing[*]}" >&2
  echo "installed in $SECONDS s"
}

# Packages of npm that tests drive: the real agent, against a stub on the loopback (proprietary, so
# never committed), what steers the browser (without scripts, so that it downloads none), and what
# looks at pages for people who cannot.
install_packages() {
  local tools=target/test-tools missing=()
  compgen -G "$tools/node_modules/@anthropic-ai/claude-code-*/claude" >/dev/null || missing+=(@anthropic-ai/claude-code)
  [ -d "$tools/node_modules/playwright-core" ] || missing+=(playwright-core)
  [ -d "$tools/node_modules/axe-core" ] || missing+=(axe-core)
  [ ${#missing[@]} -gt 0 ] || return 0
  step "installing ${missing[*]} into $tools"
  mkdir -p "$tools"
  [ -f "$tools/package.json" ] || echo '{ "private": true }' >"$tools/package.json"
  npm install --prefix "$tools" --ignore-scripts --no-audit --no-fund --loglevel=error "${missing[@]}"
}

install_components() {
  if command -v rustup >/dev/null; then
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
  fi
}

install_tools
install_components
install_packages

step "cargo fmt --all --check"
cargo fmt --all --check

# The release has long stretches on one core: the other one checks and builds the tests meanwhile.
# (cargo locks each profile by itself.)
mkdir -p target
cargo build --release --quiet >target/release-build.log 2>&1 &
release=$!
trap 'kill "$release" 2>/dev/null || true' EXIT

step "cargo clippy"
cargo clippy --workspace --all-targets --quiet -- -D warnings
cargo clippy "${tiers[@]}" --quiet -- -D warnings

step "cargo clippy of the plain POSIX forms"
DISPATCH_POSIX=1 cargo clippy --lib --quiet -- -D warnings

step "cargo doc"
RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --document-private-items --quiet

step "cargo test --no-run"
cargo test --all-targets --no-run --quiet
cargo test "${tiers[@]}" --no-run --quiet

step "cargo build --release"
wait "$release" || {
  cat target/release-build.log >&2
  exit 1
}
trap - EXIT

step "benchmark"
bench=0
bash tests/bench/run.sh | tee target/benchmark.log || bench=$?

step "cargo test"
# Documentation tests are not part of --all-targets.
cargo test --doc --quiet
# More at once than there are cores: most of a test is waiting for others.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) + 1))}
tests=0
cargo test --all-targets --no-fail-fast || tests=$?

step "cargo test ${tiers[*]}"
# A browser, an agent or a cluster keeps a core busy by itself.
RUST_TEST_THREADS=$(nproc) cargo test "${tiers[@]}" --no-fail-fast || tests=$?

if [ "$bench" != 0 ]; then
  # The rows that are over, and their count; where there are none, it broke off.
  sed -n '/over what they are allowed/,$p' target/benchmark.log >&2
  echo "the benchmark failed (its table is above, and in target/benchmark.log)" >&2
fi
[ "$tests" = 0 ] || echo "tests failed: see the summaries above" >&2
exit $((bench != 0 ? bench : tests))
