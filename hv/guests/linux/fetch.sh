#!/bin/sh
# SPDX-License-Identifier: MIT
# fetch.sh [--update] [--shell=END] NAME: gets one of Debian's kernels from the archive
# this system's apt knows and prints the path of its bzImage; with --shell also that of
# an initramfs with Debian's busybox and our program END, in a line of its own.
#
#   cloud-amd64   64-bit, for virtual machines; the quickest to boot
#   amd64         64-bit
#   686-pae       32-bit, three-level page tables
#   686           32-bit, two-level page tables
#
# Needs neither root nor a foreign architecture: apt works in a directory of its
# own, with an empty package status. What is fetched is kept in
# ${XDG_CACHE_HOME:-~/.cache}/vitrine and used again without asking the network;
# --update looks for newer ones. Status: 0, or 77 when it cannot be had here.

here=$(dirname "$0")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vitrine
work=
fetching=

say()
{
	echo "vitrine: $*" >&2
}

# give_up WHY: not here, not now; nothing half-done is left
give_up()
{
	say "$1"
	exit 77
}

usage()
{
	say "usage: fetch.sh [--update] [--shell=END] cloud-amd64|amd64|686-pae|686"
	exit 2
}

clean_up()
{
	[ -z "$fetching" ] || kill "$fetching" 2>/dev/null
	[ -z "$work" ] || rm -rf "$work"
}

# --- the archive

# apt's own world: the system's sources and keys, everything else in $work
write_apt_config()
{
	mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs"
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

mebibytes()	# BYTES: with one decimal
{
	echo "$(($1 >> 20)).$((($1 & 1048575) * 10 >> 20)) MiB"
}

# Wait for the process that fetches, and show on a terminal how far it is.
watch_fetch()	# WHAT FOLDER BYTES-OR-0
{
	while [ -t 2 ] && kill -0 "$fetching" 2>/dev/null; do
		now=$(($(du -sk "$2" 2>/dev/null | cut -f 1) << 10))
		if [ "$3" -gt 0 ]; then
			printf '\rvitrine: %s: %s of %s \033[K' "$1" "$(mebibytes $now)" \
				"$(mebibytes "$3")" >&2
		else
			printf '\rvitrine: %s: %s \033[K' "$1" "$(mebibytes $now)" >&2
		fi
		sleep 0.2
	done
	wait "$fetching"
	status=$?
	fetching=
	[ ! -t 2 ] || printf '\r\033[K' >&2
	return $status
}

# One source that fails must not matter if another has what is wanted.
read_index()
{
	[ -z "$work" ] || return 0
	for tool in apt-get apt-cache dpkg-deb; do
		command -v $tool >/dev/null ||
			give_up "no $tool here: Linux is fetched on Debian only; elsewhere give the \
file of a kernel, and --initrd"
	done
	mkdir -p "$cache" || exit 1
	work=$(mktemp -d "$cache/fetch.XXXXXX") || exit 1
	write_apt_config
	say "asking Debian's archive ($arch) ..."
	apt-get -qq update >"$work/log" 2>&1 &
	fetching=$!
	watch_fetch "its index" "$work/state/lists" 0
}

# unpack PACKAGE: downloads it; its files are in $work/tree then
unpack()
{
	size=$(apt-get -qq --print-uris download "$1" 2>/dev/null | cut -d ' ' -f 3)
	say "downloading $1 ($(mebibytes "${size:-0}")) ..."
	(cd "$work/debs" && exec apt-get -qq download "$1") >"$work/log" 2>&1 &
	fetching=$!
	watch_fetch "$1" "$work/debs" "${size:-0}" ||
		give_up "$1 could not be downloaded: $(tail -n 1 "$work/log")"
	rm -rf "$work/tree"
	dpkg-deb -x "$work"/debs/"$1"_*.deb "$work/tree" || exit 1
}

# not_found PACKAGE
not_found()
{
	grep -Eiq 'resolv|connect|timed out|unreachable' "$work/log" &&
		give_up "the archive cannot be reached; connect to the network and try again"
	give_up "this system's apt sources have no $1; Debian's do"
}

# --- what is kept

# The package that the meta package stands for today.
resolve()
{
	LC_ALL=C apt-cache show --no-all-versions "linux-image-$name" 2>/dev/null |
		sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1
}

fetch_kernel()
{
	read_index
	package=$(resolve)
	[ -n "$package" ] || not_found "linux-image-$name"
	unpack "$package"
	for file in "$work"/tree/boot/vmlinuz-*; do
		[ -s "$file" ] || give_up "$package holds no kernel"
		basename "$file" >"$kernel.version"
		mv "$file" "$kernel" || exit 1
	done
	say "$(cat "$kernel.version") is in $kernel"
}

fetch_busybox()
{
	read_index
	LC_ALL=C apt-cache show busybox-static >/dev/null 2>&1 || not_found busybox-static
	unpack busybox-static
	mv "$work/tree/bin/busybox" "$busybox" 2>/dev/null ||
		mv "$work/tree/usr/bin/busybox" "$busybox" ||
		give_up "busybox-static holds no busybox"
}

# --- the command line

update='' end=''
while :; do
	case $1 in
	--update) update=yes ;;
	--shell=*) end=${1#--shell=} ;;
	*) break ;;
	esac
	shift
done
[ $# -eq 1 ] || usage
name=$1
case $name in
cloud-amd64 | amd64) arch=amd64 ;;
686-pae | 686) arch=i386 ;;
*) usage ;;
esac
kernel=$cache/vmlinuz-$name busybox=$cache/busybox-$arch initrd=$cache/shell-$arch.cpio
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

[ -z "$update" ] && [ -s "$kernel" ] || fetch_kernel
if [ -n "$end" ]; then
	[ -z "$update" ] && [ -s "$busybox" ] || fetch_busybox
	sh "$here/pack.sh" "$here/init" bin/busybox="$busybox" bin/end="$end" >"$initrd.$$" &&
		mv "$initrd.$$" "$initrd" || exit 1
fi
echo "$kernel"
[ -z "$end" ] || echo "$initrd"
