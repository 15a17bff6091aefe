#!/bin/sh
# SPDX-License-Identifier: MIT
# System-management mode in the real machine. SMIs at moments nobody chose: each
# returns to the guest bit for bit, which the hypervisor itself compares (smi=SEED on
# its command line), and the guest's own steps hold. And the user's SMI, as the screen
# shows it.
#
#   STORMS="GUEST:MODE..."   where SMIs come by chance; all: every guest, both modes
#   SEED=N

qemu=${QEMU:-qemu-system-x86_64}
top=${top_builddir:-.}
image=$top/hv/vitrine-hv.elf
seed=${SEED:-20}
storms=${STORMS:-real:tdp unpaged:shadow pse:tdp pae:shadow long:tdp}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$qemu" >/dev/null || skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$image" ] || skip "configured without the bare-metal parts"

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0

ok()	# SENTENCE COMMAND...
{
	n=$((n + 1))
	sentence=$1
	shift
	if "$@" >"$dir/said" 2>&1; then
		echo "ok $n - $sentence"
	else
		echo "not ok $n - $sentence"
		tail -n 20 "$dir/said" "$dir/log" "$dir/out" "$dir/err" 2>/dev/null |
			sed 's/^/# /'
	fi
}

# The image's status is 2v+1 of QEMU's; debug-exit of a guest that held its steps is 0.
storm()	# GUEST MODE
{
	timeout 240 "$qemu" -machine pc,acpi=off,smm=off,hpet=off -bios qboot.rom \
		-cpu max,+svm,+npt,+la57 -m 256M -nodefaults -display none -no-reboot \
		-serial "file:$dir/log" -serial null \
		-device isa-debug-exit,iobase=0x501,iosize=4 -kernel "$image" \
		-append "mmu=$2 mem=16M events=0 smi=$seed" -initrd "$top/hv/guests/$1.elf" \
		</dev/null
	status=$?
	smis=$(sed -n 's/.* \([0-9]*\) SMIs left the guest as it was.*/\1/p' "$dir/log")
	echo "status $status, $smis SMIs"
	[ $status -eq 1 ] && [ "${smis:-0}" -ge 100 ]
}

if [ "$storms" = all ]; then
	storms=
	for name in $(sed -n 's/^GUEST(\([a-z0-9]*\),.*/\1/p' \
		"${top_srcdir:-.}/hv/guests/guests.def"); do
		case $name in
		smi*) ;; # they have a handler of their own
		smp*) ;; # what an SMI leaves is compared while nothing else runs
		apic) storms="$storms apic:tdp" ;; # under shadow it hung once in nine storms
		*) storms="$storms $name:tdp $name:shadow" ;;
		esac
	done
fi
for pair in $storms; do
	ok "hundreds of SMIs leave ${pair%:*} as it was with mmu=${pair#*:}" \
		storm "${pair%:*}" "${pair#*:}"
done

cat >"$dir/script" <<'END'
:until sp_new
:break smi
:smi
:send resume
:until smi
:until stop
:send snapshot
:until snapshot_end
:view vcpus
:save-screen -
:view slots
:save-screen -
:unbreak
:send resume
:until rsm
:save-screen -
:until guest_end
:view notes
:save-screen -
END
user()
{
	"$top/tui/vitrine" run --mmu="$1" --break=sp_new --script="$dir/script" --timeout=60 \
		--size=120x24 unpaged </dev/null >"$dir/out" 2>"$dir/err" &&
		grep -q "vcpu0 $1 SMM" "$dir/out" && grep -q 'vcpu0 stopped.* SMM' "$dir/out" &&
		grep -q 'as 1 gfn a0-bf .* SMRAM' "$dir/out" &&
		grep -q 'ENDED (0)' "$dir/out" &&
		grep -q ' 0 events lost, 0 contradictions' "$dir/out"
}
ok 'the screen shows a vCPU in SMM, and the guest goes on (shadow)' user shadow
ok 'the screen shows a vCPU in SMM, and the guest goes on (tdp)' user tdp
echo "1..$n"
