# SPDX-License-Identifier: MIT
# Mutants as lessons: for each whose head names a scenario under "Lesson:", `vitrine
# sim --mutant` ends red there, and the library as it is green. And what the
# command says when it cannot be done.
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}"
source=$(cd "$top_srcdir" && pwd)
build=$(cd "$top_builddir" && pwd)
vitrine=$build/tui/vitrine
dir=$(mktemp -d "${TMPDIR:-/tmp}/lessons.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
VITRINE_SRC=$source VITRINE_BUILD=$build NO_COLOR=1
export VITRINE_SRC VITRINE_BUILD NO_COLOR
number=0

head_of()	# NAME KEY
{
	sed -n -e '/^--- /q' -e "s/^$2: //p" "$source/tests/mutants/$1.patch"
}

# STATUS MESSAGE SENTENCE COMMAND...: the command ends so and says so.
check()
{
	want=$1 message=$2 sentence=$3
	shift 3
	number=$((number + 1))
	timeout 60 "$@" >"$dir/out" 2>&1 </dev/null
	status=$?
	if [ "$status" = "$want" ] && grep -q -F -e "$message" "$dir/out"; then
		echo "ok $number - $sentence"
	else
		echo "not ok $number - $sentence"
		echo "# status $status, wanted $want and '$message'"
		sed 's/^/# /' "$dir/out"
	fi
}

if ! command -v patch >/dev/null 2>&1; then
	echo '1..0 # SKIP no patch here'
	exit 0
fi
lessons=$(cd "$source/tests/mutants" && grep -l '^Lesson: ' -- *.patch | sed 's/\.patch$//')
# shellcheck disable=SC2086
set -- $lessons
echo "1..$((2 * $# + 13))"
for name; do
	lesson=$(head_of "$name" Lesson)
	check 0 'audit green' "$name: $lesson is green without it" "$vitrine" sim "$source/$lesson"
	check 1 "Look: $(head_of "$name" Look)" "$name: it is red with it, and told what to look at" \
		"$vitrine" sim --mutant="$name"
done

mutant=--mutant=quadrant-lsb-dropped
check 0 'audit green' 'a scenario may be given, which need not show the bug' \
	"$vitrine" sim $mutant shared-table
check 1 'H-3' '--plain ends with the rule that is broken' "$vitrine" sim --plain $mutant
cp "$dir/out" "$dir/plain"
check 0 '1 broken' 'as the last audit found' grep -A 1 '^== rules' "$dir/plain"
cat >"$dir/script" <<'END'
Space
:until flush_vcpu
:view source
:save-screen -
END
check 0 '(void)request;' 'the source that is shown is the one with the bug' \
	"$vitrine" sim --script="$dir/script" --size=100x99 --mutant=flush-request-lost missing-flush
check 0 'shown by quadrants.scn' '--mutants lists them' "$vitrine" sim --mutants
check 125 'sim --mutant=such: there is no such mutant; vitrine sim --mutants lists them' \
	'a wrong name is told' "$vitrine" sim --mutant=such
check 2 'no scenario belongs to it: name one' 'so is a mutant without a lesson' \
	"$vitrine" sim --mutant=tdp-plain-store
check 2 'usage: vitrine sim' 'without a mutant a scenario is needed' "$vitrine" sim
check 125 'tests/mutants: No such file or directory: mutants are made from' \
	'without the sources it says what is needed' \
	env VITRINE_SRC="$dir" "$vitrine" sim --mutants
check 125 'libmmu.a: No such file or directory: mutants are made from' \
	'without the build folder, too' env VITRINE_BUILD="$dir" "$vitrine" sim $mutant
mkdir "$dir/bin"
for program in mkdir cp rm; do
	ln -s "$(command -v $program)" "$dir/bin/$program"
done
rm -rf "$build/hv/sim/mutants/quadrant-lsb-dropped"
check 125 'patch: No such file or directory: patch is needed' 'without patch, too' \
	env PATH="$dir/bin" "$vitrine" sim $mutant
ln -s "$(command -v patch)" "$dir/bin/patch"
check 125 'the compiler is needed' 'and without a compiler' \
	env PATH="$dir/bin" "$vitrine" sim $mutant
check 1 'expectations hold, FAILED' 'once it can be built, it is' "$vitrine" sim $mutant
