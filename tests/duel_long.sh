# SPDX-License-Identifier: MIT
# The duel from a seed that nobody chose, some millions of operations; DUEL_SEED
# repeats one, DUEL_OPS wants more. What fails is left as a scenario in the build
# directory.
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}" "${DUEL_SEED:=$(date +%s)}" "${DUEL_OPS:=4000000}"
number=0

# SENTENCE COMMAND...
check()
{
	sentence=$1
	shift
	number=$((number + 1))
	if out=$(timeout 1200 "$@" 2>&1); then
		echo "ok $number - $sentence"
	else
		echo "not ok $number - $sentence"
	fi
	echo "$out" | sed 's/^#* */# /'
}

echo 1..2
check "$DUEL_OPS operations from seed $DUEL_SEED give the naive answers" \
	sh "$top_srcdir/tests/duel_farm.sh" "$DUEL_OPS" "$DUEL_SEED"
check "no emit can be left out, from seed $DUEL_SEED" \
	"$top_builddir/tests/duel.t" --tap --seconds=5 --seed="$DUEL_SEED"
