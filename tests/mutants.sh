# SPDX-License-Identifier: MIT
# Mutants: each patch in tests/mutants breaks one thing in the library, as a person
# did or might; what its head names under "Kills:" must notice. That is
#
#     duel shadow | duel tdp      the duel with this back end, stopped at the first
#                                 difference
#     replay shadow | replay tdp  the duel, and the scenario that it makes of what it
#                                 found: red with the mutant, green without
#     scenario FILE               a scenario that fails then
#     explore FILE                a search of the orders of a scenario's vCPUs
#     unit tests/check_NAME.t     a test program
#     guest NAME MODE             a built-in guest under vitrine, whose image has the
#                                 mutant; it ends with a step that does not hold, or
#                                 not at all. Skipped where there is no QEMU
#     linux MODE                  the same with a kernel of Debian's and our init. For
#                                 people: no mutant may need it, for it takes long
#
# A head with "Linux:" is of one of the faults with which Linux was booted to see what
# it says; most of them it does not notice (the book's chapter Testing, "Linux").
#
# A patch is applied to a copy of its file, never to the source. One that does not
# apply any more is a failure, too: look for the line's new form, or strike the
# mutant out.
#
#     mutants.sh [--table] [--linux | NAME...]
#
#     NAME...   these; else all
#     --table   for people, not as TAP
#     --linux   those with "Linux:", and Linux instead of who should notice;
#               KERNEL=686 another one than cloud-amd64
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}" "${CC:=cc}" "${MAKE:=make}"
source=$(cd "$top_srcdir" && pwd)
build=$(cd "$top_builddir" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/mutants.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
# A test program that fails must say so by its status.
unset TAP_HARNESS
table='' linux=''
while :; do
	case ${1-} in
	--table) table=yes ;;
	--linux) linux=yes ;;
	*) break ;;
	esac
	shift
done

if ! command -v patch >/dev/null 2>&1; then
	echo '1..0 # SKIP no patch here'
	exit 0
fi

variable()	# NAME: the Makefile's
{
	# shellcheck disable=SC2016
	printf 'print-it:\n\t@echo $(%s)\n' "$1" |
		env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$MAKE" -s --no-print-directory \
			-C "$build" -f Makefile -f - print-it
}
HV_CC=${HV_CC:-$(variable HV_CC)}
cflags="$(variable CFLAGS) $(variable MMU_DEFS)"

# The values of a key in a patch's head, one a line.
head_of()	# PATCH KEY
{
	sed -n -e '/^--- /q' -e "s/^$2: //p" "$1"
}

# Compiles FILE below $dir, where __FILE__ is what it is in the library.
compile()	# FILE
{
	# shellcheck disable=SC2086
	$CC -std=gnu11 $cflags -w -fmacro-prefix-map="$dir/=" -I"$source" -I"$build" \
		-c "$dir/$1" -o "$dir/mutant.o"
}

# Links a program of the Makefile with the mutant before all archives.
link()		# PROGRAM
{
	parts=$(echo "$1" | tr -c 'A-Za-z0-9_\n' _)
	[ -f "$dir/$parts" ] ||
		{ variable "${parts}_OBJECTS" && variable "${parts}_LDADD"; } >"$dir/$parts"
	# shellcheck disable=SC2046,SC2086
	(cd "$build" && $CC $cflags -o "$dir/program" "$dir/mutant.o" $(cat "$dir/$parts"))
}

# Links the image with the mutant, as a program of a build of its own has it.
link_image()	# FILE
{
	[ -f "$dir/image" ] || {
		variable hv_vitrine_hv_elf_OBJECTS && variable hv_vitrine_hv_elf_LDADD
	} >"$dir/image"
	[ -f "$dir/image_link" ] ||
		variable hv_vitrine_hv_elf_LINK | sed 's/-o print-it//' >"$dir/image_link"
	[ -f "$dir/image_flags" ] || {
		echo "-std=gnu11" && variable hv_vitrine_hv_elf_CPPFLAGS &&
			variable HV_CFLAGS && variable HV_ABI
	} >"$dir/image_flags"
	mkdir -p "$dir/tree/tui" "$dir/tree/hv"
	cp -f "$build/tui/vitrine" "$dir/tree/tui/vitrine" || return 1
	[ -e "$dir/tree/hv/guests" ] || ln -s "$build/hv/guests" "$dir/tree/hv/guests"
	own=${1##*/} own=${1%/*}/vitrine_hv_elf-${own%.c}.o
	# shellcheck disable=SC2046,SC2086
	(cd "$build" &&
		$HV_CC $(cat "$dir/image_flags") -w -fmacro-prefix-map="$dir/=" \
			-c "$dir/$1" -o "$dir/image.o" &&
		$(cat "$dir/image_link") -o "$dir/tree/hv/vitrine-hv.elf" \
			$(tr ' ' '\n' <"$dir/image" | grep -v -F -x "$own" | sed "1i$dir/image.o"))
}

# On the deterministic machine nothing depends on the host's speed.
run_image()	# SECONDS ARGUMENT...
{
	seconds_of_run=$1
	shift
	"$dir/tree/tui/vitrine" run --icount --timeout="$seconds_of_run" "$@" </dev/null
}

# returns  0: the guest holds all its steps
run_guest()	# NAME MODE
{
	run_image 60 --mmu="$2" "$1" >"$dir/guest" 2>&1 && return 0
	step=$(sed -n 's/^ *[0-9]* \(.*\) \.\.\. FAILED.*/\1/p' "$dir/guest")
	echo "not ok 0 - $1: ${step:-$(tail -n 1 "$dir/guest")}"
	return 1
}

run_linux()	# MODE
{
	kernel=$(sh "$source/tests/fetch-kernel.sh" "${KERNEL:-cloud-amd64}") || return 0
	initrd=$build/tests/init/$(case ${KERNEL-} in 686*) echo init32 ;; *) echo init ;; esac).cpio
	run_image 240 --mmu="$1" --mem=256M --initrd="$initrd" \
		--append="$(cat "$source/tests/init/cmdline")" "$kernel" >"$dir/linux" 2>&1 && return 0
	kept=$(sed -n 's/.* is kept: vitrine view \(.*\); remove.*/\1/p' "$dir/linux")
	[ -z "$kept" ] || rm -f "$kept"
	what=$(sed -n 's/^init: FAILED: //p' "$dir/linux" | head -n 1)
	[ -n "$what" ] || what="$(grep -c . "$dir/linux") lines, the last: $(grep . "$dir/linux" | tail -n 1)"
	echo "not ok 0 - $what"
	return 1
}

# An order of vCPUs is found that is red, and is red again when it is run from its
# file.
explore()	# SCENARIO
{
	timeout 120 "$dir/program" --explore --quiet --output="$dir/found.scn" "$1"
	[ $? = 1 ] || return 0
	timeout 60 "$dir/program" --quiet "$dir/found.scn" >"$dir/again" 2>&1
}

# The duel finds it, shortens it and writes it down; what it wrote is red with the
# mutant, and green with the library as it is.
replay()	# BACK_END
{
	(cd "$dir" && timeout 300 ./program --mmu="$1" --seconds=60) && return 0
	set -- "$dir"/duel-*.scn
	link hv/sim/vitrine-sim || return 0
	timeout 60 "$dir/program" "$1" >"$dir/red"
	[ $? = 1 ] || { echo "the scenario is not red"; return 0; }
	timeout 60 "$build/hv/sim/vitrine-sim" "$1" >"$dir/green" ||
		{ cat "$dir/green"; echo "the scenario is not green without it"; return 0; }
	rm -f "$1"
	return 1
}

# Who should notice is asked; its words are in $dir/out.
ask()		# KILLER FILE
{
	case $1 in
	'duel '*)
		link tests/duel.t && timeout 120 "$dir/program" --mmu="${1#duel }" \
			--seconds="$seconds" --first ;;
	'replay '*)
		link tests/duel.t && replay "${1#replay }" ;;
	'scenario '*)
		link hv/sim/vitrine-sim && timeout 60 "$dir/program" "$source/${1#scenario }" ;;
	'explore '*)
		link hv/sim/vitrine-sim && explore "$source/${1#explore }" ;;
	'unit '*)
		link "${1#unit }" && timeout 120 "$dir/program" ;;
	'guest '*)
		# shellcheck disable=SC2086
		link_image "$2" && run_guest ${1#guest } ;;
	'linux '*)
		link_image "$2" && run_linux "${1#linux }" ;;
	*)
		echo "Kills: $1: it is duel, replay, scenario, explore, unit or guest"
		false ;;
	esac >"$dir/out" 2>&1
}

# What was noticed first, from the words of who noticed; nothing if nothing was.
noticed()
{
	sed -n -e "s|$source/||g" -e 's/^# FAILED: .* operation [0-9]* of [0-9]*: //p' \
		-e 's/^vitrine-sim: //p' -e 's/^not ok [0-9]* - //p' "$dir/out" | head -n 1 |
		sed -e 's/^audit: \([A-Z]*-[0-9]*\): .*/audit \1/' \
			-e 's/^[a-z/_]*\.c:[0-9]*: \([A-Z]*-[0-9]*\)[: ].*/check \1/'
}

# The duel's operations until then: 1500 for each seed before.
operations()
{
	# shellcheck disable=SC2046
	set -- $(sed -n 's/^# FAILED: seed \([0-9]*\),.* operation \([0-9]*\) of \([0-9]*\): .*/\1 \2 \3/p' \
		"$dir/out")
	[ $# = 3 ] && echo $((($1 - 1) * $3 + $2 + 1))
}

failed_seed()
{
	sed -n 's/^# FAILED: seed \([0-9]*\),.*/\1/p' "$dir/out"
}

# The duel with the library as it is finds nothing there.
sound()		# BACKEND SEED
{
	timeout 120 "$build/tests/duel.t" --mmu="$1" --seed="${2:-1}" --runs=1 --first >/dev/null
}

plan()		# COUNT
{
	if [ -n "$table" ]; then
		printf '%-34s %-16s %-26s %9s %3s  %s\n' mutant file 'asked' operations s 'killed by'
	else
		echo "1..$1"
	fi
}

number=0 survivors=0
report()	# VERDICT NAME FILE KILLER WHY
{
	number=$((number + 1))
	[ "$1" = ok ] || survivors=$((survivors + 1))
	if [ -n "$table" ]; then
		why=$5 asked=$(echo "$4" | sed 's|[a-z]*/[a-z/]*/||; s|tests/||; s/\.scn$//; s/\.t$//')
		[ "$1" = ok ] || why="NOT KILLED: $5"
		printf '%-34s %-16s %-26s %9s %3s  %s\n' "$2" "${3#mmu/}" "$asked" \
			"$(operations)" "$took" "$why"
	else
		case $5 in
		'# SKIP '*) echo "$1 $number - $2 ($4) $5" && return ;;
		esac
		echo "$1 $number - $2 ($4)"
		after=$(operations)
		echo "# $3: $5${after:+, after $after operations}, $took s"
	fi
}

# Applies and compiles it. returns  false: it cannot be made, and $why says so
make_mutant()	# PATCH FILE
{
	mkdir -p "$dir/${2%/*}"
	cp -f "$source/$2" "$dir/$2" 2>/dev/null
	if ! patch -s -p1 -F3 --no-backup-if-mismatch -d "$dir" <"$1" >"$dir/out" 2>&1; then
		why="the patch does not apply any more: write it anew, with diff -U2 -p"
	elif ! compile "$2" >"$dir/out" 2>&1; then
		why="it does not compile: $(head -n 1 "$dir/out")"
	else
		return 0
	fi
	return 1
}

judge()		# NAME FILE KILLER
{
	began=$(date +%s) verdict='not ok'
	if [ -z "${3##guest *}" ] && [ -n "$no_machine" ]; then
		took=0
		report ok "$1" "$2" "$3" "# SKIP $no_machine"
		return
	fi
	: >"$dir/out"
	if ask "$3" "$2"; then
		why='it survives'
	else
		why=$(noticed)
		if [ -z "${3##duel *}" ] && ! sound "${3#duel }" "$(failed_seed)"; then
			why='the library as it is fails with the same seed'
		elif [ -n "$why" ]; then
			verdict=ok
		fi
		why=${why:-"nothing was noticed: $(head -n 1 "$dir/out")"}
	fi
	took=$(($(date +%s) - began))
	report "$verdict" "$1" "$2" "$3" "$why"
}

# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(cd "$source/tests/mutants" &&
	if [ -n "$linux" ]; then grep -l '^Linux: ' ./*.patch; else ls ./*.patch; fi |
	sed 's|^\./||; s|\.patch$||')
# Whom a mutant's head names, one a line.
killers_of()	# PATCH
{
	if [ -n "$linux" ]; then
		echo linux shadow
	else
		head_of "$1" Kills | grep . || echo 'nobody: it has no "Kills:"'
	fi
}
killers=$(for name; do killers_of "$source/tests/mutants/$name.patch"; done | wc -l)
no_machine=
if ! command -v "${QEMU:-qemu-system-x86_64}" >/dev/null; then
	no_machine='no qemu-system-x86_64 here (Debian: qemu-system-x86)'
elif [ ! -e "$build/hv/vitrine-hv.elf" ]; then
	no_machine='configured without the bare-metal parts'
fi
plan $((killers + 1))

# The library as it is passes: without that, a kill would say nothing.
mkdir "$dir/mmu" && cp "$source/mmu/spte.c" "$dir/mmu/spte.c" && compile mmu/spte.c
seconds=2 took=2
if ask 'duel shadow' && ask 'duel tdp'; then
	report ok none mmu/spte.c 'duel' 'the library as it is passes'
else
	report 'not ok' none mmu/spte.c 'duel' "the library as it is fails: $(noticed)"
fi
seconds=60	# only a survivor takes that long
for name; do
	patch=$source/tests/mutants/$name.patch
	file=$(sed -n 's|^+++ b/||p' "$patch")
	made=no took=0
	make_mutant "$patch" "$file" && made=yes
	killers_of "$patch" >"$dir/killers"
	while read -r killer; do
		if [ $made = yes ]; then
			judge "$name" "$file" "$killer"
		else
			report 'not ok' "$name" "$file" "$killer" "$why"
		fi
	done <"$dir/killers"
done
[ -z "$table" ] || echo "$((number - 1)) mutants asked about, $survivors not killed"
[ "$survivors" = 0 ]
