#!/bin/sh
# SPDX-License-Identifier: MIT
# `vitrine run linux`: a shell that takes commands, and ends the machine with its status.

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
here=${top_srcdir:-.}/tests

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "${top_builddir:-.}/hv/guests/linux/end" ] || skip "configured without the bare-metal parts"
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM

n=0
for guest in linux linux-686; do
	n=$((n + 1))
	what="$guest is a shell that takes what is typed early, and ends with its status"
	case $guest in linux) kernel=cloud-amd64 ;; *) kernel=${guest#linux-} ;; esac
	if ! sh "${top_srcdir:-.}/hv/guests/linux/fetch.sh" --shell="${top_builddir:-.}/hv/guests/linux/end" \
		$kernel >"$scratch/path" 2>"$scratch/why"; then
		echo "ok $n - $what # SKIP $(tail -n 1 "$scratch/why")"
		continue
	fi
	printf 'echo $((6 * 7)) lives in /proc/self: $(ls -d /proc/self)\nexit 5\n' |
		"$vitrine" run --icount --mmu=shadow --timeout=600 --append=quiet $guest \
		>"$scratch/out" 2>&1
	status=$?
	if [ $status -eq 5 ] && grep -q '^42 lives in /proc/self: /proc/self' "$scratch/out"; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		echo "# status $status; it said:"
		tail -n 30 "$scratch/out" | sed 's/^/# /'
	fi
done

n=$((n + 1))
what='five levels are refused where only four can be had'
"$vitrine" run --mmu=shadow --cpu=+la57 --timeout=600 long >"$scratch/out" 2>&1 </dev/null
if [ $? -eq 125 ] && grep -q 'cpu=+la57 needs mmu=tdp' "$scratch/out"; then
	echo "ok $n - $what"
else
	echo "not ok $n - $what"
	sed 's/^/# /' "$scratch/out"
fi
echo "1..$n"
