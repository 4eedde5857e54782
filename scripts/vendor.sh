#!/usr/bin/env bash
# Fetches what others wrote for the browser into src/serve/assets/vendor: for developers, when a
# version changes. Nobody who builds or installs needs it; what it writes is committed.
#   bash scripts/vendor.sh
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=src/serve/assets/vendor

# package@version, then its files.
packages=(
  "@xterm/xterm@6.0.0 lib/xterm.mjs css/xterm.css"
  "@xterm/addon-fit@0.11.0 lib/addon-fit.mjs"
  "@xterm/addon-webgl@0.19.0 lib/addon-webgl.mjs"
  "@xterm/addon-web-links@0.12.0 lib/addon-web-links.mjs"
  "@xterm/addon-unicode11@0.9.0 lib/addon-unicode11.mjs"
)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$vendor"
rows=()

# keep NAME PACKAGE VERSION PATH: a row of vendor.json for a file that is in place.
keep() {
  local sum
  sum=$(sha256sum "$vendor/$1" | cut -d' ' -f1)
  rows+=("$(printf '  { "file": "%s", "name": "%s", "version": "%s", "license": "MIT", "sha256": "%s", "source": "npm pack %s@%s: package/%s" }' \
    "$1" "$2" "$3" "$sum" "$2" "$3" "$4")")
}

for line in "${packages[@]}"; do
  read -r package files <<<"$line"
  name=${package%@*} version=${package##*@}
  folder=$work/$(basename "$name")
  mkdir -p "$folder"
  archive=$(npm pack --silent --pack-destination "$work" "$package")
  tar -xzf "$work/$archive" -C "$folder"
  for file in $files; do
    # Source maps are not there: a browser would ask for them in vain.
    sed '/^\/\/# sourceMappingURL=/d' "$folder/package/$file" >"$vendor/$(basename "$file")"
    keep "$(basename "$file")" "$name" "$version" "$file"
  done
  license=LICENSE-$(basename "$name")
  cp "$folder/package/LICENSE" "$vendor/$license"
  keep "$license" "$name" "$version" LICENSE
done

{
  echo "["
  for at in "${!rows[@]}"; do
    printf '%s%s\n' "${rows[$at]}" "$([ "$at" -lt $((${#rows[@]} - 1)) ] && echo ,)"
  done
  echo "]"
} >"$vendor/vendor.json"
