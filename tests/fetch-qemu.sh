#!/bin/sh
# SPDX-License-Identifier: MIT
# fetch-qemu.sh [--update]: gets the QEMU of Debian 12's backports (10.0), beside the
# system's own, and prints the path of a program to be given as QEMU=.
#
# Needs no root and changes nothing of the system: apt works in a directory of its
# own and looks at the list of installed packages only to know which libraries are
# missing. All is unpacked below ${XDG_CACHE_HOME:-~/.cache}/vitrine and used again
# without asking the network; --update looks for a newer one. Status: 0, or 77 when
# it cannot be had here.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vitrine
suite=bookworm-backports
archive=http://deb.debian.org/debian
keys=/usr/share/keyrings/debian-archive-keyring.gpg
home=$cache/qemu-$suite
program=$home/qemu-system-x86_64

say()
{
	echo "fetch-qemu: $*" >&2
}

# give_up WHY: not here, not now; nothing half-done is left
give_up()
{
	say "$1"
	exit 77
}

usage()
{
	say "usage: fetch-qemu.sh [--update]"
	exit 2
}

# apt's own world, but for the list of what is installed
write_apt_config()
{
	mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/none" "$work/new"
	for name in "${suite%-backports}" "$suite"; do
		echo "deb [signed-by=$keys] $archive $name main"
	done >"$work/sources.list"
	cat >"$work/apt.conf" <<-END
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; };
		Dir::State "$work/state";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$work/cache";
		Dir::Etc::sourcelist "$work/sources.list";
		Dir::Etc::sourceparts "$work/none";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "$work/none";
		APT::Sandbox::User "$(id -un)";
		APT::Default-Release "$suite";
		APT::Install-Recommends "false";
		Debug::NoLocking "true";
		Acquire::Languages "none";
		Acquire::http::Timeout "20";
		Acquire::Retries "1";
	END
	APT_CONFIG=$work/apt.conf
	export APT_CONFIG
}

# The libraries that came along are found first, modules and firmware there only.
write_program()
{
	cat <<-END
		#!/bin/sh
		tree='$home/tree'
		libs=\$tree/usr/lib/x86_64-linux-gnu
		LD_LIBRARY_PATH=\$libs\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
		QEMU_MODULE_DIR=\$libs/qemu
		export LD_LIBRARY_PATH QEMU_MODULE_DIR
		exec "\$tree/usr/bin/qemu-system-x86_64" -L "\$tree/usr/share/qemu" \\
			-L "\$tree/usr/share/seabios" "\$@"
	END
}

update=
if [ "$1" = --update ]; then
	update=yes
	shift
fi
[ $# -eq 0 ] || usage
if [ -z "$update" ] && [ -x "$program" ]; then
	echo "$program"
	exit 0
fi
codename=$(. /etc/os-release 2>/dev/null && echo "${ID:-}-${VERSION_CODENAME:-}")
[ "$codename" = "debian-${suite%-backports}" ] ||
	give_up "this QEMU is built for Debian 12, which this is not: name another one with QEMU="
for tool in apt-get dpkg-deb; do
	command -v $tool >/dev/null || give_up "no $tool here"
done
[ -r $keys ] || give_up "$keys is missing (Debian: debian-archive-keyring)"

mkdir -p "$cache" || exit 1
work=$(mktemp -d "$cache/fetch.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
write_apt_config

say "asking $archive for the QEMU of $suite ..."
apt-get -qq update >"$work/log" 2>&1
grep -Eiq 'resolv|connect|timed out|unreachable' "$work/log" &&
	give_up "the archive cannot be reached; connect to the network and try again"
say "downloading it and the libraries that are missing ..."
apt-get -qq -y --download-only --reinstall install qemu-system-x86 qemu-system-common \
	qemu-system-data seabios >"$work/log" 2>&1 ||
	give_up "it could not be downloaded: $(tail -n 1 "$work/log")"
for package in "$work"/cache/archives/*.deb; do
	[ -e "$package" ] || give_up "$suite has no QEMU"
	dpkg-deb -x "$package" "$work/new/tree" || exit 1
done
write_program >"$work/new/qemu-system-x86_64" && chmod +x "$work/new/qemu-system-x86_64" || exit 1
rm -rf "$home" && mv "$work/new" "$home" || exit 1
version=$("$program" --version 2>&1) || {
	rm -rf "$home"
	give_up "it does not start here: $(echo "$version" | head -n 1)"
}
say "$(echo "$version" | head -n 1) is in $home"
echo "$program"
