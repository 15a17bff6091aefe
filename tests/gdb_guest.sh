#!/bin/sh
# SPDX-License-Identifier: MIT
# `vitrine run --gdb` and a stock GDB on a real guest, in both modes of the MMU:
# registers, memory through the guest's own tables, a breakpoint, steps, Ctrl-C,
# detach, a GDB that dies, one that comes again.
#
#   GDB=PROGRAM  MODES="tdp shadow"

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
guests=${top_builddir:-.}/hv/guests
gdb=${GDB:-gdb}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$gdb" >/dev/null || skip "no $gdb here (Debian: gdb)"
command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$guests/long.elf" ] || skip "configured without the bare-metal parts"

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

# The guest waits for GDB; port 0 is any free one.
start()		# MODE [GUEST]
{
	guest=${2:-long}
	: >"$dir/err"
	"$vitrine" run --mmu="$1" --gdb=0 --timeout=90 "$guest" >"$dir/out" 2>"$dir/err" </dev/null &
	run=$!
	tries=200
	until port=$(sed -n 's/.*listening on \(127.0.0.1:[0-9]*\).*/\1/p' "$dir/err") &&
		[ -n "$port" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

finish()
{
	wait "$run"
	echo "vitrine's status: $?" >>"$dir/err"
	run=
}

# GDB on the commands of stdin.
attach()
{
	set -- -ex "set pagination off" -ex "set confirm off" -ex "file $guests/$guest.elf" \
		-ex "target remote $port"
	while IFS= read -r line; do
		set -- "$@" -ex "$line"
	done
	timeout 80 "$gdb" -nx -batch "$@" >"$dir/gdb" 2>&1 </dev/null
}

look()		# MODE
{
	start "$1"
	attach <<-'END'
		info registers rip cr0 efer
		stepi
		stepi
		break *guest_main
		continue
		printf "at %#lx, paging %d, long mode %d\n", $pc, ((long)$cr0 >> 31) & 1, ((long)$efer >> 10) & 1
		backtrace
		set trust-readonly-sections on
		set $file = *(unsigned short *)guest_main
		set trust-readonly-sections off
		printf "the file's code %d\n", *(unsigned short *)guest_main == $file
		x/2i $pc
		set $next = (long)$_
		stepi
		printf "stepped %d\n", $pc == $next
		x/gx 0x7ffffffff000
		printf "threads %d\n", $_inferior_thread_count
		detach
	END
	finish
	shows "GDB finds the guest before its first instruction (--mmu=$1)" "$dir/gdb" \
		'^rip +0x100000 .*<start>' '^cr0 +0x11 +\[ PE ET \]' '^efer +0x0 '
	shows "a breakpoint stops in 64-bit mode (--mmu=$1)" "$dir/gdb" \
		'^Breakpoint 1, guest_main ' '^at 0x[0-9a-f]+, paging 1, long mode 1$' \
		'^#0 +guest_main ' '^#1 .* in start '
	shows "GDB reads the guest's code, not the breakpoint (--mmu=$1)" "$dir/gdb" \
		"^the file's code 1\$" '<guest_main>:.*(push|sub|mov)'
	shows "a step is one instruction (--mmu=$1)" "$dir/gdb" '^stepped 1$'
	shows "what the guest has not mapped is an error (--mmu=$1)" "$dir/gdb" \
		'Cannot access memory at address 0x7ffffffff000'
	shows "after detach the guest runs to its end (--mmu=$1)" "$dir/err" "^vitrine's status: 0$"
	shows "and all its steps hold (--mmu=$1)" "$dir/out" '^all [0-9]+ steps hold'
}

# The guest is made to stay where it is by two bytes written over its code.
interrupt()	# MODE
{
	start "$1"
	attach <<-'END'
		tbreak *guest_main
		continue
		set $code = *(unsigned short *)$pc
		set *(unsigned short *)$pc = 0xfeeb
		shell (sleep 2; kill -INT $PPID) &
		continue
		printf "still there %d\n", $pc == (long)guest_main
		set *(unsigned short *)$pc = $code
		break *title
		continue
		printf "code %#x\n", *(unsigned short *)$pc
		set *(unsigned short *)$pc = 0xfeeb
		shell kill -KILL $PPID
	END
	shows "Ctrl-C stops a running guest (--mmu=$1)" "$dir/gdb" 'received signal SIGINT' \
		'^still there 1$'
	shows "what GDB wrote over code runs, and what it wrote back (--mmu=$1)" "$dir/gdb" \
		'^Breakpoint 2, title '
	attach <<-END
		printf "welcome %d\n", \$pc == (long)title
		set *(unsigned short *)\$pc = $(sed -n 's/^code //p' "$dir/gdb")
		detach
	END
	finish
	shows "after a GDB that died the next one is welcome (--mmu=$1)" "$dir/gdb" '^welcome 1$'
	shows "and the guest runs to its end (--mmu=$1)" "$dir/err" "^vitrine's status: 0$"
	shows "with all its steps (--mmu=$1)" "$dir/out" '^all [0-9]+ steps hold'
}

# The step after the OUT ends at the handler's first instruction.
smm()		# MODE
{
	start "$1" smi64
	attach <<-'END'
		break *smi_raise
		continue
		stepi
		stepi
		info registers rip cs cr0 efer
		info threads
		x/2xb 0xa8000
		delete
		continue
	END
	finish
	shows "GDB sees the handler's registers in SMM (--mmu=$1)" "$dir/gdb" \
		'^rip +0x8000 ' '^cs +0xa000 ' '^cr0 +0x[0-9a-f]*0 ' '^efer +0x0 ' 'no paging, SMM'
	shows "and SMRAM (--mmu=$1)" "$dir/gdb" '^0xa8000:[[:space:]]+(0x2e[[:space:]]+0x66|0x66[[:space:]]+0x2e)'
	shows "the guest runs to its end afterwards (--mmu=$1)" "$dir/err" "^vitrine's status: 0$"
}

for mode in ${MODES:-tdp shadow}; do
	look "$mode"
	interrupt "$mode"
	smm "$mode"
done
echo "1..$n"
