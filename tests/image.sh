#!/bin/sh
# SPDX-License-Identifier: MIT
# The image under plain QEMU, without vitrine: it starts, tests itself, runs the
# built-in guests in both modes, refuses what it must refuse, and leaves with the
# status it promises. QEMU's status is twice the image's plus one.

qemu=${QEMU:-qemu-system-x86_64}
image=${top_builddir:-.}/hv/vitrine-hv.elf
guests=${top_builddir:-.}/hv/guests

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "$qemu" >/dev/null || skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "$image" ] || skip "configured without the bare-metal parts"

log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
n=0

# boot CPU "COMMAND LINE" [MODULE]: QEMU's status in $status, the log in $log
boot()
{
	timeout 120 "$qemu" -machine pc,acpi=off,smm=off,hpet=off -bios qboot.rom -cpu "$1" \
		-smp "${cpus:-1}" -m 256M \
		-nodefaults -display none -no-reboot -serial "file:$log" -serial null \
		-device isa-debug-exit,iobase=0x501,iosize=4 -kernel "$image" -append "$2" \
		${3:+-initrd "$3"} </dev/null >/dev/null 2>&1
	status=$?
}

# expect STATUS "WORDS IN THE LOG" "what is tested"
expect()
{
	n=$((n + 1))
	if [ $status -eq $((2 * $1 + 1)) ] && grep -q "$2" "$log"; then
		echo "ok $n - $3"
		return
	fi
	echo "not ok $n - $3"
	echo "# QEMU's status is $status, not $((2 * $1 + 1)), or the log lacks: $2"
	tail -n 20 "$log" | sed 's/^/# /'
}

good=max,+svm,+npt,+la57

boot "$good" "mmu=tdp mem=16M"
expect 125 "no guest" "without a guest it says so"
boot "max,-svm" ""
expect 125 "has no SVM" "without SVM it refuses in one line"
boot "max,+svm,-npt" ""
expect 125 "no nested paging" "without nested paging it refuses in one line"
boot "$good" "mmu=other mem=16M" "$guests/long.elf"
expect 125 "mmu= takes" "a wrong mmu= is named"
boot "$good" "mem=64X" "$guests/long.elf"
expect 125 "mem= takes" "a number that is none is named"
boot "$good" "budget=many mem=16M" "$guests/long.elf"
expect 125 "a knob of the MMU" "a knob that is no number is named"
boot "$good" "budget=63 mem=16M" "$guests/long.elf"
expect 125 "64 or more" "so few shadow pages that a guest may never get through"
boot "$good" "mem=300M" "$guests/long.elf"
expect 125 "not enough memory" "more RAM for the guest than there is is named"
boot "$good" "mem=16M" "$0"
expect 125 "neither an ELF nor" "a file that is no guest is named"
boot "$good" "mem=16M vcpus=2 smi=1" "$guests/smp.elf"
expect 125 "one vCPU" "SMIs that are compared, with several vCPUs, are refused"
cpus=2
for mode in tdp shadow; do
	boot "$good" "mmu=$mode mem=16M vcpus=4 cpus=2 audit=50 events=0" "$guests/smp.elf"
	expect 0 "self-tests passed" "every rule holds while two CPUs run four vCPUs under $mode"
done
cpus=1
boot "$good" "mem=16M cpus=2" "$guests/long.elf"
expect 125 "as many as cpus= says" "a CPU that the machine does not have is named"
boot "$good" "mem=16M cpus=9" "$guests/long.elf"
expect 125 "cpus= takes" "more CPUs than there can be are named"
boot "$good" "mem=16M crash=1" "$guests/long.elf"
expect 125 "event [0-9]* guest_cr3" "a panic says which events came last"
expect 125 "^rip [0-9a-f]* *rsp" "a panic prints the registers"
for guest in "$guests"/*.elf; do
	name=$(basename "$guest" .elf)
	case $name in
	smp*) vcpus=3 ;;
	*) vcpus=1 ;;
	esac
	for mode in tdp shadow; do
		boot "$good" "mmu=$mode mem=16M vcpus=$vcpus guest=$name" "$guest"
		expect 0 "10 of 10 self-tests passed" "guest $name under $mode"
	done
done
echo "1..$n"
