#!/bin/sh
# SPDX-License-Identifier: MIT
# Two real CPUs (QEMU runs each in a thread of its own) fault in parallel, and one
# zaps meanwhile: the image prints its own TAP.
qemu=${QEMU:-qemu-system-x86_64}
image=${top_builddir:-.}/tests/storm/storm.elf

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$qemu" >/dev/null || skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$image" ] || skip "configured without the bare-metal parts"
log=$(mktemp "${TMPDIR:-/tmp}/storm.XXXXXX") || exit 99
trap 'rm -f "$log"' EXIT

timeout 120 "$qemu" -machine pc,acpi=off,smm=off,hpet=off -bios qboot.rom -cpu max -smp 2 -m 256M \
	-accel tcg,thread=multi -nodefaults -display none -no-reboot -serial "file:$log" \
	-device isa-debug-exit,iobase=0x501,iosize=4 -kernel "$image" </dev/null >/dev/null 2>&1
status=$?
tr -d '\r' <"$log"
[ $status = 1 ] || echo "Bail out! QEMU ended with status $status"
