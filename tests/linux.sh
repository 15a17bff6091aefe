#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's kernel and our init under vitrine: the same lines, the same end as on
# plain QEMU (linux_native.sh).
#
#   MODES="tdp"          which modes

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
initrd=${top_builddir:-.}/tests/init/init.cpio
modes=${MODES:-tdp}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$initrd" ] || skip "configured without the bare-metal parts"
kernel=$(sh "${top_srcdir:-.}/tests/fetch-kernel.sh" cloud-amd64) ||
	skip "no kernel to boot; tests/fetch-kernel.sh cloud-amd64 says why"

echo "1..$(echo "$modes" | wc -w)"
errors=$(mktemp) || exit 99
trap 'rm -f "$errors"' EXIT
n=0
for mode in $modes; do
	n=$((n + 1))
	output=$("$vitrine" run --mmu="$mode" --mem=256M --timeout=120 --initrd="$initrd" \
		--append="$(cat "${top_srcdir:-.}/tests/init/cmdline")" "$kernel" \
		</dev/null 2>"$errors")
	status=$?
	if [ $status -eq 0 ] &&
		printf '%s\n' "$output" | grep -q '^init: 0 failed, the end'; then
		echo "ok $n - Debian's cloud kernel runs our init to its end with --mmu=$mode"
	else
		echo "not ok $n - Debian's cloud kernel runs our init to its end with --mmu=$mode"
		echo "# vitrine run ended with status $status; the guest and vitrine said:"
		printf '%s\n' "$output" | cat - "$errors" | tail -n 40 | sed 's/^/# /'
	fi
done
