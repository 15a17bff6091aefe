# SPDX-License-Identifier: MIT
# What only the linker's names tell: the back ends keep to themselves, the
# library needs no C library, and the hosted compiler's flags stay out of the
# bare-metal archives.
. "${top_srcdir:-.}/tests/lint.sh"

: "${CC:=cc}" "${NM:=nm}" "${AR:=ar}"

names()		# u|d FILE...: undefined or defined global names
{
	case $1 in
	u) flag=--undefined-only ;;
	d) flag='--defined-only --extern-only' ;;
	esac
	shift
	$NM $flag "$@" 2>/dev/null | sed -n 's/^[0-9a-fA-F ]* [A-Za-z] \([A-Za-z_][^ ]*\)$/\1/p' |
		sort -u
}

needs()		# PATTERN FILE...: each file's undefined names that match
{
	pattern=$1
	shift
	for file; do
		[ -f "$file" ] || continue
		names u "$file" | grep -E "$pattern" | sed "s|^|${file##*/} needs |"
	done
}

# The hosted objects stand for both builds: the sources are the same.
back_ends()	# BUILD-TREE
{
	# May a frame with shadows be writable: a question of both.
	needs '^(shadow|rmap|gwalk|unsync|page_track)_' "$1"/mmu/tdp_*.o |
		grep -v ' unsync_try$'
	needs '^tdp_' "$1"/mmu/shadow_*.o "$1"/mmu/rmap*.o "$1"/mmu/gwalk*.o \
		"$1"/mmu/unsync*.o "$1"/mmu/page_track*.o
}

# What a back end is called by: the one object of its contract (mmu/backend.h).
inside()	# BUILD-TREE
{
	for file in "$1"/mmu/*.o; do
		case ${file##*/} in
		libmmu_hv_a-* | shadow_*) ;;
		*) needs '^shadow_' "$file" | grep -v ' shadow_mmu$' ;;
		esac
		case ${file##*/} in
		libmmu_hv_a-* | tdp_*) ;;
		*) needs '^tdp_' "$file" | grep -v ' tdp_mmu$' ;;
		esac
	done
}

# Entries are the back ends': the front door does not see what they are made of.
door_sees()	# TREE
{
	sed -n 's/^#include "\(mmu\/\(spte\|rmap\|sp\|shadow\|tdp\)[^"]*\)"/mmu.c sees \1/p' \
		"$1/mmu/mmu.c"
}

front_door()	# BUILD-TREE
{
	names d "$1"/mmu/mmu.o >"$lint_scratch/door"
	[ -s "$lint_scratch/door" ] || return
	for file in "$1"/mmu/tdp_*.o "$1"/mmu/shadow_*.o; do
		[ -f "$file" ] || continue
		names u "$file" | grep -x -F -f "$lint_scratch/door" | sed "s|^|${file##*/} calls |"
	done
}

# Undefined in the archive as a whole, but for the four that compilers call.
strangers()	# BUILD-TREE
{
	for archive in "$1"/mmu/libmmu-hv.a; do
		[ -f "$archive" ] || continue
		names d "$archive" >"$lint_scratch/own"
		names u "$archive" | grep -v -x -e 'mem\(cpy\|set\|move\|cmp\)' |
			grep -v -x -F -f "$lint_scratch/own" | sed "s|^|${archive##*/} needs |"
	done
}

instrumented()	# BUILD-TREE
{
	find "$1"/mmu "$1"/hv -name '*-hv.a' -o -name '*-hv.elf' | while read -r file; do
		$NM "$file" 2>/dev/null |
			sed -n 's/.* \(__\(asan\|ubsan\|tsan\|gcov\|stack_chk\|sanitizer\)[^ ]*\)$/\1/p' |
			sort -u | sed "s|^|${file##*/} has |"
	done
}

# A source that stands twice in a local.mk: who replaces a member (labs, mutants)
# would leave the other one.
twice()		# BUILD-TREE
{
	find "$1"/mmu "$1"/hv "$1"/tests -name '*.a' 2>/dev/null | while read -r file; do
		$AR t "$file" | sort | uniq -d | sed "s|^|${file##*/} has twice |"
	done
}

# Compile TEXT as FILE in an empty build tree; LINT finds it.
planted()	# SENTENCE LINT FILE TEXT [CFLAGS]
{
	tree=$lint_scratch/build
	rm -rf "$tree"
	mkdir -p "$tree/mmu" "$tree/hv"
	echo 'void mmu_fault(void); void mmu_fault(void) {}' >"$tree/door.c"
	echo "$4" >"$tree/x.c"
	$CC -c "$tree/door.c" -o "$tree/mmu/mmu.o" && $CC ${5-} -c "$tree/x.c" -o "$tree/$3" || exit 99
	case $3 in
	*-hv.o) ar cr "$tree/${3%.o}.a" "$tree/$3" ;;
	esac
	finds "$1" "$2" "$tree"
}

plan 16
holds 'each back end keeps to itself' back_ends "$top_builddir"
planted 'TDP code that uses rmaps is found' back_ends mmu/tdp_x.o \
	'void rmap_add(void); void tdp_x(void); void tdp_x(void) { rmap_add(); }'
planted 'shadow code that walks with the TDP iterator is found' back_ends mmu/shadow_x.o \
	'void tdp_iter_next(void); void shadow_x(void); void shadow_x(void) { tdp_iter_next(); }'
holds 'nobody calls the inside of a back end' inside "$top_builddir"
planted 'a call of a part of the shadow MMU is found' inside mmu/walk.o \
	'void shadow_zap_page(void); void x(void); void x(void) { shadow_zap_page(); }'
planted 'a call of a part of the TDP MMU is found' inside mmu/vm.o \
	'void tdp_iter_next(void); void x(void); void x(void) { tdp_iter_next(); }'
holds 'the front door sees no entries' door_sees "$top_srcdir"
mkdir -p "$lint_scratch/source/mmu"
echo '#include "mmu/spte_set.h"' >"$lint_scratch/source/mmu/mmu.c"
finds 'an include of entries there is found' door_sees "$lint_scratch/source"
holds 'no back end calls the front door' front_door "$top_builddir"
planted 'a call of the front door is found' front_door mmu/tdp_x.o \
	'void mmu_fault(void); void tdp_x(void); void tdp_x(void) { mmu_fault(); }'
holds 'the bare-metal library needs no C library' strangers "$top_builddir"
planted 'a call of the C library is found' strangers mmu/libmmu-hv.o \
	'int puts(const char *); void x(void); void x(void) { puts("x"); }'
holds "the user's flags stay out of bare metal" instrumented "$top_builddir"
planted 'a stack protector is found' instrumented mmu/libmmu-hv.o \
	'void f(char *); void x(void); void x(void) { char a[64]; f(a); }' -fstack-protector-all
holds 'no archive has a member twice' twice "$top_builddir"
$AR q "$lint_scratch/build/mmu/libx.a" "$lint_scratch/build/x.c" "$lint_scratch/build/x.c" 2>/dev/null
finds 'a member that is there twice is found' twice "$lint_scratch/build"
