# SPDX-License-Identifier: MIT
# Shared by the lints (lint_*.sh). A lint is a shell function which reads a tree
# and prints one line for each place that breaks its rule. It is tested twice:
# our own tree has no such place, and a tree with one planted has.
#
# Reads top_srcdir and top_builddir from the environment (default: here).

set -u
: "${top_srcdir:=.}" "${top_builddir:=build}"
LC_ALL=C
export LC_ALL

lint_number=0
lint_scratch=$(mktemp -d "${TMPDIR:-/tmp}/lint.XXXXXX") || exit 99
trap 'rm -rf "$lint_scratch"' EXIT
trap 'exit 99' HUP INT TERM

plan()		# COUNT
{
	echo "1..$1"
}

skip_all()	# REASON
{
	echo "1..0 # SKIP $1"
	exit 0
}

verdict()	# STATUS SENTENCE
{
	lint_number=$((lint_number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $lint_number - $2"
	else
		echo "not ok $lint_number - $2"
	fi
}

# The rule holds: LINT finds nothing in TREE; what it does find is shown.
holds()		# SENTENCE LINT TREE
{
	"$2" "$3" >"$lint_scratch/found" 2>&1
	[ ! -s "$lint_scratch/found" ]
	verdict $? "$1"
	sed 's/^/# /' "$lint_scratch/found"
}

# LINT finds something in TREE.
finds()		# SENTENCE LINT TREE
{
	"$2" "$3" >"$lint_scratch/found" 2>&1
	[ -s "$lint_scratch/found" ]
	verdict $? "$1"
}

# LINT finds TEXT, planted as FILE in an empty tree.
goes_red()	# SENTENCE LINT FILE TEXT
{
	rm -rf "$lint_scratch/tree"
	mkdir -p "$lint_scratch/tree/$(dirname "$3")"
	printf '%s\n' "$4" >"$lint_scratch/tree/$3"
	finds "$1" "$2" "$lint_scratch/tree"
}

# The files of a tree that people wrote, by name pattern, relative to the tree.
files_of()	# TREE PATTERN...
{
	tree=$1
	shift
	(
		cd "$tree" || exit
		for pattern in "$@"; do
			find hv mmu tui labs tests docs -name "$pattern" -type f 2>/dev/null
		done | sort
	)
}
