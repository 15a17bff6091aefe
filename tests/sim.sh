# SPDX-License-Identifier: MIT
# vitrine-sim as its user meets it: the shipped scenarios, exit statuses,
# messages, the same run twice.
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}"
sim=$top_builddir/hv/sim/vitrine-sim
dir=$(mktemp -d "${TMPDIR:-/tmp}/sim.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
number=0

# STATUS MESSAGE SENTENCE COMMAND...: the command ends so and says so.
check()
{
	want=$1 message=$2 sentence=$3
	shift 3
	number=$((number + 1))
	timeout 60 "$@" >"$dir/out" 2>&1 </dev/null
	status=$?
	if [ "$status" = "$want" ] &&
		{ [ -z "$message" ] || grep -q -F -e "$message" "$dir/out"; }; then
		echo "ok $number - $sentence"
	else
		echo "not ok $number - $sentence"
		echo "# status $status, wanted $want and '$message'"
		sed 's/^/# /' "$dir/out"
	fi
}

scenario()	# NAME LINES...
{
	name=$dir/$1.scn
	shift
	printf '%s\n' "$@" >"$name"
}

# Ours hold with both back ends, but for those that say for which they are.
ours=$(cd "$top_srcdir/tests/sim" && grep -L '^mmu ' -- *.scn)
set -- $ours
nr=$#
one=$(cd "$top_srcdir/tests/sim" && grep -l '^mmu ' -- *.scn)
set -- $one $(cd "$top_srcdir/hv/sim/scenarios" && echo *.scn)
echo "1..$(($# + 2 * nr + 31))"
for file in $ours; do
	for mmu in shadow tdp; do
		check 0 'audit green' "$file holds with $mmu" \
			"$sim" --mmu=$mmu "$top_srcdir/tests/sim/$file"
	done
done
set -- $(cd "$top_srcdir/hv/sim/scenarios" && echo *.scn)
for file in $one; do
	check 0 'audit green' "$file holds" "$sim" "$top_srcdir/tests/sim/$file"
done
for file; do
	check 0 'audit green' "the shipped scenario $file holds" \
		"$sim" "$top_srcdir/hv/sim/scenarios/$file"
done

scenario bad 'vcpus 2' 'cpu0: write 0x1000 5'
check 2 "bad.scn:2: cpu0: write 0x1000 5: = is missing" 'a bad line is named' "$sim" "$dir/bad.scn"
scenario form 'map 0x1000'
check 2 'form.scn:1: map 0x1000: a number is missing; the form is: map GVA GPA RIGHTS' \
	'what is missing is shown by the form of the word' "$sim" "$dir/form.scn"
scenario npt 'mmu shadow' 'mode 4level' nested 'cpu0: vmrun'
check 1 'the guest may not run it: this build or this mode cannot do it' \
	'on shadow paging no guest has nested tables' "$sim" "$dir/npt.scn"
scenario refused 'mmu tdp' 'mode 4level' 'cpu0: vmrun-on 0 0x80000001 0x20 0xd00 refused'
check 1 'the guest may run it' 'what is to be refused and is not is told' "$sim" "$dir/refused.scn"
scenario unrefused 'mmu tdp' 'mode 4level' 'cpu0: vmrun-on 0 0x80000001 0x20 0xd00 refuse'
check 2 'only refused may follow' 'and a wrong word there' "$sim" "$dir/unrefused.scn"
scenario reflect 'mmu tdp' 'mode 4level' nested 'cpu0: vmrun' 'cpu0: read 0x1000 -> reflect 0x5'
check 1 'it ended in a nested page fault, error 0x100000004' \
	'a nested page fault is told from others' "$sim" "$dir/reflect.scn"
scenario nolog 'log 0 0 on'
check 2 'nolog.scn:1: log 0 0 on: there is no such slot at this point; see mem, slot and place' \
	'a slot that is not there yet is named' "$sim" "$dir/nolog.scn"
scenario twoways 'mem 4M' 'log 0 0 on' 'log 0 0 by-d'
check 2 'it is logged in the other way; turn that off first' 'a log has one way at a time' \
	"$sim" "$dir/twoways.scn"
scenario smram0 'ram 4M' 'place 0 0 0 1M 0 smram'
check 2 'smram is for address space 1' 'no SMRAM is where all can see it' "$sim" "$dir/smram0.scn"
scenario colon 'mode 4level' 'cpu0 read 0x1000'
check 2 'colon.scn:2: cpu0: the colon is missing' 'so is a colon' "$sim" "$dir/colon.scn"
scenario result 'cpu0: read 0x1000 -> fault'
check 2 '-> fault: after -> comes a value, or: fault ERROR' 'and what may come after ->' \
	"$sim" "$dir/result.scn"
scenario late 'mem 16M' 'vcpus 2'
check 2 'late.scn:2: ' 'a word in the wrong place is named' "$sim" "$dir/late.scn"
scenario nomap 'mode unpaged' 'map 0 0 rw'
check 2 'nomap.scn:2: map 0 0 rw: there is no paging' 'what cannot be done is named' \
	"$sim" "$dir/nomap.scn"
check 2 'none.scn: open: No such file' 'a missing file is named' "$sim" "$dir/none.scn"
check 2 'exactly one SCENARIO' 'no scenario is wrong usage' "$sim"
check 2 '--mmu=both' 'a wrong back end is wrong usage' "$sim" --mmu=both "$dir/bad.scn"
check 2 "Try 'vitrine-sim --help'" 'an unknown option is wrong usage' "$sim" --frobnicate x

scenario wrong 'mode 4level' 'map 0x400000 0x200000 r' 'cpu0: read 0x400000 -> 5'
check 1 'wrong.scn:3: cpu0: read 0x400000 -> 5: it was done, value 0' \
	'an expectation that fails is status 1' "$sim" "$dir/wrong.scn"
scenario bases 'mmu shadow' 'mode 4level' 'map 0x400000 0x200000 rw' \
	'cpu0: write 0x400000 = 111' 'cpu0: read 0x400000 -> 222' 'expect sps 77'
check 1 'it was done, value 111 (0x6f)' 'a value is told in both bases' "$sim" "$dir/bases.scn"
check 1 'expect sps 77: it is not so; the number is 4' 'a count is told in decimal' \
	"$sim" "$dir/bases.scn"
check 1 'bases.scn:1: this scenario was written for mmu shadow' \
	'a forced back end is told of as a reason' "$sim" --mmu=tdp "$dir/bases.scn"
"$sim" --mmu=shadow "$dir/bases.scn" >"$dir/same" 2>&1
check 1 '' 'the back end that the scenario names is not' grep 'written for' "$dir/same"
scenario fault 'mode 4level' 'map 0x400000 0x200000 r' 'cpu0: write 0x400000 = 1'
check 1 'it ended in a page fault, error 0x3' 'a fault that nobody expects is status 1' \
	"$sim" "$dir/fault.scn"
scenario ghost 'vcpus 2' 'mode 4level' 'map 0x400000 0x200000 rw' 'cpu1: read 0x400000' \
	'cpu1: drop-flush' 'pte 0x13000 = 0x300003' 'cpu1: read 0x400000'
check 1 'a stale TLB entry was used' 'a ghost that is used and not expected is status 1' \
	"$sim" "$dir/ghost.scn"

# The same on both back ends: one guest, one outcome.
scenario both 'vcpus 2' 'mode pae' 'map 0x400000 0x200000 rwu' 'map 0x80600000 0x400000 ru 2m' \
	'cpu0: write 0x400000 = 5' 'cpu1: user read 0x400000 -> 5' \
	'cpu1: user write 0x80600000 = 1 -> fault 0x7' 'cpu1: fetch 0x400000 -> fault 0x11' \
	'cpu0: clear wp' 'cpu0: write 0x80600004 = 9' 'peek 0x400004 -> 9' \
	'cpu0: read 0xc0000000 -> fault 0x0' 'slot 1 0x2000000 64K ro' \
	'map 0x500000 0x2000000 rw' 'cpu0: write 0x500000 = 1 -> readonly' \
	'map 0x501000 0x7000000 rw' 'cpu0: read 0x501000 -> mmio' \
	'fail 1' 'zap' 'cpu0: read 0x400000 -> nomem' 'cpu0: read 0x400000 -> 5'
check 0 'audit green' 'shadow: faults, read-only and device memory, no memory' \
	"$sim" --mmu=shadow "$dir/both.scn"
check 0 'audit green' 'tdp: the same' "$sim" --mmu=tdp "$dir/both.scn"

# vCPUs at the same time: a run is a function of its seed.
scenario race 'vcpus 3' 'mode 2level' 'map 0x400000 0x200000 rwu' 'map 0x401000 0x11000 rwu' \
	'together' 'cpu0: write 0x400000 = 1' 'cpu1: write 0x401008 = 0x202007' \
	'cpu2: write 0x400004 = 3' 'cpu0: read 0x400000' 'cpu1: read 0x401008' 'cpu2: cr3 0x10000' \
	'cpu2: read 0x400004' 'end' 'expect no ghost used'
check 0 'audit green' 'several vCPUs at once' \
	"$sim" --seed=5 --shared="$dir/a" "$dir/race.scn"
"$sim" --quiet --seed=5 --shared="$dir/b" "$dir/race.scn" </dev/null
"$sim" --quiet --seed=6 --shared="$dir/c" "$dir/race.scn" </dev/null
check 0 '' 'the same seed leaves the same memory and events, byte for byte' cmp "$dir/a" "$dir/b"
check 1 'differ' 'another seed does not' cmp "$dir/a" "$dir/c"
check 0 'cpuN: write GVA = VALUE' '--words describes the language' "$sim" --words
check 0 'Usage: vitrine-sim' '--help helps' "$sim" --help
