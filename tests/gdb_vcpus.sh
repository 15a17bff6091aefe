#!/bin/sh
# SPDX-License-Identifier: MIT
# A stock GDB on a guest with several vCPUs: they are threads, each with registers of
# its own; whose breakpoint it was is told; one is stepped while the others stand.
#
#   GDB=PROGRAM  CPUS="1 2"

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
guest=${top_builddir:-.}/hv/guests/smp.elf
gdb=${GDB:-gdb}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$gdb" >/dev/null || skip "no $gdb here (Debian: gdb)"
command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$guest" ] || skip "configured without the bare-metal parts"

dir=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-gdb.XXXXXX") || exit 99
run=
trap 'test -z "$run" || kill $run 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
n=0

# Every PATTERN (grep -E) is in FILE.
shows()		# SENTENCE FILE PATTERN...
{
	n=$((n + 1))
	sentence=$1
	file=$2
	shift 2
	for pattern; do
		grep -Eq -- "$pattern" "$file" && continue
		echo "not ok $n - $sentence"
		echo "# missing: $pattern"
		sed 's/^/# gdb: /' "$dir/gdb"
		cat "$dir/out" "$dir/err" | sed 's/^/# vitrine: /'
		return
	done
	echo "ok $n - $sentence"
}

start()		# CPUS
{
	: >"$dir/err"
	"$vitrine" run --mmu=shadow --vcpus=3 --cpus="$1" --gdb=0 --timeout=300 smp \
		>"$dir/out" 2>"$dir/err" </dev/null &
	run=$!
	tries=1200
	until port=$(sed -n 's/.*listening on \(127.0.0.1:[0-9]*\).*/\1/p' "$dir/err") &&
		[ -n "$port" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

for cpus in ${CPUS:-1 2}; do
	start "$cpus"
	cat >"$dir/commands" <<-'END'
		set pagination off
		set confirm off
		info threads
		break own_apic
		continue
		printf "stopped by thread %d\n", $_thread
		info threads
		set $first = $sp
		thread 2
		printf "stacks differ %d\n", $sp != $first
		break *want_pages
		continue
		set $who = $_thread
		printf "want_pages by %d\n", $who
		continue
		printf "another one %d\n", $_thread != $who
		set $who2 = $_thread
		continue
		printf "the third %d\n", $_thread != $who && $_thread != $who2
		delete
		thread 3
		set $pc3 = $pc
		thread 2
		set $pc2 = $pc
		set scheduler-locking on
		stepi
		stepi
		printf "stepped %d, thread %d\n", $pc != $pc2, $_thread
		thread 3
		printf "the other stood %d\n", $pc == $pc3
		set scheduler-locking off
		detach
	END
	timeout 250 "$gdb" -nx -batch -ex "file $guest" -ex "target remote $port" \
		-x "$dir/commands" >"$dir/gdb" 2>&1 </dev/null
	wait "$run"
	echo "vitrine's status: $?" >>"$dir/err"
	run=
	shows "vCPUs are threads, and wait for their start (--cpus=$cpus)" "$dir/gdb" \
		'^\* 1 +Thread 1.1 .*vcpu 0' '^  2 +Thread 1.2 .*vcpu 1.*waits for its start' \
		'^  3 +Thread 1.3 .*vcpu 2.*waits for its start'
	shows "the first one is at its breakpoint, others run 64-bit code (--cpus=$cpus)" \
		"$dir/gdb" '^stopped by thread 1$' 'vcpu 1.*64-bit, paging' '^stacks differ 1$'
	shows "every vCPU comes to a breakpoint, and which one is told (--cpus=$cpus)" \
		"$dir/gdb" '^another one 1$' '^the third 1$'
	shows "one thread is stepped while another stands (--cpus=$cpus)" "$dir/gdb" \
		'^stepped 1, thread 2$' '^the other stood 1$'
	shows "after detach the guest runs to its end (--cpus=$cpus)" "$dir/err" \
		"^vitrine's status: 0\$"
	shows "and all its steps hold (--cpus=$cpus)" "$dir/out" '^all [0-9]+ steps hold'
done
echo "1..$n"
