# SPDX-License-Identifier: MIT
# Line coverage of the library by the hosted tests and the duel: built with GCC's
# --coverage in a folder of its own, run, and counted out of gcov's text. Each file, and
# what belongs to the shadow MMU alone, to the TDP MMU alone and to both: below LIMIT
# percent the script fails.
#
#     coverage.sh [--lines]        --lines: also each line that was never run
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}" "${MAKE:=make}" "${COVERAGE_CC:=gcc}"
LIMIT=95
source=$(cd "$top_srcdir" && pwd) || exit 99
dir=$(cd "$top_builddir" && pwd)/coverage || exit 99
lines=
[ "${1-}" = --lines ] && lines=yes

say()
{
	echo "vitrine: coverage: $*" >&2
	exit 99
}

quiet()		# COMMAND...: its output only if it fails
{
	"$@" >"$dir/log" 2>&1 || { tail -n 40 "$dir/log" >&2; say "failed: $*"; }
}

# Only the library counts; the programs around it run at their usual speed.
run()
{
	mkdir -p "$dir" && cd "$dir" || exit 99
	[ -f Makefile ] || quiet "$source/configure" --disable-hv CC="$COVERAGE_CC" CFLAGS='-g -O1'
	rm -f mmu/*.gcda
	quiet "$MAKE" -j2 CFLAGS='-g -O1 --coverage' mmu/libmmu.a
	CK_TIMEOUT_MULTIPLIER=10
	export CK_TIMEOUT_MULTIPLIER
	quiet "$MAKE" -j2 LDFLAGS=--coverage check-hosted
}

# Merges what each object says of a line: run in one is run.
count()		# reads gcov's text
{
	awk -v limit=$LIMIT -v lines="$lines" '
	{
		mark = $0
		sub(/:.*/, "", mark)
		gsub(/[ *]/, "", mark)
		rest = substr($0, index($0, ":") + 1)
		line = rest + 0
		text = substr(rest, index(rest, ":") + 1)
	}
	line == 0 && text ~ /^Source:/ {
		file = text
		sub(/^Source:/, "", file)
		ours = file ~ /(^|\/)mmu\/[^\/]*$/
		sub(/.*\//, "", file)
	}
	line > 0 && ours && mark != "-" {
		key = file ":" line
		if (!(key in run)) {
			run[key] = 0
			code[key] = text
			total[file]++
			last[file] = line > last[file] + 0 ? line : last[file]
		}
		if (mark !~ /^[#=]+$/ && !run[key]) {
			run[key] = 1
			done[file]++
		}
	}
	function row(name, n, of) {
		low = !of || 100 * n < limit * of
		printf "%-24s %6d of %6d  %6.2f %%%s\n", name, n, of, of ? 100 * n / of : 0,
			low ? "  below " limit " %" : ""
		failed = failed || low
	}
	function part(file) {
		return file ~ /^shadow/ ? "shadow" : file ~ /^tdp_/ ? "TDP" : "shared"
	}
	END {
		n = 0
		for (file in total)
			names[++n] = file
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && names[j] < names[j - 1]; j--) {
				t = names[j]; names[j] = names[j - 1]; names[j - 1] = t
			}
		for (i = 1; i <= n; i++) {
			file = names[i]
			row(file, done[file], total[file])
			part_total[part(file)] += total[file]
			part_done[part(file)] += done[file]
			all += total[file]
			all_done += done[file]
			for (line = 1; lines && line <= last[file]; line++) {
				key = file ":" line
				if (key in run && !run[key])
					printf "    %4d: %s\n", line, code[key]
			}
		}
		row("the shadow side", part_done["shadow"], part_total["shadow"])
		row("the TDP side", part_done["TDP"], part_total["TDP"])
		row("what both share", part_done["shared"], part_total["shared"])
		row("all", all_done, all)
		exit failed
	}'
}

run
gcov --stdout mmu/*.gcda 2>"$dir/log" >"$dir/text" || { cat "$dir/log" >&2; say 'gcov failed'; }
count <"$dir/text"
