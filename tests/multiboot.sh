#!/bin/sh
# SPDX-License-Identifier: MIT
# A Multiboot guest by what a user types: its command line and modules, the devices
# of QEMU's that such guests look at, its exit status; and what is refused.
#
#   MODES="tdp shadow"   which modes

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
guest=${top_builddir:-.}/tests/pc/pc.elf
modes=${MODES:-tdp shadow}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$guest" ] || skip "configured without the bare-metal parts"

dir=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-multiboot.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
n=0

# expect STATUS "WORDS" "SENTENCE": the status is in $status, what was said in $dir/out
expect()
{
	n=$((n + 1))
	if [ "$status" -eq "$1" ] && grep -q -- "$2" "$dir/out"; then
		echo "ok $n - $3"
		return
	fi
	echo "not ok $n - $3"
	echo "# the status is $status, not $1, or nobody said: $2"
	tail -n 20 "$dir/out" | sed 's/^/# /'
}

# run ARGUMENTS...
run()
{
	"$vitrine" run --timeout=120 "$@" </dev/null >"$dir/out" 2>&1
	status=$?
}

case $vitrine in /*) ;; *) vitrine=$PWD/$vitrine ;; esac
case $guest in /*) ;; *) guest=$PWD/$guest ;; esac
cd "$dir" || exit 99
head -c 5000 /dev/zero | tr '\0' a >a
head -c 5000 /dev/zero | tr '\0' b >b
for mode in $modes; do
	run --mmu="$mode" --module=a --module=b --append="one two" "$guest"
	expect 0 '^all [0-9]* steps hold' "a Multiboot guest gets what it needs with --mmu=$mode"
done
run --module=a --append="one two" "$guest"
expect 2 FAILED "the guest's own status is the run's: one module is missing"
run --module="nowhere x=1" "$guest"
expect 125 "^vitrine: nowhere: " "a module that cannot be read is named"
run --module="$(head -c 300 /dev/zero | tr '\0' x)" "$guest"
expect 125 "longer than" "a module's text that is too long is refused"
run --module=a pse
expect 125 "takes none" "a built-in guest takes no module"
head -c 8192 /dev/zero >none
printf '\002\260\255\033\004\000\000\000\372\117\122\344' | dd of=none conv=notrunc 2>/dev/null
run none
expect 125 "video" "an image that wants a screen is refused with the reason"
echo "1..$n"
