#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's kernels that read the MP table use local APIC and IO-APIC, and a CPU without
# APIC is one with --cpu=-apic: what /proc/interrupts and the kernel say. On the
# deterministic machine, so that nothing depends on the host's speed.
#
#   KERNELS="686" MODES="tdp"          which kernels, which modes

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
here=${top_srcdir:-.}/tests
init=${top_builddir:-.}/tests/init
kernels=${KERNELS:-amd64 686}
modes=${MODES:-tdp shadow}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$init/init.cpio" ] || skip "configured without the bare-metal parts"
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM

# boot KERNEL FILE OPTION...: the status; what was said is in $scratch/out
boot()
{
	case $1 in
	686*) initrd=$init/init32.cpio ;;
	*) initrd=$init/init.cpio ;;
	esac
	file=$2
	shift 2
	"$vitrine" run --icount "$@" --mem=256M --timeout=600 --initrd="$initrd" \
		--append="$(sed 's/noapic nolapic//; s/quiet//' "$here/init/cmdline")" \
		"$file" </dev/null >"$scratch/out" 2>&1 &&
		grep -q '^init: 0 failed, the end' "$scratch/out"
}

has()	# PATTERN...
{
	for pattern; do
		grep -q "$pattern" "$scratch/out" || return 1
	done
}

report()	# STATUS SENTENCE
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		echo "# vitrine and the guest said:"
		sed 's/^/# /' "$scratch/out"
	fi
}

n=0
for kernel in $kernels; do
	file=$(sh "$here/fetch-kernel.sh" "$kernel" 2>"$scratch/why") ||
		skip "$(tail -n 1 "$scratch/why")"
	for mode in $modes; do
		boot "$kernel" "$file" --mmu="$mode" &&
			has 'found SMP MP-table' 'Switch to symmetric I/O mode' 'IO-APIC.*timer' &&
			! has 'noapic\|APIC error\|Spurious\|spurious'
		report $? "$kernel uses the APICs of the MP table with --mmu=$mode"
	done
	boot "$kernel" "$file" --mmu=tdp --cpu=-apic && has 'XT-PIC.*timer'
	report $? "$kernel on a CPU without APIC uses the PIC"
done
echo "1..$n"
