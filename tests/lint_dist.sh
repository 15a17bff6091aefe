# SPDX-License-Identifier: MIT
# The release tarball is what git holds: nothing is forgotten, so that what was
# tested is what is released. (What the tarball adds is made by the Autotools.)
. "${top_srcdir:-.}/tests/lint.sh"

: "${MAKE:=make}"

# Files of git that `make dist` would leave out.
undistributed()	# TREE
{
	git -C "$1" -c safe.directory='*' ls-files |
		grep -v -x -F -f "$lint_scratch/dist" | sed 's|$|: not in the tarball|'
}

top=$(cd "$top_srcdir" && pwd)
[ -e "$top/.git" ] || skip_all 'not a git clone'
command -v git >/dev/null 2>&1 || skip_all 'no git'

env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $MAKE -s --no-print-directory -C "$top_builddir" \
	print-distfiles | sed -e "s|^$(echo "$top_srcdir" | sed 's/[.]/\\./g')/||" -e "s|^$top/||" -e 's|^\(\.\./\)*||' -e 's|^\./||' |
	sort -u >"$lint_scratch/named"
# A folder is packed with what it holds.
while read -r name; do
	if [ -d "$top/$name" ]; then
		find "$top/$name" -type f | sed "s|^$top/||"
	else
		echo "$name"
	fi
done <"$lint_scratch/named" >"$lint_scratch/dist"
[ -s "$lint_scratch/dist" ] || { echo 'Bail out! make print-distfiles printed nothing'; exit 99; }

plan 2
holds 'the tarball holds every file of git' undistributed "$top"
grep -v -x 'configure.ac' "$lint_scratch/dist" >"$lint_scratch/less"
mv "$lint_scratch/less" "$lint_scratch/dist"
finds 'a forgotten file is found' undistributed "$top"
