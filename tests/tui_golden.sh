#!/bin/sh
# SPDX-License-Identifier: MIT
# Golden screens: each tests/tui/NAME.script runs on the events of
# tests/tui/shadow.events, or on NAME.events if there are such, and must print
# exactly tests/tui/NAME.screen.
#
#   UPDATE=1   writes the .screen files anew (look at them before a commit)

here=${srcdir:-.}/tests/tui
vitrine=$(pwd)/${top_builddir:-.}/tui/vitrine
case $here in /*) ;; *) here=$(pwd)/$here ;; esac
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99

set -- "$here"/*.script
echo "1..$(($# + 1))"
n=0
for script; do
	n=$((n + 1))
	name=$(basename "$script" .script)
	events=$here/shadow.events
	[ ! -e "$here/$name.events" ] || events=$here/$name.events
	size=$(sed -n '1s/^# size //p' "$script")
	"$vitrine" view --script="$script" --size="${size:-80x24}" --source="$here/src" \
		"$events" >"$name.screen" 2>"$name.err"
	status=$?
	[ -z "$UPDATE" ] || cp "$name.screen" "$here/"
	if [ $status -eq 0 ] && cmp -s "$name.screen" "$here/$name.screen"; then
		echo "ok $n - $name shows what it should"
	else
		echo "not ok $n - $name shows what it should"
		echo "# status $status"
		cat "$name.err" - <<-EOF | sed 's/^/# /'
			$(diff "$here/$name.screen" "$name.screen" | head -n 60)
		EOF
	fi
done
n=$((n + 1))
if grep -q '^</svg>' screen.svg && grep -q 'PAGES' screen.svg; then
	echo "ok $n - a screen can be saved as a picture"
else
	echo "not ok $n - a screen can be saved as a picture"
fi
