#!/bin/sh
# SPDX-License-Identifier: MIT
# The audit of a live machine, in the middle of a guest on shadow tables that the
# hardware has walked: no rule is broken.

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
guests='pae pse long'

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "${top_builddir:-.}/hv/guests/pse.elf" ] || skip "configured without the bare-metal parts"

dir=$(mktemp -d "${TMPDIR:-/tmp}/audit.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
cat >"$dir/script" <<'END'
:until guest_invlpg
A
:until audit_end
1
:save-screen -
END

# What the audit finds stands between its first and its last event.
is_green()	# GUEST
{
	timeout 60 "$vitrine" run --mmu=shadow --timeout=30 --break=guest_invlpg \
		--script="$dir/script" "$1" </dev/null >"$dir/out" 2>"$dir/err" &&
		grep -q 'at event [0-9]*: audit_end' "$dir/out" &&
		grep -q ' audit_begin ' "$dir/out" && ! grep -q ' audit_rule ' "$dir/out"
}

echo "1..$(echo "$guests" | wc -w)"
n=0
for guest in $guests; do
	n=$((n + 1))
	if is_green "$guest"; then
		echo "ok $n - the audit of $guest at its first INVLPG is green"
	else
		echo "not ok $n - the audit of $guest at its first INVLPG is green"
		cat "$dir/out" "$dir/err" | tail -n 30 | sed 's/^/# /'
	fi
done
