#!/bin/sh
# SPDX-License-Identifier: MIT
# Every built-in guest under vitrine, in every mode of its MMU: the same steps
# hold as on plain QEMU (guests_native.sh).
#
#   MODES="tdp shadow"   which modes

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
list=$(sed -n 's/^GUEST(\([a-z0-9]*\),.*/\1/p' "${top_srcdir:-.}/hv/guests/guests.def")
modes=${MODES:-tdp shadow}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "${top_builddir:-.}/hv/guests/pse.elf" ] || skip "configured without the bare-metal parts"

echo "1..$(($(echo "$list" | wc -l) * $(echo "$modes" | wc -w)))"
errors=$(mktemp) || exit 99
trap 'rm -f "$errors"' EXIT
n=0
for mode in $modes; do
	for name in $list; do
		n=$((n + 1))
		cpus=1
		case $name in
		smp*) cpus=3 ;;
		esac
		output=$("$vitrine" run --mmu="$mode" --vcpus=$cpus --timeout=60 "$name" </dev/null 2>"$errors")
		status=$?
		if [ $status -eq 0 ] &&
			printf '%s\n' "$output" | grep -q '^all [0-9]* steps hold'; then
			echo "ok $n - $name holds all its steps with --mmu=$mode"
		else
			echo "not ok $n - $name holds all its steps with --mmu=$mode"
			echo "# vitrine run ended with status $status; the guest and vitrine said:"
			printf '%s\n' "$output" | cat - "$errors" | tail -n 20 | sed 's/^/# /'
		fi
	done
done
