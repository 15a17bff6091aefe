#!/bin/sh
# SPDX-License-Identifier: MIT
# Guests that check their own memory, while another MMU serves them again and again,
# as fast as the commands go: they say what they say without it, the audits on the way
# are green. The last is Debian's kernel with our init, if there is one.
#
#   ROUNDS=8             so often each built-in guest
#   LINUX=               no Linux

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
list=$(sed -n 's/^GUEST(\([a-z0-9]*\),.*/\1/p' "${top_srcdir:-.}/hv/guests/guests.def")
initrd=${top_builddir:-.}/tests/init/init.cpio
rounds=${ROUNDS:-8}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v "${QEMU:-qemu-system-x86_64}" >/dev/null ||
	skip "no qemu-system-x86_64 here (Debian: qemu-system-x86)"
[ -e "${top_builddir:-.}/hv/guests/pse.elf" ] || skip "configured without the bare-metal parts"

dir=$(mktemp -d "${TMPDIR:-/tmp}/switch.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM

# More lines than the guest has time for; every tenth switch is audited.
script()	# SWITCHES EXITS-BETWEEN
{
	printf ':until stop\n:send resume\n'
	awk -v n="$1" -v exits="$2" 'BEGIN {
		for (i = 0; i < n; i++) {
			print ":mmu " (i % 2 ? "tdp" : "shadow") "\n:until mmu_mode"
			if (i % 10 == 9)
				print ":send audit\n:until audit_end"
			for (k = 0; k < exits; k++)
				print ":until exit"
		}
	}'
}
script 2000 0 >"$dir/many"
script 2000 60 >"$dir/linux"

console()	# RECORDING: what the guest has printed, in hex
{
	"$vitrine" trace dump "$1" | sed -n 's/.* console bytes=\([0-9a-f]*\).*/\1/p' | tr -d '\n'
}

count()		# RECORDING EVENT
{
	"$vitrine" trace stat "$1" | awk -v event="$2" '$2 == event { n = $1 } END { print n + 0 }'
}

number=0
say()		# GOOD SENTENCE
{
	number=$((number + 1))
	if [ "$1" = yes ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		tail -n 20 "$dir/err" | sed 's/^/# /'
	fi
}

switches=0 audits=0

# It came to its end, and what audits there were are green.
is_sound()
{
	[ "$(count "$dir/rec" audit_rule)" = 0 ] && [ "$(count "$dir/rec" guest_end)" = 1 ]
}

# One run; false: not as without switches.
run_switched()	# GUEST
{
	rm -f "$dir/rec"
	timeout 60 "$vitrine" run --mmu=tdp --vcpus=$vcpus --timeout=50 --record="$dir/rec" \
		--script="$dir/many" "$1" </dev/null >"$dir/out" 2>"$dir/err"
	switches=$((switches + $(count "$dir/rec" mmu_mode)))
	audits=$((audits + $(count "$dir/rec" audit_end)))
	[ "$(console "$dir/rec")" = "$want" ] && is_sound
}

run_linux()
{
	last=$(printf 'init: 0 failed, the end' | od -An -v -tx1 | tr -d ' \n')
	rm -f "$dir/rec"
	timeout 280 "$vitrine" run --mmu=tdp --mem=256M --timeout=240 --initrd="$initrd" \
		--append="$(cat "${top_srcdir:-.}/tests/init/cmdline")" --script="$dir/linux" \
		--record="$dir/rec" "$kernel" </dev/null >"$dir/out" 2>"$dir/err"
	linux=$(count "$dir/rec" mmu_mode)
	console "$dir/rec" | grep -q "$last" && is_sound
}

nr=$(echo "$list" | wc -w)
kernel=
if [ "${LINUX-yes}" ] && [ -e "$initrd" ]; then
	kernel=$(sh "${top_srcdir:-.}/tests/fetch-kernel.sh" cloud-amd64 2>/dev/null)
fi
if [ "$kernel" ]; then echo "1..$((nr + 3))"; else echo "1..$((nr + 1))"; fi

for guest in $list; do
	case $guest in
	smp*) vcpus=2 ;;
	*) vcpus=1 ;;
	esac
	timeout 60 "$vitrine" run --mmu=tdp --vcpus=$vcpus --timeout=50 --record="$dir/rec" "$guest" \
		</dev/null >"$dir/out" 2>"$dir/err"
	want=$(console "$dir/rec")
	good=yes
	[ "$want" ] || good=
	i=0
	while [ "$good" ] && [ $i -lt "$rounds" ]; do
		run_switched "$guest" || good=
		i=$((i + 1))
	done
	say "$good" "$guest notices nothing"
done
good=
[ $switches -ge $((40 * rounds)) ] && [ $audits -ge "$rounds" ] && good=yes
say "$good" "$switches times another MMU served them, and $audits audits are green"

[ "$kernel" ] || exit 0
good=
run_linux && good=yes
say "$good" 'Debian'"'"'s cloud kernel runs our init to its end'
good=
[ "$linux" -ge 100 ] && good=yes
say "$good" "with $linux switches"
