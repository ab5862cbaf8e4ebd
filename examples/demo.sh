#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job in five steps: assemble, look, run, watch, and be told what is wrong.
set -eu
cd "$(dirname "$0")"
PATH=${SKEP_BUILD:-$PWD/../build}:$PATH

# Shows a command as one would type it, then runs it.
show() {
  printf '\n$ %s\n' "$1"
  eval "$1"
}

echo "Skep runs eBPF without privilege, in its own machine."
show 'skep asm fnv1a.s | skep disasm'
show 'skep exec --mem "68 65 6c 6c 6f" fnv1a.s'
show 'skep exec --engine interpreter --repeat 1000000 --mem "68 65 6c 6c 6f" fnv1a.s'
show 'skep exec --steps --mem "68" fnv1a.s'
show 'skep exec --mem "$(sed s/#.*// frame.hex)" port80.s'
printf '\nA program that reads too far is stopped, and says where:\n'
show 'skep exec --mem "01 02 03 04" past_the_end.s || true'
