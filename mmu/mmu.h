/* SPDX-License-Identifier: MIT */
/*
 * The MMU library's public face: what a hypervisor core, the simulated machine
 * and the tests call. Nothing below it (SPTEs, shadow pages, rmaps) shows.
 *
 *	mmu_vm     the memory of one virtual machine: slots and paging trees
 *	mmu_vcpu   one virtual CPU's view of it: paging mode, roots, requests
 *
 * Two back ends build the tables the hardware walks. SHADOW mirrors the
 * guest's own tables; TDP maps guest-physical memory and leaves the guest's
 * tables to the hardware (nested paging). The host does the same in both:
 *
 *	for (;;) {
 *		mmu_enter(vcpu, &entry);        requests done, root in entry.root
 *		... run the guest ...
 *		mmu_leave(vcpu);
 *		page fault:   mmu_fault(vcpu, addr, error, &fault)
 *		MOV to CR:    mmu_set_regs(vcpu, &regs)
 *		INVLPG:       mmu_invlpg(vcpu, gva)
 *	}
 *
 * Context. Every function may be called by several host CPUs at once for
 * different vCPUs; for one vCPU only by the CPU that runs it, or while it is
 * stopped. None may be called from an interrupt handler. Locks are taken
 * inside; functions that may allocate say so.
 */
#ifndef MMU_MMU_H
#define MMU_MMU_H

#include "mmu/env.h"
#include "mmu/guest_regs.h"
#include "mmu/status.h"
#include "mmu/types.h"

struct mmu_vm;
struct mmu_vcpu;

enum mmu_mode {
	MMU_MODE_SHADOW,	/* the hardware walks our copy of the guest's tables */
	MMU_MODE_TDP,		/* the hardware walks the guest's tables and ours */
};

#define MMU_MAX_VCPUS	16
#define MMU_MAX_SLOTS	32	/* per address space */

struct mmu_config {
	enum mmu_mode mode;	/* at first: see mmu/mode.h */
	unsigned nr_vcpus;	/* 1..MMU_MAX_VCPUS */
	/* Levels of a TDP root: 4, or 5 on the simulated machine; 0 in SHADOW mode: the
	 * hardware has no nested paging. */
	unsigned tdp_level;
	unsigned maxphyaddr;	/* 36..52; bits of a physical address on this hardware */
	bool ad_disabled;	/* it sets no A and D in our tables */
};

/*
 * Makes a VM's MMU; *vm is NULL on failure. May allocate.
 *
 *   returns  OK
 *            INVAL   a field of config is out of range
 *            NOSUPP  this build has no such back end
 *            NOMEM
 *   events   mmu_config, knob for each
 */
enum mmu_status __must_check mmu_vm_create(const struct mmu_env *env,
					   const struct mmu_config *config, struct mmu_vm **vm);

/* Gives everything back, vCPUs included. No vCPU may be in guest mode. */
void mmu_vm_destroy(struct mmu_vm *vm);

/*
 * Makes vCPU `id`, in the state after reset (no paging, CR3 0). May allocate.
 *
 *   returns  OK, EXIST, INVAL (id >= nr_vcpus), NOMEM
 *   events   mmu_role
 */
enum mmu_status __must_check mmu_vcpu_create(struct mmu_vm *vm, unsigned id,
					     struct mmu_vcpu **vcpu);

/* ---- knobs -------------------------------------------------------------- */

enum mmu_knob {
#define KNOB(name, initial, min, max, sentence) MMU_KNOB_##name,
#include "mmu/knob.def"
	MMU_NR_KNOBS
};

/* What there is to say about a knob: a row of knob.def, by enum mmu_knob. */
struct mmu_knob_row {
	const char *name;
	u64 initial, min, max;
	const char *sentence;
};

extern const struct mmu_knob_row mmu_knobs[MMU_NR_KNOBS];

/*
 * Turns a knob, at any time. Of a small page budget: with too few pages for
 * what one instruction touches it never gets through; 64 suffice.
 *
 *   returns  OK, INVAL: no such knob, or not in its range
 *   events   knob
 */
enum mmu_status __must_check mmu_set_knob(struct mmu_vm *vm, enum mmu_knob knob, u64 value);
u64 mmu_get_knob(const struct mmu_vm *vm, enum mmu_knob knob);

/* returns  MMU_NR_KNOBS: there is none of this name */
enum mmu_knob mmu_knob_by_name(const char *name);

/* ---- memory slots ------------------------------------------------------ */

/*
 * Maps guest frames [gfn, gfn + npages) of an address space to the machine
 * memory [hpa, hpa + npages * 4096), one contiguous block.
 *
 *   as       0 or 1; a slot of address space 0 is not visible in 1 by itself
 *   slot     0..MMU_MAX_SLOTS - 1, free
 *   hpa      may be that of a slot of the other address space for the same
 *            frames. Memory that is writable at two frames must hold no page
 *            tables of a guest in SHADOW mode: a store through one frame is not
 *            seen at the other.
 *            Page aligned.
 *   flags    MMU_SLOT_, see slot_flags.def
 *   returns  OK
 *            INVAL  out of range, unaligned, SMRAM in address space 0, or LOG_BY_D
 *                   without LOG_DIRTY or where the hardware sets no D
 *            EXIST  the number is taken, or the frames overlap another slot
 *            NOMEM  nothing was changed
 *   events   slot_create, slot_generation; flush_request where a CR3 led to no
 *            memory till now; sp_zap of the tables there where the other address
 *            space has the same memory
 *   source   KVM api.rst, KVM_SET_USER_MEMORY_REGION
 */
enum mmu_status __must_check mmu_slot_create(struct mmu_vm *vm, unsigned as, unsigned slot,
					     gfn_t gfn, u64 npages, hpa_t hpa, u32 flags);

/*
 * Removes a slot. When it returns no entry of any table leads to its memory, no
 * shadow page mirrors a table there, and every vCPU will flush before it runs again.
 *
 *   returns  OK, INVAL, NOENT
 *   events   spte_set, rmap_remove, sp_unlink, track_remove and sp_zap for what is
 *            dropped, flush_request, flush_vcpu, slot_delete, slot_generation,
 *            sp_free
 */
enum mmu_status __must_check mmu_slot_delete(struct mmu_vm *vm, unsigned as, unsigned slot);

/*
 * The hpa of a gpa, by the slots of address space 0 (vm_) or of the address
 * space the vCPU is in (vcpu_). No side effect.
 *
 *   returns  HPA_INVALID where no slot is
 */
hpa_t mmu_vm_gpa_to_hpa(struct mmu_vm *vm, gpa_t gpa);
hpa_t mmu_vcpu_gpa_to_hpa(struct mmu_vcpu *vcpu, gpa_t gpa);

/*
 * Reads or writes guest-physical memory, across frames and slots.
 * A write to a frame that is a shadowed page table does what the same write by
 * the guest would do, so that no shadow goes stale.
 *
 *   returns  the number of bytes done; fewer than len where no slot is (or a
 *            read-only one, for writes)
 *   events   guest_write and what follows from it
 */
size_t mmu_vm_read(struct mmu_vm *vm, gpa_t gpa, void *buf, size_t len);
size_t mmu_vm_write(struct mmu_vm *vm, gpa_t gpa, const void *buf, size_t len);
size_t mmu_vcpu_read(struct mmu_vcpu *vcpu, gpa_t gpa, void *buf, size_t len);
size_t mmu_vcpu_write(struct mmu_vcpu *vcpu, gpa_t gpa, const void *buf, size_t len);

/* ---- running a vCPU ---------------------------------------------------- */

/* How much of a TLB is emptied: of the vCPU's entries none, those not marked
 * global, all. A host that cannot spare the global ones empties it of all. */
enum mmu_flush {
	MMU_FLUSH_NONE,
	MMU_FLUSH_NONGLOBAL,
	MMU_FLUSH_ALL,
};

/*
 * What the hardware must be given for the next run of the guest. SHADOW: it runs
 * with CR0.PG, CR0.WP and EFER.NXE set whatever the guest has, with the guest's
 * CR4.SMEP, CR4.SMAP and CR4.PGE, without PCIDs, and in the paging mode of
 * root_level (3: PAE).
 */
struct mmu_entry {
	enum mmu_mode mode;	/* another one than last time after mmu_set_mode() */
	hpa_t root;		/* TDP: nCR3. SHADOW: CR3 for the hardware. */
	unsigned root_level;	/* 5, 4, or 3: the table at root holds four PDPTEs */
	enum mmu_flush flush;	/* what of this vCPU's entries the TLB must drop */
};

/*
 * Prepares the vCPU for the guest and marks it in guest mode: from now on a
 * flush by another vCPU kicks it. Does the requests that are pending (reload,
 * sync, flush) first. May allocate. A request that arrives after the
 * mark comes with a kick: the host must have made itself interruptible by the
 * kick before this call, and must leave the guest at once when it came.
 *
 *   returns  OK
 *            NOMEM  the vCPU is not in guest mode
 *   events   request_done, root_count, root_set; sp_new or sp_hit, track_add,
 *            wrprot, spte_set, flush_request, flush_vcpu, request; sp_zap and
 *            sp_free of a root nobody uses any more; sp_sync, rmap_remove; flush_done
 */
enum mmu_status __must_check mmu_enter(struct mmu_vcpu *vcpu, struct mmu_entry *entry);

/* The vCPU left the guest. */
void mmu_leave(struct mmu_vcpu *vcpu);

/* A page fault's answer. */
struct mmu_fault {
	u64 error;	/* INJECT: the guest's error code */
	gva_t gva;	/* INJECT: the guest's CR2 */
	gpa_t gpa;	/* EMULATE: where the access goes; also the fault's gpa if known */
	bool nested;	/* REFLECT: error and gpa are of a nested page fault, gpa an nGPA */
	bool mmio;	/* EMULATE: no slot there */
	bool table;	/* EMULATE: a write to a shadowed guest page table */
};

/*
 * The hardware could not complete an access of the guest.
 *
 *   addr     SHADOW: the gva (CR2). TDP: the gpa (EXITINFO2), on L1's nested
 *            tables an nGPA.
 *   error    the hardware's error code (see PFERR_)
 *   returns  RETRY, SPURIOUS  run the guest again
 *            REFLECT          L2 runs on L1's nested tables, and they forbid it:
 *                             fault->error and fault->gpa (an nGPA) are those of
 *                             a nested page fault for L1
 *            INJECT           fault->error and fault->gva are the guest's #PF
 *            EMULATE          fault->gpa; device memory, read-only memory or a
 *                             write to a shadowed page table. That may be one of
 *                             the hardware's own, setting A or D in a table of L2
 *                             (bit 33): the instruction may be any.
 *            NO_MEMORY        no translation was changed
 *            STUCK            the same access was SPURIOUS 512 times in a row,
 *                             flushes did not help: end the guest
 *   context  not in guest mode; may allocate
 *   events   fault, walk*, sp_*, spte_set, rmap_*, flush_request, verdict
 *   source   AMD64 Manual volume 2, 15.25 "Nested Paging"; KVM mmu.rst
 */
enum mmu_verdict mmu_fault(struct mmu_vcpu *vcpu, u64 addr, u64 error, struct mmu_fault *fault);

/*
 * Gives up all shadows of the frame so that the guest may write to it; the
 * way out when an instruction that writes to a page table cannot be emulated.
 *
 *   returns  whether there was anything to give up
 */
bool mmu_unprotect(struct mmu_vm *vm, gfn_t gfn);

/* ---- looking ----------------------------------------------------------- */

/* With the PFERR_ bits of an access: a tool looks, not the guest. No A or D bit
 * is set and no event emitted. */
#define MMU_PEEK	BIT(63)

/* One step of a walk. */
struct mmu_walk_step {
	u8 level;	/* of the table the entry lies in */
	gpa_t gpa;	/* of the entry */
	gpa_t ngpa;	/* of the entry, as an inner guest calls it; else gpa */
	u64 pte;
};

struct mmu_walk {
	/* Entries read, 0..5; 0 without paging or if gva is not canonical. One that
	 * lies where no slot is was not read. */
	unsigned nr;
	struct mmu_walk_step step[5];
	bool ok;		/* gpa, level and access are valid */
	u64 error;		/* !ok: the error code the guest would see; nested: L1 */
	bool nested;		/* !ok: the inner hypervisor's tables do not translate ngpa */
	gpa_t gpa;
	gpa_t ngpa;		/* gpa, as an inner guest calls it */
	u8 level;		/* size of the mapping in the walked tables; 1 without paging */
	u8 access;		/* ACC_*, accumulated */
};

/*
 * Walks the guest's own tables as the hardware would, without setting A or D.
 *
 *   access   PFERR_WRITE, PFERR_FETCH, PFERR_USER: the rights asked for
 *   returns  walk->ok
 *   events   none
 */
bool mmu_walk(struct mmu_vcpu *vcpu, gva_t gva, u64 access, struct mmu_walk *walk);

/*
 * Reads or writes guest memory by gva, through the guest's own tables; for
 * instruction fetch, emulation and debuggers. The walk sets A and D as the
 * hardware would, unless MMU_PEEK asks it not to.
 *
 *   access   PFERR_ bits of the access; PFERR_WRITE is implied by writing
 *   returns  bytes done; if fewer than len, *fault (may be NULL) tells why:
 *            mmio with gpa where no slot is (or a read-only one), else error
 *            and gva as for INJECT
 *   events   walk*, guest_accessed, guest_dirty, guest_write
 */
size_t mmu_read_gva(struct mmu_vcpu *vcpu, gva_t gva, void *buf, size_t len, u64 access,
		    struct mmu_fault *fault);
size_t mmu_write_gva(struct mmu_vcpu *vcpu, gva_t gva, const void *buf, size_t len, u64 access,
		     struct mmu_fault *fault);

/* What became of a compare-exchange. */
enum mmu_exchange {
	MMU_EXCHANGED,	/* memory held what was expected and holds the new value now */
	MMU_DIFFERS,	/* it holds something else, which *expected is now */
	MMU_REFUSED,	/* there is no access: *fault, as for mmu_write_gva() */
};

/*
 * Compare-exchange of guest memory by gva: what LOCK makes of an instruction. One
 * atomic step towards everybody: vCPUs that run, the hardware's walks, the
 * functions here. A write access in any case: A and D bits are set as by
 * mmu_write_gva(), and an exchange in a shadowed page table is followed by its
 * shadow in the same way. Unless MMU_EXCHANGED nothing in memory has changed.
 *
 *   gva      size 1, 2, 4, 8: aligned or not, but within one page; size 16: a
 *            multiple of 16. Anything else is the caller's bug (panic).
 *            (On a host that is no x86-64 only naturally aligned sizes up to 8
 *            are atomic; no guest runs there but the simulated machine's.)
 *   expected, desired   size bytes each, in memory order
 *   events   walk*, guest_accessed, guest_dirty, guest_write
 */
enum mmu_exchange mmu_cmpxchg_gva(struct mmu_vcpu *vcpu, gva_t gva, void *expected,
				  const void *desired, size_t size, u64 access,
				  struct mmu_fault *fault);

/* One entry of the tables the hardware walks, for address addr (gva in SHADOW,
 * gpa in TDP). */
struct mmu_host_step {
	u8 level;
	u16 index;
	u32 sp;		/* the shadow page's number */
	hpa_t hpa;	/* of the entry */
	u64 spte;
};

/* Walks our own tables from the vCPU's current root; returns the number of
 * steps, 0..5. No side effect. */
unsigned mmu_host_walk(struct mmu_vcpu *vcpu, u64 addr, struct mmu_host_step steps[5]);

/* ---- whole-VM operations ----------------------------------------------- */

/*
 * Drops every entry that maps guest frames [start, end) of the address space.
 * On return every vCPU will flush before it runs the guest again. A long range is
 * done in parts, others get their turn in between.
 *
 *   returns  the number of leaf SPTEs dropped
 *   events   spte_set, rmap_remove, zap_range, flush_request
 */
u64 mmu_zap_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end);

/*
 * Makes every mapping of guest frames [start, end) of the address space one of
 * 4 KiB: the same frames with the same rights. May allocate; gives the lock up
 * between.
 *
 *   nr       the number of large mappings split, also if not OK
 *   returns  OK; NOMEM: what is left is as it was
 *   events   sp_new or sp_hit, spte_set, sp_link, rmap_add, rmap_remove, flush_request
 */
enum mmu_status __must_check mmu_split_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end,
					     u64 *nr);

/*
 * Drops all paging trees; they are built anew by faults. Every page is obsolete at
 * once and left by each vCPU before it runs again; then they are zapped, a few at a
 * time, and others get their turn. A root is freed when the last vCPU has left it.
 *
 *   events   zap_all, then sp_zap and what it drops
 *   source   KVM mmu.rst "Fast invalidation of all shadow pages"
 */
void mmu_zap_all(struct mmu_vm *vm);

/*
 * Gives back up to n of the oldest shadow pages that are no roots; what they mapped
 * comes back by faults. (KVM once let the kernel's memory shrinker do this: the oldest
 * page is not the least used one, and the guest paid.)
 *
 *   returns  how many
 *   events   sp_zap and what it drops, flush_request, flush_vcpu, request, sp_free
 */
u32 mmu_shrink(struct mmu_vm *vm, u32 n);

/*
 * Emits the whole present state as events, in an order that a model can
 * consume from nothing: config, slots, pages, entries, rmaps, roles, roots.
 * The caller frames it as a snapshot. No vCPU may be in guest mode or in the
 * library. Does nothing while events are off.
 */
void mmu_dump(struct mmu_vm *vm);

/* One broken rule. The pointers are valid during the call. */
struct mmu_finding {
	const char *rule;	/* "E-2" */
	const char *sentence;	/* the rule in words */
	u32 sp;			/* where, 0 if nowhere in particular */
	u16 index;
	u64 have, want;
};

typedef void (*mmu_finding_fn)(void *arg, const struct mmu_finding *finding);

/*
 * Checks every rule of invariants.def against everything there is. Reports,
 * never repairs, never stops at the first finding. No vCPU may be in guest
 * mode or in the library.
 *
 *   returns  the number of findings
 *   events   audit_begin, audit_rule per finding, audit_end
 */
unsigned mmu_audit(struct mmu_vm *vm, mmu_finding_fn report, void *arg);

/* Counters, for statistics and tests. */
struct mmu_stats {
	u64 faults, injected, emulated, spurious;
	u64 fast_faults;	/* of those, mended without the lock */
	u64 sps;		/* shadow pages now */
	u64 sp_made, sp_hits, sp_zapped, sp_recycled;
	u64 sptes_4k, sptes_2m, sptes_1g;	/* leaf entries now */
	/* Flushes: needed; of those, needed while one was owed; of all vCPUs; by a vCPU. */
	u64 flush_requests, flush_joined, flush_batches, flushes;
	/* By root: asked of the host; refused; roots of vCPUs that were looked at. */
	u64 root_flushes, root_failures, root_looks;
	u64 guest_writes;	/* to shadowed page tables */
	u64 unsync;		/* pages that may be stale, now */
	u64 unsyncs, syncs;	/* pages made unsync; pages compared with their tables */
	u64 rmap_visits;	/* lists of rmaps that aging looked into */
	u64 pages;		/* taken from the host and not given back */
};

void mmu_get_stats(struct mmu_vm *vm, struct mmu_stats *stats);

#endif
