# SPDX-License-Identifier: MIT
# The duel from a seed that nobody chose; DUEL_SEED repeats one.
set -u
: "${top_builddir:=build}" "${DUEL_SEED:=$(date +%s)}"
exec timeout 300 "$top_builddir/tests/duel.t" --tap --seconds=40 --seed="$DUEL_SEED"
