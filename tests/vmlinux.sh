#!/bin/sh
# SPDX-License-Identifier: MIT
# vmlinux.sh BZIMAGE >VMLINUX: the kernel's ELF, which a bzImage holds compressed. For
# those of Debian: xz or lz4. Behind the compressed bytes stand four with the size.
#
# source: Linux Documentation/arch/x86/boot.rst, payload_offset and payload_length

number()	# OFFSET BYTES
{
	od -An "-tu$2" -j $(($1)) -N "$2" "$file" | tr -d ' '
}

file=$1
start=$((($(number 0x1f1 1) + 1) * 512 + $(number 0x248 4)))
payload()
{
	tail -c +$((start + 1)) "$file" | head -c $(($(number 0x24c 4) - 4))
}

case $(payload | od -An -tx1 -N 4 | tr -d ' ') in
fd377a58) tool=xz ;;
02214c18) tool=lz4 ;;
*) echo "vmlinux: $file: neither xz nor lz4" >&2; exit 1 ;;
esac
command -v $tool >/dev/null || { echo "vmlinux: no $tool here (Debian: $tool or $tool-utils)" >&2; exit 77; }
payload | $tool -dc
