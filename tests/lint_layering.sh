# SPDX-License-Identifier: MIT
# Who may include whom. The arrows are those of HACKING.md, "Houses".
. "${top_srcdir:-.}/tests/lint.sh"

freestanding()	# INCLUDE
{
	case $1 in
	'<stdint.h>' | '<stddef.h>' | '<stdbool.h>' | '<stdarg.h>' | '<stdatomic.h>' | \
	'<limits.h>') ;;
	*) false ;;
	esac
}

# The hypervisor's folders see the library from outside.
library_face()	# INCLUDE
{
	case $1 in
	mmu/internal.h) false ;;
	mmu/*) ;;
	*) false ;;
	esac
}

# What tells the meaning of events, roles and entries, without any state.
pure_decoder()	# INCLUDE
{
	case $1 in
	mmu/types.h | mmu/event* | mmu/role* | mmu/spte.h | mmu/spte_bits.def | \
	mmu/status.h | mmu/*.def) ;;
	*) false ;;
	esac
}

may_include()	# FILE INCLUDE
{
	case $2 in
	*.c) return 1 ;;
	'<'*) ;;
	mmu/* | hv/* | tui/* | labs/* | tests/* | docs/*) ;;
	config.h) ;;
	*) return 1 ;;		# not named from the top
	esac
	case $1:$2 in
	mmu/*:mmu/*) ;;
	hv/channel/*:hv/channel/* | hv/channel/*:mmu/event* | hv/channel/*:mmu/types.h) ;;
	hv/gdb/*:hv/gdb/*) ;;
	hv/guests/*:hv/guests/*) ;;
	hv/core/*:hv/core/* | hv/core/*:hv/channel/* | hv/core/*:hv/dev/*) ;;
	hv/core/*:hv/gdb/target.h | hv/core/*:hv/gdb/stub.h) ;;
	hv/dev/*:hv/dev/* | hv/dev/*:hv/core/* | hv/dev/*:hv/channel/*) ;;
	hv/svm/*:hv/sim/* | hv/nested/*:hv/sim/*) return 1 ;;
	hv/svm/*:hv/* | hv/nested/*:hv/*) ;;
	hv/sim/*:hv/svm/*) return 1 ;;
	hv/sim/*:hv/* | hv/sim/*:config.h | hv/sim/*:'<'*) ;;
	tui/*:tui/* | tui/*:hv/channel/* | tui/*:hv/guests/guests.def | tui/*:config.h | tui/*:'<'*) ;;
	tui/*) pure_decoder "$2" ;;
	labs/* | tests/* | docs/*) ;;
	mmu/* | hv/gdb/* | hv/guests/* | hv/channel/*) freestanding "$2" ;;
	hv/core/*:'<string.h>' | hv/dev/*:'<string.h>' | hv/svm/*:'<string.h>') ;;
	hv/*) freestanding "$2" || library_face "$2" ;;
	*) false ;;
	esac
}

layering()	# TREE
{
	for file in $(files_of "$1" '*.[chS]' '*.def'); do
		sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\([<"]\)\([^">]*\).*/\1\2/p' \
			"$1/$file" |
		while read -r include; do
			case $include in
			'<'*) include="$include>" ;;
			*) include=${include#\"} ;;
			esac
			may_include "$file" "$include" || echo "$file must not include $include"
		done
	done
}

planted()	# SENTENCE FILE INCLUDE
{
	goes_red "$1" layering "$2" "#include $3"
}

plan 12
holds 'every include follows the arrows between the houses' layering "$top_srcdir"
planted 'the library may not see the hypervisor' mmu/x.c '"hv/core/vm.h"'
planted 'the library has no C library' mmu/x.c '<stdlib.h>'
planted 'the hypervisor sees the library from outside' hv/core/x.c '"mmu/internal.h"'
planted 'the core does not know which machine it runs on' hv/core/x.c '"hv/svm/svm.h"'
planted 'the machines do not know each other' hv/sim/x.c '"hv/svm/vmcb.h"'
planted 'the channel knows only the events of the library' hv/channel/x.c '"mmu/mmu.h"'
planted 'the GDB stub knows nobody' hv/gdb/x.c '"mmu/types.h"'
planted 'guests know nobody' hv/guests/x.c '"hv/core/x86.h"'
planted 'the host program knows only the pure decoders' tui/x.c '"mmu/mmu.h"'
planted 'nothing includes a source file' tests/x.c '"mmu/spte.c"'
planted 'includes are named from the top' mmu/x.c '"spte.h"'
