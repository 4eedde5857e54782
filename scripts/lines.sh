#!/usr/bin/env bash
# Counts the lines of Rust in `src` without unit tests, by folder and in total.
#   bash scripts/lines.sh
# A file counts up to its `#[cfg(test)] mod tests {`; files `*tests.rs` and folders `tests` are left out.
set -euo pipefail
cd "$(dirname "$0")/.."

find src -name '*.rs' ! -name '*tests.rs' ! -path '*/tests/*' -print0 | sort -z | xargs -0 awk '
  FNR == 1 { counts = 1; held = 0; folder = FILENAME; sub("^src/", "", folder); if (!sub("/.*", "", folder)) folder = "." }
  # An attribute belongs to the tests if the tests follow it.
  /^#\[cfg\(test\)\]$/ { held = 1; next }
  held && /^mod tests \{/ { counts = 0 }
  counts { lines[folder] += 1 + held; total += 1 + held }
  { held = 0 }
  END {
    for (folder in lines) printf "%7d  %s\n", lines[folder], folder | "sort -k2"
    close("sort -k2")
    printf "%7d  total\n", total
  }
'
