#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's kernel and our init on plain QEMU, without our hypervisor: what init
# checks must hold on a CPU that is right.

qemu=${QEMU:-qemu-system-x86_64}
initrd=${top_builddir:-.}/tests/init/init.cpio

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$qemu" >/dev/null || skip "no $qemu here (Debian: qemu-system-x86)"
[ -e "$initrd" ] || skip "configured without the bare-metal parts"
kernel=$(sh "${top_srcdir:-.}/tests/fetch-kernel.sh" cloud-amd64) ||
	skip "no kernel to boot; tests/fetch-kernel.sh cloud-amd64 says why"

echo 1..1
output=$(timeout 120 "$qemu" -machine pc,acpi=off -cpu max,-la57 -m 256 -display none \
	-monitor none -nodefaults -no-reboot -serial stdio \
	-device isa-debug-exit,iobase=0xf4,iosize=1 -kernel "$kernel" -initrd "$initrd" \
	-append "$(cat "${top_srcdir:-.}/tests/init/cmdline")" </dev/null 2>&1)
status=$?
if [ $status -eq 1 ] && printf '%s\n' "$output" | grep -q '^init: 0 failed, the end'; then
	echo "ok 1 - Debian's cloud kernel runs our init to its end on plain QEMU"
else
	echo "not ok 1 - Debian's cloud kernel runs our init to its end on plain QEMU"
	echo "# QEMU ended with status $status and said:"
	printf '%s\n' "$output" | sed 's/^/# /'
fi
