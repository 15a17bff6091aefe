#!/bin/sh
# SPDX-License-Identifier: MIT
# The answer to "which memory was used" has three values, and whoever takes it for a
# truth value is told so by the compiler.
: "${top_srcdir:=.}" "${CC:=cc}"
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
echo 1..7
n=0

compiles()	# STATEMENT
{
	printf '#include "mmu/age.h"\nint f(struct mmu_vm *vm);\nint f(struct mmu_vm *vm)\n{\n%s\nreturn 0;\n}\n' \
		"$1" >"$dir/t.c"
	# shellcheck disable=SC2086
	$CC -std=gnu11 -Wall -Wextra -Werror -I"$top_srcdir" -fsyntax-only "$dir/t.c" 2>"$dir/said"
}

check()		# SENTENCE yes|no STATEMENT
{
	n=$((n + 1))
	if compiles "$3"; then got=yes; else got=no; fi
	if [ $got = "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$dir/said"
	fi
}

age='mmu_test_age_gfn(vm, 0, 5)'
check 'a switch over all three values is the way to look' yes \
	"switch ($age.is) { case MMU_AGE_YOUNG: return 1; case MMU_AGE_OLD: return 2;
	 case MMU_AGE_UNKNOWN: return 3; default: break; }"
check 'an answer is no condition' no "if ($age) return 1;"
check 'nor is the contrary of one' no "if (!$age) return 1;"
check 'it becomes no bool' no "bool young = $age; return young;"
check 'and no number' no "int young = $age; return young;"
check 'it is not compared' no "return $age == MMU_AGE_OLD;"
check 'a switch that forgets what is unknown is refused' no \
	"switch ($age.is) { case MMU_AGE_YOUNG: return 1; case MMU_AGE_OLD: return 2;
	 case MMU_NR_AGES: break; }"
