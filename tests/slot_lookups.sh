# SPDX-License-Identifier: MIT
# Three lookups of memory slots, for three owners of the question, which cannot be taken
# for each other: what is given the wrong one does not compile. And none of them tests a
# flag.
. "${top_srcdir:-.}/tests/lint.sh"
: "${CC:=cc}"

# compiles STATEMENT: it does, where there are a VM, a vCPU, a shadow page and a frame.
compiles()
{
	cat >"$lint_scratch/try.c" <<-END
	#include "mmu/memslot.h"
	#include "mmu/gfn_cache.h"
	void try(struct mmu_vm *vm, struct mmu_vcpu *vcpu, struct sp *sp, gfn_t gfn);
	void try(struct mmu_vm *vm, struct mmu_vcpu *vcpu, struct sp *sp, gfn_t gfn)
	{
		struct mmu_gfn_cache cache;

		(void)vm, (void)vcpu, (void)sp, (void)gfn, (void)cache;
		(void)!$1;
	}
	END
	# shellcheck disable=SC2086
	$CC -std=gnu11 -Wall -Werror -fsyntax-only -I"$top_srcdir" "$lint_scratch/try.c" 2>/dev/null
}

right()		# STATEMENT
{
	compiles "$1"
	verdict $? "$1 compiles"
}

wrong()		# STATEMENT
{
	! compiles "$1"
	verdict $? "$1 does not"
}

# Who may know of the flag: who makes slots, and who audits them.
flag_tests()	# TREE
{
	for file in $(files_of "$1" '*.[ch]'); do
		case $file in
		mmu/slot_update.c | mmu/audit_slot.c | mmu/mmu.h) ;;
		mmu/*) grep -n MMU_SLOT_SMRAM "$1/$file" /dev/null | sed "s|^$1/||" ;;
		esac
	done
}

plan 14
right 'vm_slot(vm, gfn)'
wrong 'vm_slot(vcpu, gfn)'
wrong 'vm_slot(sp, gfn)'
right 'vcpu_slot(vcpu, gfn)'
wrong 'vcpu_slot(vm, gfn)'
wrong 'vcpu_slot(sp, gfn)'
right 'sp_slot(vm, sp, gfn)'
wrong 'sp_slot(vm, vcpu, gfn)'
wrong 'sp_slot(vcpu, sp, gfn)'
right 'mmu_gfn_cache_init(vm, &cache, gfn, 8)'
wrong 'mmu_gfn_cache_init(vcpu, &cache, gfn, 8)'
wrong 'mmu_vm_read(vcpu, gfn, &cache, 8)'
holds 'no lookup asks whether a slot is of system-management mode' flag_tests "$top_srcdir"
goes_red 'one that does is found' flag_tests mmu/memslot.c 'if (slot->flags & MMU_SLOT_SMRAM)'
