#!/bin/sh
# SPDX-License-Identifier: MIT
# The labs grade what they say: the starter next to nothing, the library's own
# file everything, each typical mistake its points, and whatever does not
# build, crashes, hangs or talks too much nothing that it did not earn.

lab=$(cd "$top_builddir" && pwd)/labs/vitrine-lab
VITRINE_SRC=$(cd "$top_srcdir" && pwd); export VITRINE_SRC
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0

check() { # sentence, then a command
	sentence=$1; shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $sentence"; else echo "not ok $n - $sentence"; fi
}

# points FILE: what the grader gives, as a number
points() {
	"$lab" grade 7 --file="$1" --seed=99 >"$dir/out" 2>"$dir/err"
	sed -n 's/^lab 7: \([0-9]*\) of 100 points.*/\1/p' "$dir/out"
}

# mutant FROM TO [SED]: the library's file with something changed
mutant() {
	sed -e "s/$1/$2/" -e "${3-}" "$VITRINE_SRC/mmu/role.c" >"$dir/role.c"
	! cmp -s "$dir/role.c" "$VITRINE_SRC/mmu/role.c" || echo "# the mutant $1 changes nothing"
	points "$dir/role.c"
}

is() { [ "$1" = "$2" ] || { echo "# have $1, want $2"; return 1; }; }
at_most() { [ -n "$1" ] && [ "$1" -le "$2" ] || { echo "# have $1, want at most $2"; return 1; }; }
between() { [ -n "$1" ] && [ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || { echo "# have $1"; return 1; }; }

check "the library's own file earns all points" is "$(points "$VITRINE_SRC/mmu/role.c")" 100
check "the starter earns next to nothing" at_most "$(points "$VITRINE_SRC/labs/07-quadrants/role.c")" 5
check "no quadrants at all lose just those points" \
	between "$(mutant 'if (role.has_4_byte_gpte)' 'if (0)')" 40 60
check "the wrong bit in a page table is noticed" \
	between "$(mutant 'index & 1 : index' 'index >> 1 \& 1 : index')" 50 80
check "a quadrant that is inherited is noticed" \
	between "$(mutant 'role.quadrant = 0;' '' 's/quadrant = role/quadrant |= role/')" 50 95
check "rights that are not taken from the entry are noticed" \
	between "$(mutant 'role.access = access;' '')" 20 80
check "a root of level 2 is noticed" \
	between "$(mutant 'role.level < LEVEL_1G' 'role.level < 0u')" 20 80

echo 'nonsense' >"$dir/role.c"
check "a file that does not compile earns nothing" is "$(points "$dir/role.c")" 0
check "and the compiler's words are shown" grep -q error "$dir/err"
: >"$dir/role.c"
check "an empty file earns nothing" is "$(points "$dir/role.c")" 0
sed 's/union mmu_role role = parent;/for (;;) ;\n\tunion mmu_role role = parent;/' \
	"$VITRINE_SRC/mmu/role.c" >"$dir/role.c"
check "an endless loop earns what was answered before it" at_most "$(points "$dir/role.c")" 15
sed 's/union mmu_role role = parent;/union mmu_role role = *(union mmu_role *)(unsigned long)index;/' \
	"$VITRINE_SRC/mmu/role.c" >"$dir/role.c"
check "a crash earns what was answered before it" at_most "$(points "$dir/role.c")" 15
sed '/^#include "mmu\/mmu.h"/a #include <stdio.h>\n#include <unistd.h>
s/union mmu_role role = parent;/union mmu_role role = { 0 }; printf("1 731\\n"); write(1, "2 731\\n", 6); return role;/' \
	"$VITRINE_SRC/mmu/role.c" >"$dir/role.c"
check "printing answers earns nothing" at_most "$(points "$dir/role.c")" 15

(cd "$dir" && rm -f role.c && "$lab" start 7 >/dev/null && cmp -s 07-quadrants/role.c "$VITRINE_SRC/labs/07-quadrants/role.c")
check "start puts the starter into a folder" [ -f "$dir/07-quadrants/role.c" ]
echo mine >"$dir/07-quadrants/role.c"
(cd "$dir" && "$lab" start 7 >/dev/null 2>"$dir/err")
check "start never overwrites the student's file" grep -q mine "$dir/07-quadrants/role.c"
"$lab" grade 99 >"$dir/out" 2>"$dir/err"; status=$?
check "an unknown lab is wrong usage" is $status 2
check "and says what to do" grep -q 'vitrine lab list' "$dir/err"
"$lab" grade 7 --tap --file="$VITRINE_SRC/mmu/role.c" >"$dir/out"
check "TAP has as many lines as the rubric has rows" \
	is "$(grep -c '^ok' "$dir/out")" "$(grep -c '^TEST(' "$VITRINE_SRC/labs/07-quadrants/rubric.def")"
echo "1..$n"
