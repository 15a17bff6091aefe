# SPDX-License-Identifier: MIT
# vitrine compare: two runs of one guest or scenario, their table and where they part.
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}"
vitrine=$top_builddir/tui/vitrine
dir=$(mktemp -d "${TMPDIR:-/tmp}/compare.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tmp"
number=0

# STATUS SENTENCE COMMAND...: out has what it printed, err what it said.
run()
{
	want=$1 sentence=$2
	shift 2
	TMPDIR=$dir/tmp timeout 120 "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	result "$sentence" [ "$status" = "$want" ]
}

has()	# SENTENCE FILE PATTERN: a line of it matches the extended expression
{
	result "$1" grep -Eq -e "$3" "$dir/$2"
}

result()	# SENTENCE TEST...
{
	number=$((number + 1))
	sentence=$1
	shift
	if "$@"; then
		echo "ok $number - $sentence"
	else
		echo "not ok $number - $sentence"
		sed 's/^/# /' "$dir/out" "$dir/err"
	fi
}

cat >"$dir/tables.scn" <<'END'
mmu shadow
mode 4level
map 0x400000 0x5000 wu
map 0x10000 0x13000 w
cpu0: write 0x400000 = 1
zap
cpu0: write 0x400000 = 2
END

machine=
[ -f "$top_builddir/hv/vitrine-hv.elf" ] || machine='built without the hypervisor'
command -v "${QEMU:-qemu-system-x86_64}" >/dev/null 2>&1 || machine='no QEMU here'
if [ -n "$machine" ]; then echo 1..13; else echo 1..20; fi

run 0 'equal settings give equal events' "$vitrine" compare --a= --b= "$dir/tables.scn"
has 'and that is said' out '^the events are the same$'
result 'the table counts what trace stat counts' eval '
	"$vitrine" sim --record="$dir/x.rec" "$dir/tables.scn" >/dev/null 2>&1 &&
	made=$("$vitrine" trace stat "$dir/x.rec" | sed -n "s/ *\([0-9]*\)  sp_new$/\1/p") &&
	grep -Eq "^shadow pages made +$made +$made +1.00 " "$dir/out"'
run 2 'one recording of two runs is refused' \
	"$vitrine" compare --a= --b= --record="$dir/y.rec" "$dir/tables.scn"
has 'and where to get one is said' err 'there are two runs; look at each with run or sim$'
run 0 'a knob can be the difference, in a scenario, too' \
	"$vitrine" compare --a= --b='--set huge=0 --mmu=tdp' --mmu=tdp "$dir/tables.scn"
has 'the first events that differ are shown side by side' out '^  a: [0-9]+ .* spte_set '
has 'and the pages that only one of them has' out '^  only b: page [0-9]+, gfn 0x[0-9a-f]+, role l1'
run 2 'both sides are wanted' "$vitrine" compare --a=--mmu=tdp "$dir/tables.scn"
run 1 'a run that fails is no comparison' "$vitrine" compare --a= --b=--set=nothing=1 "$dir/tables.scn"
has 'its own words are shown' err 'the knobs are huge=0\.\.1'
run 1 'a guest that is not there neither' "$vitrine" compare --a= --b= "$dir/nothing"
result 'nothing is left behind' [ -z "$(ls -A "$dir/tmp")" ]
[ -z "$machine" ] || exit 0

run 0 'a guest does the same on both back ends' \
	"$vitrine" compare --a=--mmu=shadow --b --mmu=tdp --timeout=100 pse
has 'that is said' out '^the guest did the same: [1-9][0-9]* bytes of console, the same end$'
has 'exits are told by kind' out '^  invlpg +[1-9][0-9]* +0 +0\.00  ============\|$'
has 'ticks are instructions' out '^ticks +[0-9]{7,} +[0-9]{6,} '
has 'and where they part' out '^the first events that differ:$'
cp "$dir/out" "$dir/first"
run 0 'again' "$vitrine" compare --a=--mmu=shadow --b --mmu=tdp --timeout=100 pse
result 'the same comparison gives the same figures' cmp -s "$dir/out" "$dir/first"
