#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's kernels and our init on plain QEMU, without our hypervisor: what init
# checks must hold on a CPU that is right.
#
#   KERNELS="686"          which kernels

qemu=${QEMU:-qemu-system-x86_64}
here=${top_srcdir:-.}/tests
init=${top_builddir:-.}/tests/init
kernels=${KERNELS:-cloud-amd64 amd64 686-pae 686}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$qemu" >/dev/null || skip "no $qemu here (Debian: qemu-system-x86)"
[ -e "$init/init.cpio" ] || skip "configured without the bare-metal parts"
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM

# The initramfs with a program that this kernel runs.
initrd()	# KERNEL
{
	case $1 in
	686*) echo "$init/init32.cpio" ;;
	*) echo "$init/init.cpio" ;;
	esac
}

# isa-debug-exit turns status 0 into 1.
boot()		# KERNEL FILE
{
	timeout 300 "$qemu" -machine pc,acpi=off -cpu max,-la57 -m 256 -display none \
		-monitor none -nodefaults -no-reboot -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=1 -kernel "$2" -initrd "$(initrd "$1")" \
		-append "$(cat "$here/init/cmdline")" </dev/null >"$scratch/out" 2>&1
	[ $? -eq 1 ] && grep -q '^init: 0 failed, the end' "$scratch/out"
}

n=0
for kernel in $kernels; do
	n=$((n + 1))
	what="Debian's kernel $kernel runs our init to its end on plain QEMU"
	if ! file=$(sh "$here/fetch-kernel.sh" "$kernel" 2>"$scratch/why"); then
		echo "ok $n - $what # SKIP $(tail -n 1 "$scratch/why")"
	elif boot "$kernel" "$file"; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		echo "# QEMU said:"
		tail -n 40 "$scratch/out" | sed 's/^/# /'
	fi
done
echo "1..$n"
