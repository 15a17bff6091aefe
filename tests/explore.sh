# SPDX-License-Identifier: MIT
# The search of orders: the ordering rules hold in every order with up to two
# preemptions, and what is found where one does not is found again from its file.
# That the search finds real faults is what the mutants show.
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}"
sim=$(cd "$top_builddir" && pwd)/hv/sim/vitrine-sim
src=$(cd "$top_srcdir/tests/sim" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/explore.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
number=0

# STATUS MESSAGE SENTENCE COMMAND...: the command ends so and says so.
check()
{
	want=$1 message=$2 sentence=$3
	shift 3
	number=$((number + 1))
	timeout 120 "$@" >"$dir/out" 2>&1 </dev/null
	status=$?
	if [ "$status" = "$want" ] &&
		{ [ -z "$message" ] || grep -q -F -e "$message" "$dir/out"; }; then
		echo "ok $number - $sentence"
	else
		echo "not ok $number - $sentence"
		echo "# status $status, wanted $want and '$message'"
	fi
	sed 's/^/# /' "$dir/out" | head -n 20
}

set -- "$src"/order-*.scn
echo "1..$((2 * $# + 22))"
for file; do
	for mmu in shadow tdp; do
		check 0 'preemptions: all green' "${file##*/} holds in all orders with $mmu" \
			"$sim" --mmu=$mmu --explore "$file"
	done
done

# An expectation that only some orders meet.
cat >red.scn <<'END'
# SPDX-License-Identifier: MIT
vcpus 2
mem 512K
mode unpaged
together	# who is last?
cpu0: write 0x40000 = 1
cpu1: write 0x40000 = 2
end
peek 0x40000 -> 2
END
check 1 'red.scn:5: red, in order 2 of 2 with up to 0 preemptions' \
	'an order that fails is told of' "$sim" --explore red.scn
check 1 'red.found.scn:11: peek 0x40000 -> 2: it was done, value 1' \
	'its scenario fails the same way' "$sim" red.found.scn
check 0 '' 'it says the order' grep -x 'start cpu1' red.found.scn
check 0 '' 'and keeps the comments' grep -x 'together	# who is last?' red.found.scn
check 1 'It is in other.scn' 'the file can be named, the back end is kept' \
	"$sim" --mmu=tdp --explore=1 --output=other.scn red.scn
check 0 '' 'the back end is kept' grep -x 'mmu tdp' other.scn
check 1 'start cpu1' 'a scenario with an order is searched without it' \
	"$sim" --explore red.found.scn

# With a preemption: the sum of two additions that are not atomic.
cat >late.scn <<'END'
vcpus 2
mem 512K
mode unpaged
together
cpu0: write 0x40000 = 1
cpu0: read 0x40000 -> 1
cpu1: write 0x40000 = 2
end
END
check 1 'with up to 1 preemptions' 'what needs a preemption is found with one' \
	"$sim" --explore late.scn
check 1 'it was done, value 2' 'and again by its plan' "$sim" late.found.scn
check 0 'up to 0 preemptions: all green' 'without one it is not' "$sim" --explore=0 late.scn
check 1 'red, in order' 'by chance it is found, too' "$sim" --seed=3 --explore --tries=200 late.scn

# Hardware knows no locks: while the host's zap has it, a guest's access by its TLB
# or by the tables comes to its end, and one that faults waits. A switch back to the
# host that can be made only before the zap is over shows which.
while_zapping()	# FILE SWITCH ADDRESS
{
	printf '%s\n' 'vcpus 2' 'mem 512K' 'knob huge 0' 'mode unpaged' 'cpu0: read 0x40000' \
		'cpu0: read 0x41000' 'cpu1: read 0x40000' together 'start host' \
		'switch host spte_set 1 -> cpu0' "switch cpu0 $2 -> host" \
		"cpu0: read $3" 'zap 0x41000 4K' end >"$1"
}
while_zapping tlb.scn 'guest 1' 0x40000
check 0 'audit green' 'a guest is entered while the library has its lock' "$sim" tlb.scn
while_zapping tables.scn 'hw_access 1' 0x40000
sed '5s/.*/cpu0: enter/' tables.scn >walk.scn
check 0 'audit green' 'and its hardware walks the tables' "$sim" walk.scn
while_zapping fault.scn 'fault 1' 0x42000
check 0 'audit green' 'a fault begins' "$sim" fault.scn
while_zapping wait.scn 'fault_locked 1' 0x42000
check 1 'does not fit any more: switch cpu0 fault_locked 1 -> host' 'and waits' "$sim" wait.scn
check 0 '100 orders' 'four vCPUs and a longer story, by chance' \
	"$sim" --seed=7 --explore --tries=100 "$src/all-at-once.scn"
check 0 '60 orders' 'large pages that come and go under two writers, by chance' \
	"$sim" --seed=7 --explore --tries=60 "$src/resize-at-once.scn"

printf 'vcpus 2\nmem 512K\nmode unpaged\ntogether\nstart cpu0\nswitch cpu0 walk_entry 7 -> cpu1
cpu0: read 0x40000\ncpu1: read 0x40000\nend\n' >misfit.scn
check 1 'the plan does not fit any more: switch cpu0 walk_entry 7 -> cpu1' \
	'a plan that does not fit any more is a failure' "$sim" misfit.scn
printf 'mode unpaged\ncpu0: read 0x40000\n' >none.scn
check 2 'there is no together in it' 'a scenario of one order is not searched' \
	"$sim" --explore none.scn
check 2 '--explore=9: not a number up to 8' 'so many preemptions are wrong usage' \
	"$sim" --explore=9 red.scn
check 2 'go with --explore' 'options of the search without it are wrong usage' \
	"$sim" --tries=9 red.scn
check 0 'spte_cas' '--words lists the points' "$sim" --words
