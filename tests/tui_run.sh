#!/bin/sh
# SPDX-License-Identifier: MIT
# The program with a real machine: exit statuses, what goes where, recordings
# that are the same byte by byte, and nothing left behind however it ends.

here=${srcdir:-.}
top=${top_builddir:-.}
vitrine=$top/tui/vitrine

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$top/hv/guests/pse.elf" ] || skip "configured without the bare-metal parts"

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
echo 1..39
n=0

ok()	# SENTENCE COMMAND...
{
	n=$((n + 1))
	sentence=$1
	shift
	if "$@" >"$dir/said" 2>&1; then
		echo "ok $n - $sentence"
	else
		echo "not ok $n - $sentence"
		tail -n 20 "$dir/said" "$dir/err" 2>/dev/null | sed 's/^/# /'
	fi
}

# Runs vitrine; standard output in $dir/out, standard error in $dir/err.
status_is()	# STATUS ARGUMENT...
{
	want=$1
	shift
	"$vitrine" "$@" </dev/null >"$dir/out" 2>"$dir/err"
	got=$?
	[ $got -eq "$want" ] || echo "status $got, not $want"
	[ $got -eq "$want" ]
}

# Waits up to ten seconds for a condition.
eventually()
{
	i=0
	while ! "$@"; do
		i=$((i + 1))
		[ $i -lt 200 ] || return 1
		sleep 0.05
	done
}

one_line()	# of the program's own, and nothing on stdout
{
	[ "$(wc -l <"$dir/err")" -eq 1 ] && grep -q "^vitrine: .*$1" "$dir/err" &&
		[ ! -s "$dir/out" ]
}

ok 'a guest that ends well gives status 0' status_is 0 run --timeout=60 pse
ok 'standard output is the guest alone' test "$(sed -n 1p "$dir/out" | cut -c1-4)" = pse:
ok 'nothing is said when all is well' test ! -s "$dir/err"
ok 'a guest that does not end in time gives 124' status_is 124 run --timeout=3 --gdb=0 pse
ok 'a break without anybody to go on from it gives 2' status_is 2 run --break=sp_new pse
ok '... in one line that says what to do' one_line 'needs --tui or --script'
ok 'a folder is no guest' status_is 125 run "$dir"
ok '... which is said' one_line 'is a directory'
ok 'an unknown guest gives 125' status_is 125 run no-such-guest
ok '... in one line that says what to do' one_line 'vitrine guests'
ok 'what is no guest gives 125' status_is 125 run --timeout=30 "$0"
ok '... in one line, and nothing is kept' one_line 'neither an ELF'
ok 'a wrong option gives 2' status_is 2 run --mmu=both pse
ok '... in one line' one_line 'tdp or shadow'
ok 'the screen without a terminal gives 125' status_is 125 run --tui pse
ok '... in one line that says what to do' one_line '--plain'

record()
{
	status_is 0 run --mmu=shadow --icount --timeout=60 --record="$dir/a" pse &&
		status_is 0 run --mmu=shadow --icount --timeout=60 --record="$dir/b" pse &&
		cmp "$dir/a" "$dir/b"
}
ok 'two deterministic recordings of a run are the same bytes' record
complete()
{
	"$vitrine" trace stat "$dir/a" | grep ' 0 lost, 0 contradictions'
}
ok 'a recording has every event, and they agree with each other' complete
truncated()
{
	head -c 100000 "$dir/a" >"$dir/c"
	"$vitrine" view --plain "$dir/c" >"$dir/out" 2>"$dir/err"
	grep 'damaged at offset' "$dir/err" && grep '^== pages' "$dir/out"
}
ok 'half a recording is shown, and the damage is named' truncated

cat >"$dir/live.script" <<'E2'
:until sp_new
:until console
1
:save-screen -
:view vcpus
:save-screen -
E2
script()
{
	timeout 60 "$vitrine" run --mmu=shadow --script="$dir/live.script" \
		--break=track_add --timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null &&
		grep -q 'EVENTS' "$dir/out" && grep -q 'roots.*now: page' "$dir/out"
}
ok 'a script drives a live machine' script
cat >"$dir/break.script" <<'E3'
:until sp_new
:send resume
:until guest_end
E3
once()
{
	timeout 60 "$vitrine" run --mmu=shadow --script="$dir/break.script" --break=sp_new \
		--timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null
}
ok 'the break of the command line stops once' once
cat >"$dir/vcpus.script" <<'E3b'
:until sp_new
:vcpu 1
:save-screen -
:view vcpus
:save-screen -
:vcpu 7
:save-screen -
E3b
vcpus()
{
	timeout 60 "$vitrine" run --mmu=shadow --vcpus=2 --script="$dir/vcpus.script" \
		--break=sp_new --timeout=50 smp >"$dir/out" 2>"$dir/err" </dev/null
	grep -q '^vitrine  L1 vcpu1' "$dir/out" && grep -q 'vcpu1 waiting' "$dir/out" &&
		grep -q 'there is no such vCPU' "$dir/out" "$dir/err"
}
ok 'a script chooses a vCPU, which waits for its start' vcpus
cat >"$dir/keys.script" <<'E4'
:until sp_new
:goto 999999
e
A
:until audit_end
:save-screen -
:view events
:save-screen -
E4
keys()
{
	timeout 60 "$vitrine" run --mmu=shadow --script="$dir/keys.script" --break=sp_new \
		--timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null &&
		grep -q 'resume exit' "$dir/out" &&
		grep -q 'RULES ● [0-9]* green' "$dir/out"
}
ok 'keys step to the next exit, and audit' keys
cat >"$dir/knob.script" <<'E5'
:until sp_new
:set huge=0
:until knob
:set
:save-screen -
E5
knob()
{
	timeout 60 "$vitrine" run --mmu=shadow --script="$dir/knob.script" --break=sp_new \
		--timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null &&
		grep -q 'huge *0 *turned' "$dir/out"
}
ok 'a knob is turned while a guest runs' knob
wrong_knob()
{
	printf ':until sp_new\n:set huge=2\n' >"$dir/knob.script"
	timeout 60 "$vitrine" run --mmu=shadow --script="$dir/knob.script" --break=sp_new \
		--timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null && return 1
	grep -q 'huge takes a number from 0 to 1' "$dir/err"
}
ok 'a value that a knob does not take is named' wrong_knob
# With write protection, then with D bits; what was harvested the reply says.
dirty()
{
	printf '%s\n' ':until sp_new' ':dirty on' ':until slot_flags' ':view slots' \
		':save-screen -' ':dirty harvest' ':until reply' ':dirty off' ':until slot_flags' \
		':dirty by-d' ':until slot_flags' ':view events' ':save-screen -' \
		>"$dir/dirty.script"
	timeout 60 "$vitrine" run --mmu="$1" --script="$dir/dirty.script" --break=sp_new \
		--timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null &&
		grep -q 'dirty log, [0-9]* dirty' "$dir/out" &&
		grep -q 'reply.*of [0-9]* frames were written to' "$dir/out"
}
ok 'the writes to a slot are logged with shadow tables' dirty shadow
ok 'the writes to a slot are logged with nested tables' dirty tdp
wrong_dirty()
{
	printf ':until sp_new\n:dirty maybe\n' >"$dir/dirty.script"
	timeout 60 "$vitrine" run --mmu=shadow --script="$dir/dirty.script" --break=sp_new \
		--timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null && return 1
	grep -q 'dirty: on, by-d, off or harvest' "$dir/err"
}
ok 'what a log cannot do is named' wrong_dirty
# What the machine refuses, and what it found, is in the last line of the screen.
answers()
{
	printf '%s\n' ':until sp_new' ':dirty on 77' ':dirty on' ':until slot_flags' \
		':save-screen -' ':until reply' ':dirty harvest' ':until reply' ':save-screen -' \
		':young 0x100000000' ':until aged' ':save-screen -' >"$dir/answers.script"
	timeout 60 "$vitrine" run --mmu=tdp --script="$dir/answers.script" --break=sp_new \
		--timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null &&
		grep -q '^refused: there is no such slot' "$dir/out" &&
		grep -q '^[0-9]* of [0-9]* frames were written to' "$dir/out" &&
		grep -q '^no memory is there' "$dir/out"
}
ok 'what the machine answers to a command is said' answers
printf '%s\n' ':until sp_new' ':mmu tdp' ':until mmu_mode' ':save-screen -' ':mmu shadow' \
	':until mmu_mode' ':save-screen -' >"$dir/mmu.script"
another_mmu()
{
	timeout 60 "$vitrine" run --mmu=shadow --script="$dir/mmu.script" --break=sp_new \
		--timeout=30 pse >"$dir/out" 2>"$dir/err" </dev/null &&
		grep -q '^vitrine .* tdp .*: mmu_mode' "$dir/out" &&
		grep -q '^vitrine .* shadow .*: mmu_mode' "$dir/out"
}
ok 'another MMU serves a guest, and the status line says which' another_mmu
no_mmu()
{
	printf ':mmu both\n' >"$dir/mmu.script"
	timeout 60 "$vitrine" run --script="$dir/mmu.script" --timeout=30 pse \
		>"$dir/out" 2>"$dir/err" </dev/null && return 1
	grep -q 'mmu: it is shadow or tdp' "$dir/err"
}
ok 'one that there is not is named' no_mmu
demo()
{
	status_is 0 demo && grep -q ' track_add ' "$dir/out" && grep -q '^== pages' "$dir/out"
}
ok 'the demo without a terminal is lines and status 0' demo

simulated()
{
	status_is 0 sim --plain quadrants && grep '^== pages 10' "$dir/out"
}
ok 'a scenario as lines ends with the state before its machine is taken apart' simulated
words()
{
	status_is 0 sim --words && grep 'expect ghost' "$dir/out"
}
ok 'the language of scenarios is described' words

# A machine that waits for GDB, in the background: $pid, its QEMU: $child.
start_waiting()
{
	"$vitrine" run --gdb=0 --timeout=60 pse </dev/null >"$dir/out" 2>"$dir/err" &
	pid=$!
	eventually has_child && eventually grep -q 'gdb: listening on 127.0.0.1:' "$dir/err"
}
has_child()
{
	child=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null) && child=${child% } &&
		[ -n "$child" ]
}
gone()
{
	! kill -0 "$child" 2>/dev/null
}

# The guest comes to its end although nobody reads its events; what is lost is told.
zombie()
{
	grep -q '^State:.*Z' "/proc/$child/status"
}
stopped_reader()
{
	"$vitrine" run --mmu=shadow --plain --timeout=120 ptwriter \
		</dev/null >"$dir/out" 2>"$dir/err" &
	pid=$!
	eventually has_child && kill -STOP "$pid" || return 1
	came=1
	for _ in 1 2 3 4 5 6 7 8; do
		[ $came -eq 0 ] || ! eventually zombie || came=0
	done
	kill -CONT "$pid"
	wait "$pid"
	[ $? -eq 0 ] && [ $came -eq 0 ] && grep 'events were lost' "$dir/err" &&
		grep ' gap lost=' "$dir/out"
}
ok 'a stopped reader does not stop the guest, and is told what it lost' stopped_reader

killed()
{
	start_waiting && kill -9 "$pid" && eventually gone
}
ok 'QEMU dies with a killed vitrine' killed
wait "$pid" 2>/dev/null
terminated()
{
	start_waiting && kill -TERM "$pid" && { wait "$pid"; [ $? -eq 121 ]; } && gone
}
ok 'a signal ends everything, with status 121' terminated
crashed()
{
	start_waiting && sleep 1 && kill -9 "$child" && { wait "$pid"; [ $? -eq 125 ]; } &&
		grep 'ended by signal 9' "$dir/err"
}
ok 'a killed QEMU is told, with status 125' crashed
kept()
{
	file=$(sed -n 's/.*is kept: vitrine view \([^;]*\);.*/\1/p' "$dir/err")
	[ -n "$file" ] && "$vitrine" view --plain --view=events "$file" >"$dir/out"
	result=$?
	rm -f "$file"
	[ $result -eq 0 ] && grep 'vm_new' "$dir/out"
}
ok 'its memory is kept, and its last events can be looked at' kept
