# SPDX-License-Identifier: MIT
# Every command that README.md and the book show with a prompt ("$ vitrine ...")
# is run, in a clean folder with the built programs first in PATH. It must end
# with status 0, and where output is shown below it, each line must be part of what
# it printed. The manual page has every option that the program tells of.

# Their machine runs in QEMU: give it up to two minutes.
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
	if [ -n "$skip" ]; then
		echo "ok $number - $command ($from) # SKIP $skip"
		return
	fi
	[ -n "$wrong" ] || { echo "ok $number - $command ($from)"; return; }
	echo "not ok $number - $command ($from): $wrong"
	sed 's/^/# /' "$scratch/out" "$scratch/err" | head -n 40
}

mkdir "$scratch/work"
no_machine=
[ -f "$top_builddir/hv/vitrine-hv.elf" ] || no_machine='built without the hypervisor'
command -v "${QEMU:-qemu-system-x86_64}" >/dev/null 2>&1 || no_machine='no QEMU here'
tab=$(printf '\t')
command='' wrong='' from='' skip=''
examples >"$scratch/examples"
while IFS=$tab read -r file line; do
	case $line in
	'$ '*)
		report
		command=${line#\$ } from=$file wrong= skip=
		command=${command%%  *#*}
		case $command in
		*' run '* | *' demo '* | *' compare '* | *.rec*) skip=$no_machine ;;
		esac
		[ -n "$skip" ] || (cd "$scratch/work" && timeout 120 sh -c "$command" </dev/null) \
			>"$scratch/out" 2>"$scratch/err" || wrong="status $?"
		;;
	'' | *...*) ;;
	*)
		[ -n "$wrong$skip" ] || grep -q -F -e "$line" "$scratch/out" "$scratch/err" ||
			wrong="did not print: $line"
		;;
	esac
done <"$scratch/examples"
report

# What a chapter says one can read, run or plant, and is not there. In the lists that end
# its sections, names with a dash are mutants or scenarios.
not_there()	# CHAPTER...
{
	cat "$@" | grep -o '@file{[a-z_/]*\.[chs][a-z]*}' | sed 's/.*{\(.*\)}/\1/' | grep / |
		grep -v '^hv/vitrine-hv' | sort -u |
		while read -r name; do [ -e "$sources/$name" ] || echo "no file $name"; done
	cat "$@" | awk '/^@item Goes wrong in/ { on = 1; next } /^@(item|end)/ { on = 0 } on' |
		grep -o '@[a-z]*{[a-z0-9]*-[a-z0-9*-]*}' | sed 's/^@\(.*\){\(.*\)}/\1 \2/' | sort -u |
		while read -r kind name; do
			for at in "$sources/tests/mutants/"$name.patch "$sources/hv/sim/scenarios/$name.scn"; do
				[ ! -e "$at" ] || continue 2
			done
			echo "no $kind $name"
		done
}

names()		# SENTENCE COUNT CHAPTER...: so many are not there
{
	sentence=$1 count=$2
	shift 2
	number=$((number + 1))
	not_there "$@" >"$scratch/absent"
	if [ "$(grep -c '' "$scratch/absent")" = "$count" ]; then
		echo "ok $number - $sentence"
	else
		echo "not ok $number - $sentence"
		sed 's/^/# /' "$scratch/absent"
	fi
}

names 'the files, mutants and scenarios of the book are there' 0 "$sources"/docs/*.texi
sed -e 's/tdp_iter\.h/tdp_iterator.h/' -e 's/{tdp-plain-store}/{tdp-plain-stores}/' \
	"$sources/docs/tdp.texi" >"$scratch/wrong.texi"
names 'what is not there is found' 2 "$scratch/wrong.texi"

# Words like --mmu in a text, each once.
options() { grep -o -E -e '--[a-z][a-z-]*' | sort -u; }

# Options which the program tells of but the manual page does not, and the reverse.
undocumented()	# MANUAL-PAGE
{
	sed -n 's/^\.\(It \)\{0,1\}.*\bFl -\([a-z-]*\).*/--\2/p' "$1" | sort -u >"$scratch/manual"
	for verb in demo run sim compare view trace guests lab doctor; do
		vitrine $verb --help 2>/dev/null | grep -v 'vitrine-sim ' | options
	done | sort -u | grep -v -x -e --help >"$scratch/told"
	grep -v -x -F -f "$scratch/manual" "$scratch/told" | sed 's/$/ is not in the manual page/'
	{ cat "$scratch/told"; echo --help; echo --version; } |
		grep -v -x -F -f - "$scratch/manual" | sed 's/$/ is only in the manual page/'
}

agree()		# SENTENCE FILE COUNT: so many differences are expected
{
	number=$((number + 1))
	undocumented "$2" >"$scratch/differences"
	if [ "$(grep -c '' "$scratch/differences")" = "$3" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		sed 's/^/# /' "$scratch/differences"
	fi
}

manual=$sources/docs/vitrine.1
agree 'the manual page has every option, and no other' "$manual" 0
sed 's/Fl -icount/Fl -icounts/' "$manual" >"$scratch/wrong.1"
agree 'a wrong option in the manual page is found' "$scratch/wrong.1" 2
echo "1..$number"
