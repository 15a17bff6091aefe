#!/bin/sh
# SPDX-License-Identifier: MIT
# `vitrine run --hv-gdb`: a stock GDB on the hypervisor itself, with the symbols
# of its image: a breakpoint in the MMU, the way there, its arguments.

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
image=${top_builddir:-.}/hv/vitrine-hv.elf
gdb=${GDB:-gdb}

command -v "$gdb" >/dev/null || { echo "1..0 # SKIP no $gdb here (Debian: gdb)"; exit 0; }
command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	{ echo "1..0 # SKIP no qemu-system-x86_64 here (Debian: qemu-system-x86)"; exit 0; }
[ -e "$image" ] || { echo "1..0 # SKIP configured without the bare-metal image"; exit 0; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-gdb.XXXXXX") || exit 99
trap 'kill $run 2>/dev/null; rm -rf "$dir"' EXIT
port=$((20000 + $$ % 20000))
"$vitrine" run --hv-gdb=$port --timeout=90 unpaged >"$dir/out" 2>"$dir/err" </dev/null &
run=$!
tries=200
until grep -q "127.0.0.1:$port" "$dir/err" || [ $tries = 0 ]; do
	tries=$((tries - 1))
	sleep 0.05
done
timeout 80 "$gdb" -nx -batch -ex 'set pagination off' -ex "file $image" \
	-ex "target remote 127.0.0.1:$port" -ex 'hbreak mmu_fault' -ex continue -ex backtrace \
	-ex 'printf "vcpu %d, addr %#lx\n", vcpu->id, addr' -ex delete -ex detach \
	>"$dir/gdb" 2>&1 </dev/null
wait $run
status=$?

shows()		# NUMBER SENTENCE PATTERN FILE
{
	if grep -Eq "$3" "$4"; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
		sed 's/^/# /' "$dir/gdb" "$dir/err"
	fi
}

echo 1..4
shows 1 'GDB stops in the MMU, at the first fault of the guest' \
	'^Breakpoint 1, mmu_fault .*mmu/mmu.c:' "$dir/gdb"
shows 2 'the backtrace leads to the run loop' 'vm_run .*hv/core/run.c:' "$dir/gdb"
shows 3 'arguments can be printed' '^vcpu 0, addr 0x[0-9a-f]+$' "$dir/gdb"
if [ $status = 0 ] && grep -q '^all [0-9]* steps hold' "$dir/out"; then
	echo 'ok 4 - after detach the guest runs to its end'
else
	echo 'not ok 4 - after detach the guest runs to its end'
	echo "# status $status"
fi
