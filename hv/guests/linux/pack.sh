#!/bin/sh
# SPDX-License-Identifier: MIT
# pack.sh INIT [NAME=FILE]... >ARCHIVE: an initramfs ("newc" cpio) with the folders
# that a small system wants, /dev/console, INIT as /init and further programs.
# Written out here, since making a device node with the cpio program would need root.
# The kernel's own description of the format:
# Documentation/driver-api/early-userspace/buffer-format.rst

set -e
inode=0

# pad SIZE: zeros up to the next multiple of 4
pad()
{
	head -c $(((4 - $1 % 4) % 4)) /dev/zero
}

# entry NAME MODE SIZE MAJOR MINOR: the header; the content follows
entry()
{
	inode=$((inode + 1))
	namesize=$((${#1} + 1))
	printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x' \
		$inode $(($2)) 0 0 1 0 "$3" 0 0 "$4" "$5" $namesize 0
	printf '%s\0' "$1"
	pad $((110 + namesize))
}

# program NAME FILE
program()
{
	size=$(($(wc -c <"$2")))
	entry "$1" 0100755 $size 0 0
	cat "$2"
	pad $size
}

for folder in bin dev proc root sys tmp; do
	entry $folder 0040755 0 0 0
done
entry dev/console 0020600 0 5 1
program init "$1"
shift
for more; do
	program "${more%%=*}" "${more#*=}"
done
entry TRAILER!!! 0 0 0 0
