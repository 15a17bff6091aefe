#!/bin/sh
# SPDX-License-Identifier: MIT
# The interrupts that Linux has counted, by /proc/interrupts, are those that the guest
# was given: an interrupt that is given twice, or gets lost, is seen nowhere else.
#
# Linux reads its counters, and then writes the line that says so; so one interrupt of
# the serial port comes with this line itself, and a tick of the timer may come between.
# On the deterministic machine both are as many each time.
#
#   KERNELS="686" MODES="tdp"          which kernels, which modes

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
here=${top_srcdir:-.}/tests
init=${top_builddir:-.}/tests/init
kernels=${KERNELS:-cloud-amd64}
modes=${MODES:-tdp shadow}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$init/init.cpio" ] || skip "configured without the bare-metal parts"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/irq.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM

# What init said: the count of a line, and nothing if there is none.
linux_counts()	# LINE
{
	sed -n "s/^init: \/proc\/interrupts: *$1: *\([0-9]*\) .*/\1/p" "$scratch/out"
}

# What the guest was given until its first byte of the first line about that. The PIC's
# vectors are Linux's choice: 0x30 and what follows.
guest_was_given()	# LINE
{
	"$vitrine" trace dump "$scratch/run.rec" | awk -v vector="vector=0x3$1" '
	BEGIN { begins = 1 }
	/ gap / { print "gap"; exit }
	/ inject / && index($0, vector " type=0") { n++ }
	/ io write=1 port=0x3f8 / && begins { before = n; begins = 0 }
	/ console / {
		begins = 1
		# "init: /proc/"
		if (index($0, "bytes=696e69743a202f70726f632f")) { print before; exit }
	}'
}

run()		# KERNEL MODE FILE
{
	"$vitrine" run --icount --mmu="$2" --mem=256M --timeout=600 --record="$scratch/run.rec" \
		--initrd="$init/$(case $1 in 686*) echo init32 ;; *) echo init ;; esac).cpio" \
		--append="$(cat "$here/init/cmdline")" "$3" </dev/null >"$scratch/out" 2>&1
}

n=0
report()	# KERNEL MODE LINE NAME MORE...: by how many the guest may have been given more
{
	what="the interrupts of the $4 that $1 counted with --mmu=$2 are those it was given"
	linux=$(linux_counts "$3") given=$(guest_was_given "$3")
	shift 4
	n=$((n + 1))
	for more; do
		if [ -n "$linux" ] && [ "$given" = $((linux + more)) ]; then
			echo "ok $n - $what"
			echo "# $linux and $given"
			return
		fi
	done
	echo "not ok $n - $what"
	echo "# Linux counted '$linux', and it was given '$given'; it said:"
	tail -n 20 "$scratch/out" | sed 's/^/# /'
}

for kernel in $kernels; do
	file=$(sh "$here/fetch-kernel.sh" "$kernel" 2>"$scratch/why") ||
		skip "no kernel to boot: $(tail -n 1 "$scratch/why")"
	for mode in $modes; do
		run "$kernel" "$mode" "$file"
		report "$kernel" "$mode" 0 timer 0 1
		report "$kernel" "$mode" 4 'serial port' 1
	done
done
echo "1..$n"
