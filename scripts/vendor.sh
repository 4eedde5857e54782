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

# The packages of which esbuild makes codemirror.mjs, from scripts/codemirror.mjs.
bundler=esbuild@0.28.2
bundled=(
  @codemirror/autocomplete@6.20.4
  @codemirror/commands@6.11.1
  @codemirror/language@6.13.1
  @codemirror/legacy-modes@6.5.5
  @codemirror/lint@6.9.8
  @codemirror/merge@6.12.3
  @codemirror/search@6.7.2
  @codemirror/state@6.7.6
  @codemirror/streamparser@6.0.0
  @codemirror/view@6.43.15
  @lezer/common@1.5.5
  @lezer/highlight@1.2.5
  @lezer/lr@1.4.12
  @marijn/find-cluster-break@1.0.4
  crelt@1.0.7
  style-mod@4.1.5
  w3c-keyname@2.2.8
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

# keep_bundle NAME: the same for a file made of all bundled packages.
keep_bundle() {
  local sum
  sum=$(sha256sum "$vendor/$1" | cut -d' ' -f1)
  rows+=("$(printf '  { "file": "%s", "name": "CodeMirror", "version": "6", "license": "MIT", "sha256": "%s", "source": "%s of scripts/codemirror.mjs: %s" }' \
    "$1" "$sum" "$bundler" "${bundled[*]}")")
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

# All versions are given, so that each run makes the same file.
mkdir "$work/bundle"
cp scripts/codemirror.mjs "$work/bundle"
(
  cd "$work/bundle"
  echo '{ "private": true }' >package.json
  npm install --silent --no-fund --no-audit --ignore-scripts "$bundler" "${bundled[@]}"
  ./node_modules/.bin/esbuild codemirror.mjs --bundle --minify --format=esm --target=es2022 --charset=utf8 \
    --legal-comments=none --log-level=warning --metafile=meta.json --outfile=out.mjs
)
cp "$work/bundle/out.mjs" "$vendor/codemirror.mjs"
: >"$vendor/LICENSE-codemirror"
for package in "${bundled[@]}"; do
  name=${package%@*} version=${package##*@}
  # A package that only another one names may give no code.
  grep -q "\"node_modules/$name/" "$work/bundle/meta.json" || continue
  [ "$(node -p "require('$work/bundle/node_modules/$name/package.json').version")" = "$version" ]
  { echo "$name $version"; echo; cat "$work/bundle/node_modules/$name/LICENSE"; echo; } >>"$vendor/LICENSE-codemirror"
done
keep_bundle codemirror.mjs
keep_bundle LICENSE-codemirror

{
  echo "["
  for at in "${!rows[@]}"; do
    printf '%s%s\n' "${rows[$at]}" "$([ "$at" -lt $((${#rows[@]} - 1)) ] && echo ,)"
  done
  echo "]"
} >"$vendor/vendor.json"
