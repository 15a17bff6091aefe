#!/bin/sh
# SPDX-License-Identifier: MIT
# Guests that do what no guest should (tests/hostile) stay in their box: the hypervisor
# does not panic, QEMU does not abort, the run ends with a status that the manual names,
# no rule of the MMU is broken, and the user is told what the guest did. And those that
# never end: they can be stopped, looked at and left.
#
#   SEEDS=FIRST-LAST   random guests (1-4)
#   PATIENCE=SECONDS   for a random guest, which may well hang (5)
#   SWEEPS="NAME..."   which sweeps (all but ports, which takes long)
#   ONLY=random        nothing but these two; prints failures as they come
#   MODES="tdp shadow"  GDB=PROGRAM

top=${top_builddir:-.}
vitrine=${VITRINE:-$top/tui/vitrine}
guest=$top/tests/hostile/hostile.elf
gdb=${GDB:-gdb}
seeds=${SEEDS:-1-4}
modes=${MODES:-tdp shadow}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$guest" ] || skip "configured without the bare-metal parts"

dir=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-hostile.XXXXXX") || exit 99
run=
trap 'test -z "$run" || kill $run 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
n=0

ok()		# SENTENCE COMMAND...
{
	n=$((n + 1))
	sentence=$1
	shift
	why=
	if "$@"; then
		echo "ok $n - $sentence"
		return
	fi
	echo "not ok $n - $sentence"
	echo "# $why"
	cat "$dir/out" "$dir/err" | tail -n 20 | tr -cd '[:print:]\n' | sed 's/^/# /'
}

vitrine()	# MODE COMMAND-LINE OPTION...
{
	mode=$1 line=$2
	shift 2
	"$vitrine" run --mmu="$mode" --mem=32M --append="$line" "$@" "$guest" </dev/null \
		>"$dir/out" 2>"$dir/err"
	status=$?
	why="--mmu=$mode --append='$line' $*: status $status"
}

# What may never happen, whatever a guest does.
contained()
{
	! grep -q -e panic -e signal -e 'ended before' -e 'without its guest' -e 'not answer' \
		"$dir/err"
}

explained()	# a guest that did not come to its own end was told of
{
	grep -q 'what it did last' "$dir/err" && grep -q -E 'rip (0x[0-9a-f]+|0) cs' "$dir/err"
}

# The guest's own status, or one that the manual names; 125 with a reason.
documented()
{
	case $status in
	120 | 122 | 124) explained ;;
	125) grep -q 'the guest was ended: ' "$dir/err" && explained ;;
	*) [ "$status" -le 119 ] ;;
	esac
}

any()		# MODE COMMAND-LINE
{
	vitrine "$1" "$2" --timeout="${PATIENCE:-5}" --audit=400
	contained && documented
}

ends()		# MODE NAME STATUS ["WORDS"]
{
	vitrine "$1" "end=$2" --timeout=90 --audit
	contained && documented && [ "$status" -eq "$3" ] && { [ -z "$4" ] || grep -q "$4" "$dir/err"; }
}

sweeps()	# MODE NAME
{
	vitrine "$1" "sweep=$2" --timeout=240 --audit=5000
	contained && [ "$status" -eq 0 ]
}

random_guests()
{
	for seed in $(seq "${seeds%-*}" "${seeds#*-}"); do
		for mode in $modes; do
			ok "random guest $seed stays in its box with --mmu=$mode" any "$mode" "seed=$seed"
		done
	done
}

for name in ${SWEEPS-cr msr strings svm selectors interrupts cpuid}; do
	for mode in $modes; do
		ok "every value of $name, --mmu=$mode" sweeps "$mode" "$name"
	done
done
random_guests
if [ "$ONLY" = random ]; then
	echo "1..$n"
	exit 0
fi

# NAME, the status it has to have (tdp shadow), and the reason to be given.
while read -r name tdp shadow words; do
	ok "$name, --mmu=tdp" ends tdp "$name" "$tdp" "$words"
	[ "$tdp" = "$shadow" ] || words=
	ok "$name, --mmu=shadow" ends shadow "$name" "$shadow" "$words"
done <<END
triple 120 120 triple fault
halt 122 122 halted with interrupts off
jump-mmio 0 0
jump-beyond 0 0
jump-top 0 0
jump-edge 0 0
gdt-mmio 125 125 no memory there
gdt-none 120 120 triple fault
gdt-beyond 125 125 no memory there
idt-mmio 125 125 no memory there
stack-mmio 125 125 no memory there
stack-none 125 125 no memory there
tables-mmio 125 120 page tables lie where no memory is
tables-beyond 125 120 page tables lie where no memory is
tables-loop 120 120 triple fault
tables-self 0 0
tables-reserved 0 0
smi-storm 0 0
timer-storm 0 0
task 0 125
trap 0 0
no-fpu 0 0
rewrites 0 0
long-both 0 0
END
for mode in $modes; do
	ok "a null selector is refused by LTR, --mmu=$mode" eval \
		'ends "$mode" null-task 0 && grep -q "^13 was" "$dir/out"'
	ok "an interrupt from ring 3 without a TSS, --mmu=$mode" any "$mode" end=no-task
done
ok 'page tables that are code' any tdp end=tables-code

# ---- without an end ----

vitrine tdp end=exits --timeout=10
ok 'at a timeout it is told what the guest did, and how often' eval \
	'[ $status = 124 ] && contained && explained && grep -q "cpuid .* times" "$dir/err"'

begins()	# MODE NAME OPTION...: in the background, until the guest has begun: $run
{
	mode=$1 name=$2
	shift 2
	: >"$dir/err"
	: >"$dir/out"
	"$vitrine" run --mmu="$mode" --mem=32M --append="end=$name" --timeout=120 "$@" "$guest" \
		</dev/null >"$dir/out" 2>"$dir/err" &
	run=$!
	why="--mmu=$mode --append=end=$name: it did not begin"
	tries=400
	until grep -q 'it begins' "$dir/out"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

interrupted()	# MODE NAME
{
	begins "$1" "$2" || return 1
	kill -INT "$run"
	wait "$run"
	status=$?
	run=
	why="status $status"
	[ $status -eq 121 ]
}

cat >"$dir/script" <<'END'
:until console
:send pause
:until stop
A
:until audit_end
:view vcpus
:save-screen -
1
:save-screen -
END
looked_at()	# MODE NAME
{
	vitrine "$1" "end=$2" --timeout=120 --break=vm_new --script="$dir/script"
	[ $status -eq 0 ] && contained && grep -q 'rip' "$dir/out" &&
		grep -q 'audit_end' "$dir/out" && ! grep -q ' audit_rule ' "$dir/out"
}

debugged()	# MODE NAME
{
	begins "$1" "$2" --gdb=0 --gdb-nowait || return 1
	port=$(sed -n 's/.*listening on \(127.0.0.1:[0-9]*\).*/\1/p' "$dir/err")
	timeout 90 "$gdb" -nx -batch -ex 'set architecture i386:x86-64' \
		-ex "target remote $port" -ex 'printf "stands at %#lx\n", (long)$pc' -ex kill \
		>"$dir/gdb" 2>&1 </dev/null
	wait "$run"
	status=$?
	run=
	why="status $status, GDB said: $(tail -n 3 "$dir/gdb")"
	[ $status -eq 121 ] && grep -q 'stands at 0x' "$dir/gdb"
}

for name in spin exits silent faults shout; do
	for mode in $modes; do
		ok "$name is left by Ctrl-C, --mmu=$mode" interrupted "$mode" "$name"
		ok "$name is paused, audited and looked at, --mmu=$mode" looked_at "$mode" "$name"
		if command -v "$gdb" >/dev/null; then
			ok "$name is stopped by GDB, --mmu=$mode" debugged "$mode" "$name"
		else
			n=$((n + 1))
			echo "ok $n # SKIP no $gdb here (Debian: gdb)"
		fi
	done
done
echo "1..$n"
