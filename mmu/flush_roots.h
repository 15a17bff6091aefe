/* SPDX-License-Identifier: MIT */
/*
 * Flushes by root: a host that is a guest itself may ask its own hypervisor to
 * forget what was translated through one tree of nested tables, on all CPUs at
 * once. vCPUs that share a tree are flushed together then, and none is kicked.
 *
 *	root[i]  what vCPU i last entered the guest with; NULL: nothing, or freed
 *	common   all roots noted are this one; NULL: nobody knows
 *
 *	mmu_enter() ---- flush_roots_load(): another root? common is not known any more
 *	flush_pay() ---- flush_roots_flush(): common known? one call, nobody is looked
 *	                 at. Else a call for each root there is, and common is known
 *	                 again if there was but one
 *	sp_free()   ---- flush_roots_forget(): the frame will be something else
 *
 * A vCPU without a root does not stand in the way of a common one: it has nothing in
 * its TLB, and flushes as it loads the next (Q-5, checked in mmu_enter()). For the
 * same reason a root that is loaded while a flush goes on need not be found by it.
 *
 * Only if the host has env->flush_root, and of vCPUs in TDP mode. While there is one in
 * SHADOW mode nothing is flushed by root.
 */
#ifndef MMU_FLUSH_ROOTS_H
#define MMU_FLUSH_ROOTS_H

#include "mmu/lock.h"
#include "mmu/status.h"

struct mmu_op;
struct mmu_vcpu;
struct mmu_vm;
struct sp;

struct flush_roots {
	struct spin_lock lock;	/* guards all of it; held while the host flushes */
	const struct sp *common;
	const struct sp *root[16];	/* MMU_MAX_VCPUS; its own vCPU may look without the lock */
};

/*
 * The vCPU enters the guest with its current root. After it has marked itself in
 * guest mode, before it takes its requests.
 *
 *   returns  whether that is a nested root, and another one than before: the TLB must
 *            be emptied
 *   events   root_load
 */
bool __must_check flush_roots_load(struct mmu_vcpu *vcpu);

/*
 * Flushes what the operation owes, for every root once. Frames are named to the host
 * where the tree leads from frames of the guest; a tree of nested tables is flushed
 * whole.
 *
 *   returns  true: no translation of before is left anywhere, nor an instruction
 *            under way that has used one
 *            false: there may be, also if the host refused one root of several. No
 *            further one was tried then. Or: a vCPU in the guest has to leave it, too;
 *            or is in SHADOW mode
 *   context  vm->lock held, either way
 *   events   flush_root for each call
 */
bool __must_check flush_roots_flush(struct mmu_op *op);

/* The page is about to be freed. events root_load */
void flush_roots_forget(struct mmu_vm *vm, const struct sp *sp);

#endif
