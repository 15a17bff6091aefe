#!/bin/sh
# SPDX-License-Identifier: MIT
# The built-in guests on plain QEMU, without our hypervisor: what they expect of
# a CPU must be what a CPU does. The same images run under vitrine in guests.sh.

guests=${top_builddir:-.}/hv/guests
list=$(sed -n 's/^GUEST(\([a-z0-9]*\), "\([^"]*\)".*/\1:\2/p' "${top_srcdir:-.}/hv/guests/guests.def")
qemu=${QEMU:-qemu-system-x86_64}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$qemu" >/dev/null || skip "no $qemu here (Debian: qemu-system-x86)"
[ -e "$guests/pse.elf" ] || skip "configured without the bare-metal parts"

echo "1..$(echo "$list" | wc -l)"
n=0
for row in $list; do
	n=$((n + 1))
	name=${row%%:*}
	machine=pc,acpi=off,smm=off,hpet=off
	screen=none
	bios=qboot.rom
	# SMIs come from power management; what hides SMRAM is the VGA's window.
	case $name in
	smi*)
		machine=pc,smm=on,hpet=off
		screen=std
		;;
	smp*)	# whose BIOS makes an MP table
		machine="pc,smm=off,hpet=off -smp 3,sockets=3"
		bios=bios-256k.bin
		;;
	esac
	# isa-debug-exit turns status v into 2v+1.
	# shellcheck disable=SC2086	# the machine may be followed by an option
	output=$(timeout 30 "$qemu" -machine $machine -bios "$bios" -vga "$screen" \
		-cpu max -m 16 -display none -monitor none -nodefaults -no-reboot -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=1 -kernel "$guests/${row#*:}" \
		</dev/null 2>&1)
	status=$?
	if [ $status -eq 1 ] && printf '%s\n' "$output" | grep -q '^all [0-9]* steps hold'; then
		echo "ok $n - $name holds all its steps on plain QEMU"
	else
		echo "not ok $n - $name holds all its steps on plain QEMU"
		echo "# QEMU ended with status $status and said:"
		printf '%s\n' "$output" | sed 's/^/# /'
	fi
done
