# SPDX-License-Identifier: MIT
# What can be seen in one source file at a time: licence, sizes, words, and that
# only one file writes page tables.
. "${top_srcdir:-.}/tests/lint.sh"

sources="*.c *.h *.S *.def *.lds *.mk *.sh *.py *.texi"

licence()	# TREE
{
	for file in $(files_of "$1" $sources); do
		head -n 2 "$1/$file" | grep -q 'SPDX-License-Identifier: MIT' ||
			echo "$file: no SPDX-License-Identifier in its first two lines"
	done
}

long_files()	# TREE
{
	for file in $(files_of "$1" '*.[chS]' '*.sh' '*.py'); do
		lines=$(wc -l <"$1/$file")
		[ "$lines" -le 500 ] || echo "$file: $lines lines, more than 500"
	done
}

# A function's body is what lies between braces in the first column.
long_functions()	# TREE
{
	for file in $(files_of "$1" '*.c' '*.h'); do
		awk -v file="$file" '
			/^\{/ { start = NR }
			/^\}/ && start {
				if (NR - start + 1 > 60)
					print file ":" start ": a function of " NR - start + 1 " lines"
				start = 0
			}
		' "$1/$file"
	done
}

# An entry in memory is a spte_t, and its one member is raw: who does not name
# the member cannot store. The simulated hardware walker sets A and D.
entry_stores()	# TREE
{
	files_of "$1" '*.[ch]' | grep -v -x -e mmu/spte.h -e mmu/spte_set.c \
		-e 'hv/sim/hw_[a-z_]*\.[ch]' -e 'tests/.*' -e 'labs/.*' |
	while read -r file; do
		grep -n -E '(->|\.)raw\b' "$1/$file" /dev/null |
			sed "s|^$1/||; s|\$|   <- reaches into an SPTE|"
	done
}

# One word for one thing: KVM's.
words()		# TREE
{
	for file in $(files_of "$1" '*.[chS]' '*.def' | grep -v '^tests/elf'); do
		grep -n -o -w -i -E -e 'gpfn|gmfn|mfn|guest_?(phys|virt|physical|virtual)(_addr)?' \
			-e 'host_?(phys|virt|physical|virtual)(_addr)?|paddr|vaddr|phys_addr' \
			-e 'p4d|pud|pmd|spt|shadow_pte|frame_no|frame_number' \
			"$1/$file" /dev/null | sed "s|^$1/||; s|\$|   <- use gva gpa gfn hva hpa pfn, levels, spte|"
	done
}

# Unfinished work has an issue, not a mark; nothing knows the author's machine.
marks()		# TREE
{
	for file in $(files_of "$1" $sources '*.am' '*.md' '*.scn'); do
		grep -n -E -e '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' -e '(^|[^A-Za-z0-9_$}.])/(home|root|Users)/' \
			"$1/$file" /dev/null |
			sed "s|^$1/||"
	done
}

long_text()	# LINES
{
	awk -v n="$1" 'BEGIN { while (n--) print ";" }'
}

plan 14
holds 'every file names its licence' licence "$top_srcdir"
goes_red 'a file without a licence is found' licence mmu/x.c 'int x;'
holds 'no file is longer than 500 lines' long_files "$top_srcdir"
goes_red 'a file of 501 lines is found' long_files mmu/x.c "$(long_text 501)"
holds 'no function is longer than 60 lines' long_functions "$top_srcdir"
goes_red 'a function of 61 lines is found' long_functions mmu/x.c "{
$(long_text 59)
}"
holds 'page table entries are stored to in one file' entry_stores "$top_srcdir"
goes_red 'a store through the member is found' entry_stores mmu/x.c 'e->raw = 0;'
holds 'one word is used for one thing' words "$top_srcdir"
goes_red 'a second word for gfn is found' words hv/core/x.c 'u64 gpfn;'
goes_red 'a name for a level is found' words mmu/x.c 'u64 pmd = 0;'
holds 'nothing is marked unfinished, nothing names a machine' marks "$top_srcdir"
goes_red 'a mark is found' marks mmu/x.c '/* TO''DO: later */'
goes_red 'a path of a machine is found' marks tests/x.sh 'cd /ho''me/somebody/x'
