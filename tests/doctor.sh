#!/bin/sh
# SPDX-License-Identifier: MIT
# vitrine doctor, and --accel, with QEMUs that only say which they are.

vitrine=${VITRINE:-${top_builddir:-.}/tui/vitrine}
dir=$(mktemp -d "${TMPDIR:-/tmp}/vitrine-doctor.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
mkdir "$dir/bin" "$dir/rom" "$dir/cache" && : >"$dir/rom/qboot.rom"
XDG_CACHE_HOME=$dir/cache
export XDG_CACHE_HOME
n=0
built=
[ -e "${top_builddir:-.}/hv/vitrine-hv.elf" ] && built=yes

# A QEMU of this version, whose firmware lies in $dir/rom, or where $1 says.
fake_qemu()	# VERSION [FOLDER]
{
	cat >"$dir/qemu" <<-END
		#!/bin/sh
		case \$1 in
		--version) echo 'QEMU emulator version $1' ;;
		-L) echo '${2:-$dir/rom}' ;;
		*) exit 1 ;;
		esac
	END
	chmod +x "$dir/qemu"
}

doctor()	# [NAME=VALUE...]
{
	env QEMU="$dir/qemu" "$@" "$vitrine" doctor >"$dir/out" 2>&1 </dev/null
	status=$?
}

test_that()	# SENTENCE STATUS PATTERN...: each in a line; "!": and not the next one
{
	n=$((n + 1))
	sentence=$1 want=$2 wrong=
	shift 2
	[ "$status" = "$want" ] || [ -z "$built" ] || wrong="status $status, not $want"
	while [ $# -gt 0 ]; do
		if [ "$1" = ! ]; then
			shift
			! grep -q -e "$1" "$dir/out" || wrong="it says: $1"
		else
			grep -q -e "$1" "$dir/out" || wrong="it does not say: $1"
		fi
		shift
	done
	[ -n "$wrong" ] || { echo "ok $n - $sentence"; return; }
	echo "not ok $n - $sentence"
	echo "# $wrong"
	sed 's/^/# /' "$dir/out"
}

fake_qemu '7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)'
doctor
test_that 'a QEMU that was tried is ok' 0 '^ok    QEMU  .*7\.2\.22' '^ok    firmware' \
	! '^fail'
fake_qemu 7.2.9
doctor
test_that '7.2.9 has a bug, which is a warning' 0 '^warn  QEMU .*7\.2\.9' 'bypass nested paging' \
	'with a warning$'
fake_qemu 8.2.4
doctor
test_that 'so has 8.2.4' 0 '^warn  QEMU .*8\.2\.4' 'bypass nested paging'
fake_qemu 9.1.0
doctor
test_that 'and 9.1.0' 0 '^warn  QEMU .*9\.1\.0'
fake_qemu 9.2
doctor
test_that '9.2 is mended' 0 '^ok    QEMU .*9\.2'
fake_qemu '10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)'
doctor
test_that '10.0.2 is ok' 0 '^ok    QEMU .*10\.0\.2'
fake_qemu 6.2.0
doctor
test_that '6.2 is too old' 1 '^fail  QEMU .*6\.2\.0' '7\.2 or newer' '^1 failed'
fake_qemu 10.0.2 "$dir/none"
doctor
test_that 'a QEMU without the firmware fails' 1 '^fail  firmware' 'qemu-system-data'
printf '#!/bin/sh\necho nonsense\n' >"$dir/qemu"
doctor
test_that 'what does not say a version is no QEMU' 1 '^fail  QEMU .*cannot be started' 'set QEMU'
doctor QEMU="$dir/no-such-file"
test_that 'nor is what is not there' 1 '^fail  QEMU .*no-such-file' 'qemu-system-x86'

fake_qemu 10.0.2
doctor PATH="$dir/bin"
test_that 'without GDB there is a warning' 0 '^warn  GDB' 'package gdb'
printf '#!/bin/sh\n' >"$dir/bin/gdb" && chmod +x "$dir/bin/gdb"
doctor PATH="$dir/bin"
test_that 'with it there is none' 0 '^ok    GDB'
doctor
test_that 'no kernel yet is no trouble' 0 '^ok    kernels .*not there yet'
: >"$dir/cache/vitrine"
doctor
test_that 'a cache that is none is a warning' 0 '^warn  kernels' 'XDG_CACHE_HOME'
rm "$dir/cache/vitrine"
doctor
test_that 'nested SVM and memory are looked at' 0 '^\(ok\|warn\)  *nested SVM' \
	'^\(ok\|warn\)  *memory'
grep -E -v '^(ok   |warn |fail ) [A-Za-z]|^      +|^[0-9]+ failed, ' "$dir/out" >"$dir/odd"
status=$(grep -c '' "$dir/odd")
test_that 'each line begins with one of three words, or says what to do' 0

"$vitrine" doctor --help >"$dir/out" 2>&1
status=$?
test_that '--help says what the words mean' 0 'ok, warn' 'Exit status'

# --accel: what is chosen is said; a wrong name is named.
if [ -n "$built" ]; then
	"$vitrine" run --accel=fast pse >"$dir/out" 2>&1 </dev/null
	status=$?
	test_that 'a wrong accelerator is named' 2 'it is tcg, kvm or auto'
	fake_qemu 10.0.2
	env QEMU="$dir/qemu" "$vitrine" run --accel=auto pse >"$dir/out" 2>&1 </dev/null
	status=$?
	test_that 'auto says which one it takes and why' 125 \
		'^vitrine: --accel=auto: \(tcg\|kvm\): .* '
	env QEMU="$dir/qemu" "$vitrine" run --accel=auto --icount pse >"$dir/out" 2>&1 </dev/null
	status=$?
	test_that 'for --icount that is tcg' 125 '^vitrine: --accel=auto: tcg: --icount'
fi
echo "1..$n"
