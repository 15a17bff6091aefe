#!/bin/sh
# SPDX-License-Identifier: MIT
# A guest that looks for traps it has not made: alone, under a debugger that steps
# it, and with a task switch by a TSS, which shadow paging cannot follow.
#
#   GDB=PROGRAM  MODES="tdp shadow"

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
guest=${top_builddir:-.}/tests/traps/traps.elf
gdb=${GDB:-gdb}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$guest" ] || skip "configured without the bare-metal parts"

dir=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-traps.XXXXXX") || exit 99
run=
trap 'test -z "$run" || kill $run 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
n=0

# ends STATUS "WORDS vitrine says" "SENTENCE"; the status is in $status
ends()
{
	n=$((n + 1))
	if [ "$status" -eq "$1" ] && { [ -z "$2" ] || grep -q -- "$2" "$dir/err"; }; then
		echo "ok $n - $3"
		return
	fi
	echo "not ok $n - $3"
	echo "# the status is $status, not $1, or vitrine did not say: $2"
	cat "$dir/out" "$dir/err" | tail -n 20 | sed 's/^/# /'
}

alone()		# MODE [APPEND]
{
	"$vitrine" run --mmu="$1" --timeout=60 ${2:+--append="$2"} "$guest" </dev/null \
		>"$dir/out" 2>"$dir/err"
	status=$?
}

# Every instruction from stepped to stepped_end; the guest goes on alone.
stepped()	# MODE
{
	: >"$dir/err"
	"$vitrine" run --mmu="$1" --gdb=0 --timeout=90 "$guest" </dev/null >"$dir/out" \
		2>"$dir/err" &
	run=$!
	tries=200
	until port=$(sed -n 's/.*listening on \(127.0.0.1:[0-9]*\).*/\1/p' "$dir/err") &&
		[ -n "$port" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || break
		sleep 0.05
	done
	cat >"$dir/commands" <<-END
		set confirm off
		set pagination off
		target remote $port
		break stepped
		continue
		delete
		set \$n = 0
		while \$n < 40 && \$pc != (unsigned)&stepped_end
		  stepi
		  set \$n = \$n + 1
		end
		printf "%d steps\n", \$n
		continue
	END
	timeout 80 "$gdb" -nx -batch -x "$dir/commands" "$guest" >>"$dir/err" 2>&1 </dev/null
	wait "$run"
	status=$?
	run=
}

for mode in ${MODES:-tdp shadow}; do
	alone "$mode"
	ends 0 "" "the guest gets its own traps and no others (--mmu=$mode)"
	if command -v "$gdb" >/dev/null; then
		stepped "$mode"
		ends 0 '^15 steps' "a debugger's steps leave nothing behind (--mmu=$mode)"
	else
		n=$((n + 1))
		echo "ok $n # SKIP no $gdb here (Debian: gdb)"
	fi
done
alone tdp task
ends 0 "" "a task switch by a TSS does what it should (--mmu=tdp)"
alone shadow task
ends 125 "a task switch by a TSS" "it ends the guest with a reason (--mmu=shadow)"
echo "1..$n"
