#!/bin/sh
# A stand-in for a coding agent: reads its prompt, works for a moment, answers.
set -u
prompt=$(cat)
for second in 1 2 3; do
  echo "reading on ${SLURMD_NODENAME:-$(uname -n)} ($second s)" >&2
  sleep 1
done
echo "$prompt"
echo "Looks good to me."
