#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's kernels and our init under vitrine: the same lines, the same end as on
# plain QEMU (linux_native.sh). On the deterministic machine, so that nothing depends
# on the host's speed. With --table the runs are printed as a table, with their ticks
# (instructions, the hypervisor's among them) and exits: make check-real.
#
#   KERNELS="686" MODES="tdp"          which kernels, which modes. NAME is the bzImage by
#                                      its own entry, NAME/32 by the 32-bit one, NAME/elf
#                                      the ELF in it by its PVH entry; +la57: five levels

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
here=${top_srcdir:-.}/tests
init=${top_builddir:-.}/tests/init
kernels=${KERNELS:-cloud-amd64 cloud-amd64/32 cloud-amd64/elf cloud-amd64+la57 \
	amd64 amd64/32 amd64/elf 686-pae 686-pae/elf 686}
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

# The initramfs with a program that this kernel runs.
initrd()	# KERNEL
{
	case $1 in
	686*) echo "$init/init32.cpio" ;;
	*) echo "$init/init.cpio" ;;
	esac
}

# boot KERNEL MODE FILE: whether it came to its end; what was said is in $scratch/out
boot()
{
	case $1 in
	*+*) options=--cpu=+${1#*+} ;;
	*/32) options=--entry=32 ;;
	*) options= ;;
	esac
	"$vitrine" run --icount --verbose --mmu="$2" $options --mem=256M --timeout=600 \
		--initrd="$(initrd "$1")" --append="$(cat "$here/init/cmdline")" "$3" \
		</dev/null >"$scratch/out" 2>&1 && grep -q '^init: 0 failed, the end' "$scratch/out"
}

# "1661580859 ticks, 11041 exits: fault 399, ..."
bill()
{
	sed -n 's/^vitrine: hypervisor: \([0-9]* ticks, [0-9]* exits: .*\)/\1/p' "$scratch/out"
}

row()	# KERNEL MODE RESULT
{
	bill | sed 's/ ticks, / /; s/ exits: / /' | {
		read -r ticks exits reasons
		printf '%-17s %-6s %-7s %13s %8s  %s\n' "$1" "$2" "$3" "$ticks" "$exits" "$reasons"
	}
}

# report KERNEL MODE ok|not ok|skip [WHY]
report()
{
	what="Debian's kernel $1 runs our init to its end with --mmu=$2"
	n=$((n + 1))
	case $table$3 in
	?*skip) row "$1" "$2" skipped ;;
	--table*) row "$1" "$2" "$3" ;;
	skip) echo "ok $n - $what # SKIP $4" ;;
	*)
		echo "$3 $n - $what"
		[ "$3" = ok ] || { echo "# vitrine and the guest said:"; tail -n 40 "$scratch/out" | sed 's/^/# /'; }
		;;
	esac
}

table=$1
failed=0
n=0
[ -z "$table" ] || printf '%-17s %-6s %-7s %13s %8s  %s\n' kernel MMU result ticks exits 'by reason'
for kernel in $kernels; do
	name=${kernel%[+/]*}
	file=$(sh "$here/fetch-kernel.sh" "$name" 2>"$scratch/why") || file=
	case $file$kernel in
	/*/elf)
		sh "$here/vmlinux.sh" "$file" >"$scratch/vmlinux" 2>"$scratch/why" &&
			file=$scratch/vmlinux || file=
		;;
	esac
	for mode in $modes; do
		# Shadow paging has no five levels to offer here.
		case $kernel$mode in *+la57shadow) continue ;; esac
		: >"$scratch/out"
		if [ -z "$file" ]; then
			report "$kernel" "$mode" skip "$(tail -n 1 "$scratch/why")"
		elif boot "$kernel" "$mode" "$file"; then
			report "$kernel" "$mode" ok
		else
			report "$kernel" "$mode" 'not ok'
			failed=1
		fi
	done
done
[ -n "$table" ] || echo "1..$n"
[ -z "$table" ] || exit $failed
