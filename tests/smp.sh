#!/bin/sh
# SPDX-License-Identifier: MIT
# Several vCPUs: the built-in guests that use them hold under both MMUs, whether the
# vCPUs share real CPUs or have one each; with one real CPU that counts instructions two
# runs are the same, event by event.
#
#   GUESTS="smp" MODES="tdp"

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
guests=${GUESTS:-smp smp32}
modes=${MODES:-tdp shadow}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "${top_builddir:-.}/hv/guests/smp.elf" ] || skip "configured without the bare-metal parts"
dir=$(mktemp -d "${TMPDIR:-/tmp}/smp.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
n=0

report()	# STATUS SENTENCE
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		tail -n 20 "$dir/out" | sed 's/^/# /'
	fi
}

# run STATUS PATTERN OPTION...: whether it ends so and says so
run()
{
	status=$1
	pattern=$2
	shift 2
	"$vitrine" run --timeout=300 "$@" </dev/null >"$dir/out" 2>&1
	[ $? -eq "$status" ] && grep -q -e "$pattern" "$dir/out"
}

for mode in $modes; do
	for guest in $guests; do
		for cpus in "4 1" "2 2" "3 2"; do
			run 0 '^all [0-9]* steps hold' --mmu="$mode" --vcpus="${cpus% *}" \
				--cpus="${cpus#* }" "$guest"
			report $? "$guest holds with --mmu=$mode, vCPUs and CPUs: $cpus"
		done
	done
	for i in 1 2; do
		run 0 '^all [0-9]* steps hold' --mmu="$mode" --vcpus=3 --icount \
			--record="$dir/$i" smp
	done
	cmp "$dir/1" "$dir/2" >>"$dir/out" 2>&1
	report $? "two deterministic runs of smp are the same, byte by byte, with --mmu=$mode"
done
"$vitrine" trace dump "$dir/1" >"$dir/events"
for event in '0\.1\.2 .*vcpu_state state=waiting' '0\.1\.2 .*vcpu_state state=running' \
	'0\.1\.1 .*exit kind=pause' '0\.1\.1 .*apic_accept mode=init' \
	'0\.1\.1 .*apic_accept mode=startup'; do
	grep -q "$event" "$dir/events"
	report $? "the recording has $event"
done
run 91 'one CPU only' smp
report $? "with one vCPU the guest says what it needs"
run 2 'icount: the deterministic machine has one CPU' --icount --cpus=2 smp
report $? "the deterministic machine with several CPUs is refused"
run 2 'cpus=9: a number from 1 to 8' --cpus=9 smp
report $? "more real CPUs than there can be are refused"
echo "1..$n"
