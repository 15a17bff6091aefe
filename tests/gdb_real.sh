# SPDX-License-Identifier: MIT
# A real GDB, the user's own, talks to the stub: the pretended guest of
# tests/gdb_fake.h stands behind tests/gdb_server. What unit tests take from the
# protocol's description, this takes from the program that matters.
#
# GDB=PROGRAM chooses another GDB.

set -u
: "${top_srcdir:=.}" "${builddir:=build}" "${GDB:=gdb}"
LC_ALL=C
export LC_ALL

if ! "$GDB" --version >/dev/null 2>&1; then
	echo "1..0 # SKIP no $GDB here; apt install gdb"
	exit 0
fi

number=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-gdb.XXXXXX") || exit 99
server=
trap 'test -z "$server" || kill $server 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM

verdict()	# STATUS SENTENCE
{
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		sed 's/^/# gdb: /' "$dir/out"
		sed 's/^/# server: /' "$dir/log"
	fi
}

# Waits until the server's log has LINES lines which are LINE; five seconds.
await()		# LINE LINES
{
	tries=100
	while [ "$(grep -c "^$1" "$dir/log")" -lt "$2" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

start()		# SESSIONS
{
	rm -f "$dir/socket"
	"$builddir/tests/gdb_server" "$dir/socket" "$1" >"$dir/log" 2>&1 &
	server=$!
	await ready 1
}

# Runs GDB on the commands of stdin; its output goes to $dir/out.
attach()
{
	{
		echo "set pagination off"
		echo "set confirm off"
		echo "target remote $dir/socket"
		cat
	} >"$dir/script"
	set --
	while IFS= read -r line; do
		set -- "$@" -ex "$line"
	done <"$dir/script"
	timeout 30 "$GDB" -nx -batch "$@" >"$dir/out" 2>&1
}

session()
{
	start 1
	attach
	wait $server
	server=
}

# Every PATTERN (grep -E) is in GDB's output.
shows()		# SENTENCE PATTERN...
{
	sentence=$1
	shift
	for pattern; do
		if ! grep -Eq -- "$pattern" "$dir/out"; then
			verdict 1 "$sentence"
			echo "# missing: $pattern"
			return
		fi
	done
	verdict 0 "$sentence"
}

# None of the PATTERNs is.
lacks()		# SENTENCE PATTERN...
{
	sentence=$1
	shift
	for pattern; do
		if grep -Eq -- "$pattern" "$dir/out"; then
			verdict 1 "$sentence"
			echo "# there is: $pattern"
			return
		fi
	done
	verdict 0 "$sentence"
}

registers()
{
	session <<-'END'
		info registers rip cr3 efer cr0 cr4 gs_base k_gs_base eflags
		p $xmm1.v4_int32[0]
		p $st0
		p $mxcsr
		set $rax=0x1122334455667788
		set $cr3=0x7000
		set $xmm2.v2_int64[1]=5
		maint flush register-cache
		p/x $rax
		p/x $cr3
		p $xmm2.v2_int64[1]
		show osabi
	END
	shows "registers have the names, types and values of target.xml" \
		'^rip +0x10000 ' '^cr3 +0x5000 ' '^efer +0xd01 +\[ SCE LME LMA NXE \]' \
		'^cr0 +0x80010033 +\[ PE MP ET NE WP PG \]' '^cr4 +0x20 +\[ PAE \]' \
		'^gs_base +0xffff888000000000 ' '^k_gs_base +0x0 ' '^\$1 = 66$' \
		'^\$2 = 1$' '^\$3 = \[ IM DM ZM OM UM PM ' '^eflags .*\[ .*IF'
	shows "registers are written" '^\$4 = 0x1122334455667788$' '^\$5 = 0x7000$' '^\$6 = 5$'
	shows "a guest is no process of the user's system" 'OS ABI is "auto" .currently "none".'
	lacks "GDB takes the description without a word" \
		'[Tt]runcated' 'too long' 'not compatible' 'rejected' 'mismatch' 'rror'
}

# A file that says "Linux" must not make GDB want registers of processes.
linux_file()
{
	start 1
	{
		echo "file $(command -v sh)"
		printf '%s\n' "stepi" "p \$rip"
	} | attach
	wait $server
	server=
	shows "a symbol file of a Linux program does not change the registers" '^\$1 = .*0x10001'
	lacks "and brings no complaint" '[Tt]runcated' 'too long' 'rejected' 'mismatch'
}

memory()
{
	session <<-'END'
		x/4xb 0x10000
		x/2i $pc
		set *(long*)0x11100=0x6867666564636261
		x/s 0x11100
		x/gx 0
		find /b 0x10000, 0x16fff, 0x48, 0xff, 0x07
		maint packet Qqemu.PhyMemMode:1
		x/2xb 0
	END
	shows "memory is read, written, disassembled and searched" \
		'0x90.0x48.0xff.0xc0' 'inc +%rax' '"abcdefgh"' '^0x10004$'
	shows "what is not mapped is one quiet error" '^(0x0:.)?Cannot access memory at address 0x0$'
	shows "physical memory is read after the switch" '^0x0:.0x90.0x48$'

	printf "$(seq 0 255 | while read -r n; do printf '\\%03o' "$n"; done)" >"$dir/all"
	session <<-END
		restore $dir/all binary 0x11200
		dump binary memory $dir/back 0x11200 0x11300
		dump binary memory $dir/large 0x10000 0x18000
	END
	cmp -s "$dir/all" "$dir/back"
	verdict $? "all bytes survive restore and dump"
	[ "$(wc -c <"$dir/large")" = 32768 ]
	verdict $? "a dump of more than one packet has its length"
}

stops()
{
	session <<-'END'
		break *0x10004
		continue
		p $pc
		stepi 2
		p $pc
		delete
		watch *(long*)0x11000
		continue
		delete
		hbreak *0x10001
		continue
		p $pc
		delete
		stepi
		monitor hello
		info threads
	END
	shows "a breakpoint stops at its address" 'hit Breakpoint 1, 0x0*10004 in' '^\$1 = .* 0x10004$'
	shows "steps go where the code goes" '^\$2 = .* 0x10000$'
	shows "a watchpoint shows old and new value" 'Hardware watchpoint 2' \
		'^Old value = 1$' '^New value = 2$'
	shows "a hardware breakpoint stops" 'hit Breakpoint 3' '^\$3 = .* 0x10001$'
	shows "a monitor command is answered" '^monitor says hello$'
	shows "threads are vCPUs with a name and a state" \
		'"vcpu 0" \(L1 <64-bit> & rip 0x10004\)' '"vcpu 1" \(L1 <64-bit> & rip 0x10010\)'

	session <<-'END'
		break *0x17010
		watch *(long*)0x11000
		watch *(long*)0x11008
		watch *(long*)0x11010
		watch *(long*)0x11018
		continue
		set *(char*)0x17000=1
	END
	shows "in ROM breakpoints are hardware breakpoints and writes refused" \
		'automatically using hardware breakpoints for read-only' \
		'^Cannot access memory at address 0x17000$'
	shows "more watchpoints than there are debug registers is a clear error" \
		'too many hardware breakpoints/watchpoints'

	session <<-'END'
		set $rax=42
		set $pc=0x10020
		continue
	END
	shows "the end of the guest is the end of the inferior" 'exited with code 052'

	session <<-'END'
		set $pc=0x10030
		continue
	END
	shows "a fatal exception is a signal" 'received signal SIGILL'
}

# GDB never has to ask for all registers after a step.
packets()
{
	session <<-'END'
		stepi
		set debug remote 1
		stepi
	END
	[ "$(grep -c 'Sending packet' "$dir/out")" -le 8 ] &&
		! grep -q 'Sending packet: \$g#' "$dir/out"
	verdict $? "a step costs at most eight packets and no g"
}

ctrl_c()
{
	start 2
	attach <<-END &
		shell echo \$PPID >$dir/pid
		continue
		p \$pc
		detach
	END
	gdb=$!
	await run 1
	sleep 0.2
	kill -INT "$(cat "$dir/pid")"
	wait $gdb
	shows "Ctrl-C stops the running guest" 'received signal SIGINT' '^\$1 = .* 0x1000'
	await gone 1
	shows "detach says so" 'detached\]'

	attach <<-'END'
		p $rax > 100
		break *0x10004
		continue
		kill
	END
	shows "the guest ran on after detach, and the next GDB is welcome" '^\$1 = 1$' 'hit Breakpoint 1'
	wait $server
	server=

	start 2
	attach <<-'END'
		break *0x10004
		continue
		shell kill -KILL $PPID
	END
	await gone 1
	grep -q '^gone [0-9]* [0-9]* 0$' "$dir/log"
	verdict $? "a killed GDB leaves no breakpoint behind"
	attach <<-'END'
		p $rax > 100
	END
	shows "and the guest ran on" '^\$1 = 1$'
	wait $server
	server=
}

registers
linux_file
memory
stops
packets
ctrl_c
echo "1..$number"
