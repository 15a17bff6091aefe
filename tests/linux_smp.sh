#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's kernels on four vCPUs, found in the MP table: all are brought up, our init
# runs to its end. On the deterministic machine, so that nothing depends on the host's
# speed.
#
#   KERNELS="686" MODES="tdp"          which kernels, which modes

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
here=${top_srcdir:-.}/tests
init=${top_builddir:-.}/tests/init
kernels=${KERNELS:-amd64 686-pae}
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

# boot KERNEL MODE FILE: the status; what was said is in $scratch/out
boot()
{
	case $1 in
	686*) initrd=$init/init32.cpio ;;
	*) initrd=$init/init.cpio ;;
	esac
	"$vitrine" run --icount --vcpus=4 --mmu="$2" --mem=256M --timeout=900 \
		--initrd="$initrd" \
		--append="$(sed 's/noapic nolapic//; s/quiet//' "$here/init/cmdline")" \
		"$3" </dev/null >"$scratch/out" 2>&1
}

n=0
for kernel in $kernels; do
	file=$(sh "$here/fetch-kernel.sh" "$kernel" 2>"$scratch/why") || file=
	for mode in $modes; do
		n=$((n + 1))
		what="Debian's kernel $kernel runs on four vCPUs with --mmu=$mode"
		if [ -z "$file" ]; then
			echo "ok $n - $what # SKIP $(tail -n 1 "$scratch/why")"
		elif boot "$kernel" "$mode" "$file" &&
			grep -q 'Brought up 1 node, 4 CPUs' "$scratch/out" &&
			grep -q '^init: 0 failed, the end' "$scratch/out"; then
			echo "ok $n - $what"
		else
			echo "not ok $n - $what"
			echo "# vitrine and the guest said:"
			tail -n 60 "$scratch/out" | sed 's/^/# /'
		fi
	done
done
echo "1..$n"
