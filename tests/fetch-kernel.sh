#!/bin/sh
# SPDX-License-Identifier: MIT
# fetch-kernel.sh [--update] NAME: gets one of Debian's kernels from the archive this
# system's apt knows and prints the path of its bzImage.
#
#   cloud-amd64   64-bit, for virtual machines; the quickest to boot
#   amd64         64-bit
#   686-pae       32-bit, three-level page tables
#   686           32-bit, two-level page tables
#
# Needs neither root nor a foreign architecture: apt works in a directory of its
# own, with an empty package status. The kernel is kept in
# ${XDG_CACHE_HOME:-~/.cache}/vitrine and used again without asking the network;
# --update looks for a newer one. Status: 0, or 77 when it cannot be had here.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vitrine

say()
{
	echo "fetch-kernel: $*" >&2
}

# give_up WHY: not here, not now; nothing half-done is left
give_up()
{
	say "$1"
	exit 77
}

usage()
{
	say "usage: fetch-kernel.sh [--update] cloud-amd64|amd64|686-pae|686"
	exit 2
}

# apt's own world: the system's sources and keys, everything else in $work
write_apt_config()
{
	mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
	: >"$work/status"
	cat >"$work/apt.conf" <<-END
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		Dir::State "$work/state";
		Dir::State::status "$work/status";
		Dir::Cache "$work/cache";
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::http::Timeout "20";
		Acquire::https::Timeout "20";
		Acquire::Retries "1";
	END
	APT_CONFIG=$work/apt.conf
	export APT_CONFIG
}

# The package that the meta package stands for today.
resolve()
{
	LC_ALL=C apt-cache show --no-all-versions "linux-image-$name" 2>/dev/null |
		sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1
}

update=
if [ "$1" = --update ]; then
	update=yes
	shift
fi
[ $# -eq 1 ] || usage
name=$1
case $name in
cloud-amd64 | amd64) arch=amd64 ;;
686-pae | 686) arch=i386 ;;
*) usage ;;
esac

kernel=$cache/vmlinuz-$name
if [ -z "$update" ] && [ -s "$kernel" ]; then
	echo "$kernel"
	exit 0
fi
for tool in apt-get apt-cache dpkg-deb; do
	command -v $tool >/dev/null || give_up "no $tool here: kernels are fetched on Debian only"
done

mkdir -p "$cache" || exit 1
work=$(mktemp -d "$cache/fetch.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
write_apt_config

# One source that fails must not matter if another has the kernel.
say "asking the archive for linux-image-$name ($arch) ..."
apt-get -qq update >"$work/log" 2>&1
package=$(resolve)
if [ -z "$package" ]; then
	grep -Eiq 'resolv|connect|timed out|unreachable' "$work/log" &&
		give_up "the archive cannot be reached; connect to the network and try again"
	give_up "this system's apt sources have no linux-image-$name; Debian's do"
fi
say "downloading $package ..."
(cd "$work" && apt-get -qq download "$package") >"$work/log" 2>&1 ||
	give_up "$package could not be downloaded: $(tail -n 1 "$work/log")"
dpkg-deb -x "$work"/linux-image-*.deb "$work/tree" || exit 1
for file in "$work"/tree/boot/vmlinuz-*; do
	[ -s "$file" ] || give_up "$package holds no kernel"
	mv "$file" "$kernel" || exit 1
	basename "$file" >"$kernel.version"
done
say "$(cat "$kernel.version") is in $kernel"
echo "$kernel"
