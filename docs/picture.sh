#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the README's picture with the program itself: the demo's guest on the
# deterministic machine, at the moment its fourth page directory is linked.
#   usage: docs/picture.sh [BUILDDIR]     writes docs/demo.svg
set -eu
cd "$(dirname "$0")/.."
vitrine=${1:-build}/tui/vitrine
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$vitrine" run --icount --mmu=shadow --timeout=60 --record="$dir/pse.rec" pse >/dev/null
fourth=$("$vitrine" trace dump "$dir/pse.rec" | awk '/ sp_new / && /role=0x3772 / { print $1; exit }')
cat >"$dir/script" <<SCRIPT
:goto $((fourth + 3))
:save-screen $dir/demo.svg
SCRIPT
"$vitrine" view --script="$dir/script" --size=110x36 "$dir/pse.rec"
mv "$dir/demo.svg" docs/demo.svg
