# SPDX-License-Identifier: MIT
# ./run where things are not as it wants them: one clear line, and nothing done.
# It is given a PATH of its own, where apt-get is ours: no package is touched.

set -u
: "${top_srcdir:=.}"
run=$(cd "$top_srcdir" && pwd)/run
scratch=$(mktemp -d "${TMPDIR:-/tmp}/run.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM

mkdir "$scratch/bin" "$scratch/src"
for tool in sh dirname cat grep sed tr uname id env tail rm sort; do
	ln -s "$(command -v $tool)" "$scratch/bin/$tool"
done
cp "$run" "$scratch/src/run"

# A program of ours, in sh. What stands in its place is a link to the system's
# own program, so it must go before anything is written.
fake()		# PROGRAM LINE...
{
	program=$scratch/bin/$1
	shift
	rm -f "$program"
	{ echo '#!/bin/sh'; printf '%s\n' "$@"; } >"$program"
	chmod +x "$program"
}

start()		# ARGUMENT...: run it; status, out and err are what came of it
{
	env -i PATH="$scratch/bin" TMPDIR="$scratch" ${QEMU_IS:+QEMU="$QEMU_IS"} \
		"$scratch/src/run" "$@" </dev/null >"$scratch/out" 2>"$scratch/err"
	status=$?
}

number=0
test_that()	# SENTENCE CONDITION...
{
	sentence=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $sentence"
		return
	fi
	echo "not ok $number - $sentence"
	sed 's/^/# /' "$scratch/out" "$scratch/err"
	echo "# status $status"
}

# The status was STATUS, stdout is empty, and stderr has LINES lines, the last of
# which holds WORDS.
said()		# STATUS LINES WORDS
{
	[ "$status" = "$1" ] && [ ! -s "$scratch/out" ] &&
		[ "$(grep -c '' "$scratch/err")" = "$2" ] &&
		tail -n 1 "$scratch/err" | grep -q -F -e "$3"
}

helped() { [ "$status" = 0 ] && grep -q '^usage: ' "$scratch/out" && [ ! -s "$scratch/err" ]; }

echo 1..9
start --help
test_that '--help explains on standard output' helped
start --tui
test_that 'a wrong option is one line and status 2' said 2 1 "unknown argument '--tui'"
start --all
test_that '--all without check is one line and status 2' said 2 1 '--all goes with check'

fake qemu-system-x86_64 'echo "QEMU emulator version 6.2.0"'
start
test_that 'an old QEMU is one line, and nothing is installed' said 1 1 'QEMU 6.2 is too old'
fake other-qemu 'echo "QEMU emulator version 10.0.2 (Debian)"'
QEMU_IS=$scratch/bin/other-qemu
fake id 'echo 1000'
start
test_that 'QEMU names another QEMU, and the packages are named first' \
	grep -q 'missing packages: .*\bgcc\b' "$scratch/err"
QEMU_IS=

if (. /etc/os-release && echo " ${ID:-} ${ID_LIKE:-} ") 2>/dev/null | grep -q -E ' (debian|ubuntu) '; then
	rm "$scratch/bin/qemu-system-x86_64"
	start
	test_that 'without root and sudo it says what root must do' said 1 2 'apt-get install gcc'
	fake id 'echo 0'
	fake apt-get 'echo "E: Failed to fetch http://example.org/: Could not resolve"; exit 100'
	start
	test_that 'without network it says so' said 1 3 'no network'
	fake apt-get "echo \"\$*\" >>$scratch/asked; exit 0"
	start
	test_that 'packages that do not appear are named' said 1 3 'still missing'
	test_that 'it never asks for more than to install' \
		grep -q '^install .*--no-remove .*\bgcc\b' "$scratch/asked"
else
	for sentence in 'root' 'network' 'appear' 'more'; do
		number=$((number + 1))
		echo "ok $number - $sentence # SKIP only where packages come from apt-get"
	done
fi
