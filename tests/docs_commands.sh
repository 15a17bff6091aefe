# SPDX-License-Identifier: MIT
# Every command that README.md and the book show with a prompt ("$ vitrine ...")
# is run, in a clean folder with the built programs first in PATH. It must end
# with status 0, and where lines of output are shown below it, each must be among
# what it printed.

set -u
: "${top_srcdir:=.}" "${top_builddir:=build}"
sources=$(cd "$top_srcdir" && pwd)
PATH=$(cd "$top_builddir" && pwd)/tui:$(cd "$top_builddir" && pwd)/hv/sim:$PATH
scratch=$(mktemp -d "${TMPDIR:-/tmp}/docs.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 99' HUP INT TERM
NO_COLOR=1
export PATH NO_COLOR

# "FILE<tab>$ COMMAND" and "FILE<tab>OUTPUT" for every block with a prompt.
examples()
{
	for file in "$sources"/README.md "$sources"/docs/*.texi; do
		[ "${file##*/}" = gen-tables.texi ] && continue
		awk -v file="${file##*/}" '
			/^@end example/ || (/^```/ && inside) { inside = 0; prompt = 0; next }
			/^@example/ || /^```/ { inside = 1; next }
			inside && /^\$ / { prompt = 1 }
			inside && prompt { gsub(/@\{/, "{"); gsub(/@\}/, "}"); gsub(/@@/, "@"); print file "\t" $0 }
		' "$file"
	done
}

number=0
report()	# finish the command that was run, if there was one
{
	[ -n "$command" ] || return
	number=$((number + 1))
	[ -n "$wrong" ] || { echo "ok $number - $command ($from)"; return; }
	echo "not ok $number - $command ($from): $wrong"
	sed 's/^/# /' "$scratch/out" "$scratch/err" | head -n 40
}

mkdir "$scratch/work"
cp -R "$sources/tests/scenarios" "$scratch/work/" 2>/dev/null
chmod -R u+w "$scratch/work"
tab=$(printf '\t')
command='' wrong='' from=''
examples >"$scratch/examples"
while IFS=$tab read -r file line; do
	case $line in
	'$ '*)
		report
		command=${line#\$ } from=$file wrong=
		(cd "$scratch/work" && timeout 120 sh -c "$command" </dev/null) \
			>"$scratch/out" 2>"$scratch/err" || wrong="status $?"
		;;
	'' | *...*) ;;
	*)
		[ -n "$wrong" ] || grep -q -F -e "$line" "$scratch/out" "$scratch/err" ||
			wrong="did not print: $line"
		;;
	esac
done <"$scratch/examples"
report
if [ "$number" = 0 ]; then
	echo '1..0 # SKIP the documents show no command with a prompt'
else
	echo "1..$number"
fi
