#!/bin/sh
# SPDX-License-Identifier: MIT
# What the host program has built from events is what the library tells of
# itself: snapshots are asked for while guests run, and compared.

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

# A first snapshot at the first shadow page, then some at pauses, then to the end.
{
	printf ':until sp_new\n:send unbrk 255\n:send snapshot\n:until snapshot_end\n:send resume\n'
	for event in enter console enter; do
		printf ':until %s\n:send pause\n:until stop\n' $event
		printf ':send snapshot\n:until snapshot_end\n'
		printf ':send resume\n'
	done
	printf ':until guest_end\n:view notes\n:save-screen -\n'
} >"$dir/script"

guests='real pse pae long'
echo 1..8
n=0
for mode in shadow tdp; do
	for guest in $guests; do
		n=$((n + 1))
		sentence="events and snapshots agree on $guest with --mmu=$mode"
		"$vitrine" run --mmu=$mode --break=sp_new --script="$dir/script" --timeout=60 \
			$guest </dev/null >"$dir/out" 2>"$dir/err"
		status=$?
		if [ $status -eq 0 ] && grep -q ' 0 events lost, 0 contradictions' "$dir/out"; then
			echo "ok $n - $sentence"
		else
			echo "not ok $n - $sentence"
			echo "# status $status"
			cat "$dir/out" "$dir/err" | grep -v '^ *$' | head -n 40 | sed 's/^/# /'
		fi
	done
done
