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
#
# A patch is applied to a copy of its file, never to the source. One that does not
# apply any more is a failure, too: look for the line's new form, or strike the
# mutant out.
#
#     mutants.sh [--table] [NAME...]   all, or these; --table: for people, not as TAP
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}" "${CC:=cc}" "${MAKE:=make}"
source=$(cd "$top_srcdir" && pwd)
build=$(cd "$top_builddir" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/mutants.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
# A test program that fails must say so by its status.
unset TAP_HARNESS
table=
[ "${1-}" = --table ] && { table=yes; shift; }

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
ask()		# KILLER
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
	*)
		echo "Kills: $1: it is duel, replay, scenario, explore or unit"
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
	: >"$dir/out"
	if ask "$3"; then
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
[ $# -gt 0 ] || set -- $(cd "$source/tests/mutants" && echo *.patch | sed 's/\.patch//g')
killers=$(for name; do
	head_of "$source/tests/mutants/$name.patch" Kills | grep . || echo nobody
done | wc -l)
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
	head_of "$patch" Kills >"$dir/killers"
	[ -s "$dir/killers" ] || echo 'nobody: it has no "Kills:"' >"$dir/killers"
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
