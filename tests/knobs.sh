#!/bin/sh
# SPDX-License-Identifier: MIT
# Guests with every knob of the MMU on and off, under shadow paging: whatever is
# turned, they hold their steps.
#
#   LINUX=all    boots Linux with every setting, too; else with all off and all on
#   GUESTS=...   which guests

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
initrd=${top_builddir:-.}/tests/init/init.cpio
guests=${GUESTS:-pse pae long ptwriter}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "${top_builddir:-.}/hv/guests/pse.elf" ] || skip "configured without the bare-metal parts"
kernel=$(sh "${top_srcdir:-.}/tests/fetch-kernel.sh" cloud-amd64) ||
	skip "no kernel to boot; tests/fetch-kernel.sh cloud-amd64 says why"
errors=$(mktemp) || exit 99
trap 'rm -f "$errors"' EXIT

# One setting a line. A value in the middle stands for a large range: so many
# pages are few, so many stores are many.
settings()
{
	sed -n 's/^KNOB(\([a-z0-9]*\), *\([0-9]*\), *\([0-9]*\), *\([A-Z0-9_]*\),.*/\1 \2 \3 \4/p' \
		"${top_srcdir:-.}/mmu/knob.def" |
	awk '{
		high = $1 == "budget" ? 96 : $4 > 8 ? 8 : $4
		off = off " --set " $1 "=" $3
		on = on " --set " $1 "=" high
		if ($2 != $3) one[++n] = " --set " $1 "=" $3
		if ($2 != high) one[++n] = " --set " $1 "=" high
	}
	END {
		print off
		print on
		for (i = 1; i <= n; i++) print one[i]
	}'
}

# Runs a guest with a setting; the output must have the text.
run()
{
	want=$1 setting=$2
	shift 2
	# shellcheck disable=SC2086
	output=$("$vitrine" run --mmu=shadow --timeout=900 $setting "$@" </dev/null 2>"$errors")
	status=$?
	[ $status -eq 0 ] && printf '%s\n' "$output" | grep -q "$want" && return
	echo "# vitrine run$setting: status $status; the guest and vitrine said:"
	printf '%s\n' "$output" | cat - "$errors" | tail -n 20 | sed 's/^/# /'
	return 1
}

all_guests()
{
	for guest in $guests; do
		run '^all [0-9]* steps hold' "$1" "$guest" || return
	done
}

boot()
{
	run '^init: 0 failed, the end' "$1" --mem=256M --initrd="$initrd" \
		--append="$(cat "${top_srcdir:-.}/tests/init/cmdline")" "$kernel"
}

n=0
check()
{
	n=$((n + 1))
	if "$1" "$2"; then
		echo "ok $n - $3 with$2"
	else
		echo "not ok $n - $3 with$2"
	fi
}

nr=$(settings | wc -l)
linux=2
[ "${LINUX:-}" = all ] && linux=$nr
echo "1..$((nr + linux))"
settings >"$errors.settings"
trap 'rm -f "$errors" "$errors.settings"' EXIT
at=0
while IFS= read -r setting <&3; do
	at=$((at + 1))
	check all_guests "$setting" "guests hold their steps"
	[ $at -gt $linux ] || check boot "$setting" "Linux runs our init"
done 3<"$errors.settings"
