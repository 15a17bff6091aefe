/* SPDX-License-Identifier: MIT */
/*
 * The library's objects, for its own files and for tests. One struct per
 * thing, members grouped by the lock that guards them.
 *
 *	mmu_vm ---- slots[2] ---- memslot ---- rmap heads, counters (parrays)
 *	   |   \--- sps: records of shadow pages, found by id, by (gfn, role)
 *	   |        through the hash, and by the frame of their table
 *	   \------- mmu_vcpu[] -- root_mmu, guest_mmu, nested_mmu
 */
#ifndef MMU_INTERNAL_H
#define MMU_INTERNAL_H

#include "mmu/env.h"
#include "mmu/event.h"
#include "mmu/flush_range.h"
#include "mmu/flush_roots.h"
#include "mmu/lock.h"
#include "mmu/mmu.h"
#include "mmu/nested.h"
#include "mmu/parray.h"
#include "mmu/reserve.h"
#include "mmu/role.h"
#include "mmu/spte.h"

/* Supplied by the C library, or by the bare-metal host. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);

struct mmu_backend;
struct mmu_op;

/* ---- lists --------------------------------------------------------------- */

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_add(struct list *node, struct list *head)
{
	node->next = head->next;
	node->prev = head;
	head->next->prev = node;
	head->next = node;
}

static inline void list_remove(struct list *node)
{
	node->next->prev = node->prev;
	node->prev->next = node->next;
	list_init(node);
}

#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

/* ---- reverse maps (rmap.c) ------------------------------------------------ */

struct rmap_page;

/*
 * The head of a list of SPTE pointers. 0: empty. Bit 0 clear: the one pointer.
 * Bit 0 set: the rest is a struct rmap_desc. Bit 1: the lock.
 */
struct rmap_head {
	_Atomic u64 word;
};

/* ---- shadow pages (sp.c) -------------------------------------------------- */

#define SP_TDP		1u	/* belongs to the TDP MMU */
#define SP_SPECIAL	2u	/* a per-vCPU root record (PAE, dummy) or one below it: not
				 * hashed, lives as long as a root slot of its vCPU names it */
#define SP_DUMMY	4u	/* the root that maps nothing; never linked into */
#define SP_PDPT		8u	/* a special root that the hardware takes for four PDPTEs */

struct sp {
	u32 id;			/* its number in events, 1.. ; fixed for the record */
	union mmu_role role;
	/* How the guest's entries are read, beyond the role; part of the key. 0 for
	 * pages that mirror none. See gpte_config(). */
	u8 config;
	gfn_t gfn;		/* of the guest table it mirrors, or first frame it maps */
	hpa_t table_hpa;	/* its 512 entries */
	u32 flags;		/* SP_ */
	u8 gen;			/* vm->gen at its birth; another one: obsolete */
	u64 born;		/* pages made before it, of the whole VM */
	u32 root_count;		/* root slots that name it; guarded by vm->lock (write) */
	u32 pins;		/* TDP root: what else keeps it (tdp_roots.c); the same lock */
	u8 down_level;		/* an invalid one: which entries are taken off next, */
	gfn_t down_gfn;		/* and from where on */
	struct list active;	/* in vm->active, newest first; in vm->tdp_roots; on an
				 * op's zap list; or in vm->deferred */
	struct sp *hash_next;	/* of a TDP root: the next of vm->tdp_trees */
	/* Indirect pages: page of 512 words, (gfn << 12 | ACC_) each entry was made
	 * for. 0 for direct pages. */
	hpa_t shadowed_hpa;
	struct rmap_head parents; /* shadow: entries that point here */
	spte_t *ptep;		/* TDP: the one entry that points here; NULL for a root */
	u32 present;		/* entries with mmu_present set */
	/* What is not empty lies in [start, end); not kept for the TDP MMU. */
	u16 used_start, used_end;
	bool unsync;		/* the guest may write its table freely (unsync.c) */
	u8 unsyncs;		/* how often it became so, up to 255 */
	bool freed;		/* the record is on the free list */
	u64 free_epoch;		/* in vm->deferred: when it was queued (epoch.c) */
	u8 vcpu;		/* SP_SPECIAL: whose */
	u32 write_flooding;	/* writes to the guest table since last use */
	/* The entries that lead to an unsync page or to one that has such below it,
	 * and how many they are. */
	u32 unsync_children;
	u64 unsync_child[PT_ENTRIES / 64];
};

static inline bool sp_is_tdp(const struct sp *sp)
{
	return sp->flags & SP_TDP;
}

/* For readers without vm->lock; only `invalid` may change under them. */
static inline unsigned sp_level(const struct sp *sp)
{
	union mmu_role role = { .word = __atomic_load_n(&sp->role.word, __ATOMIC_RELAXED) };

	return role.level;
}

static inline union mmu_role sp_role(const struct sp *sp)
{
	return (union mmu_role){ .word = __atomic_load_n(&sp->role.word, __ATOMIC_RELAXED) };
}

/* The one change of a role that there is. Write lock. */
static inline void sp_set_invalid(struct sp *sp)
{
	union mmu_role role = sp->role;

	role.invalid = 1;
	__atomic_store_n(&sp->role.word, role.word, __ATOMIC_RELAXED);
}

/* Mirrors a guest table. */
static inline bool sp_has_gptes(const struct sp *sp)
{
	return !sp->role.direct && !sp->role.passthrough && !(sp->flags & SP_SPECIAL);
}

/* ---- memory slots (memslot.c) --------------------------------------------- */

/* Never changed while a view names it, but for what hangs on it. */
struct memslot {
	bool invalid;		/* about to go or to move: nothing is mapped from it any more */
	u8 as;
	u16 id;
	u32 flags;		/* MMU_SLOT_ */
	gfn_t base_gfn;
	u64 npages;
	hpa_t hpa;
	/* Indexed by the entry's number within the slot, per level 1..3 */
	struct parray rmap[3];	/* struct rmap_head; made when the first shadow root is */
	struct parray track;	/* u16: has-gPTE pages above level 1 (page_track.c) */
	struct parray shadowed;	/* u16: all has-gPTE pages on this gfn, any level */
	struct parray huge_shadowed[2]; /* u32: the same, per 2 MiB and 1 GiB entry */
	struct parray dirty;	/* u64: a bit per frame; made while it is logged (dirty.h) */
	/* u64: frames whose leaf was used and then went, a bit each (aging.c). The first
	 * word is that of base_gfn / 64. */
	struct parray used_frames;
};

#define SLOT_RECORD_SIZE 512

_Static_assert(sizeof(struct memslot) <= SLOT_RECORD_SIZE, "a record of the slot array");

#define SLOTS_UPDATING	BIT(63)	/* in a generation: an update is in progress */

/*
 * What lookups search: the records of all slots. Each slot has two records, number
 * 2 id and 2 id + 1, of which a view names one, or none if there is no such slot.
 */
struct slot_view {
	u8 nr;
	_Atomic u8 last;		/* place in by_gfn of the one found last; a hint */
	u8 by_gfn[MMU_MAX_SLOTS];	/* numbers of records, by ascending base_gfn */
	u8 by_id[MMU_MAX_SLOTS];	/* 0: no such slot; else 1 + (number & 1) */
};

/*
 * The slots of one address space. Readers have the lock, or are in a read bracket,
 * and look at the active view. A change fills the other view and makes it the active
 * one; when every reader that began before is out, the old view and records that
 * only it names may be used again (slot_update.c).
 */
struct slot_set {
	_Atomic u64 generation;	/* SLOTS_UPDATING; MMIO entries look without the lock */
	_Atomic u8 active;	/* of view[]; stored to under lock (write) */
	struct slot_view view[2];
	struct parray slots;	/* struct memslot in SLOT_RECORD_SIZE bytes, by number */
};

/* ---- vCPUs ---------------------------------------------------------------- */

#define MMU_PREV_ROOTS	3

struct mmu_root {
	struct sp *sp;		/* NULL: none */
	u64 pgd;		/* the guest's CR3 it was made for */
};

#define MMU_ROOT_SLOTS	(1 + MMU_PREV_ROOTS)

/*
 * One context: a way to translate. root_mmu is the one of the guest itself;
 * guest_mmu shadows the nested tables of an inner hypervisor, nested_mmu only
 * walks an inner guest's tables and never has a root.
 */
struct mmu {
	const struct mmu_backend *backend;	/* who makes its tables */
	struct cpu_role cpu_role;	/* what the guest has configured */
	union mmu_role root_role;	/* what we build for it */
	struct mmu_root root;
	struct mmu_root prev[MMU_PREV_ROOTS];
	/* permission_fault by [error >> 1 & 15], one bit per access 0..7 */
	u8 permissions[16];
};

/* Root slot 0 is the current one, 1.. the previous ones, newest first. */
static inline struct mmu_root *mmu_root_slot(struct mmu *mmu, unsigned i)
{
	return i ? &mmu->prev[i - 1] : &mmu->root;
}

enum mmu_request {
#define REQUEST(name, sentence) MMU_REQUEST_##name,
#include "mmu/request.def"
	MMU_NR_REQUESTS
};

#define MMU_REQ_FLUSH		(1u << MMU_REQUEST_flush)
#define MMU_REQ_RELOAD		(1u << MMU_REQUEST_reload)
#define MMU_REQ_SYNC		(1u << MMU_REQUEST_sync)
#define MMU_REQ_NONGLOBAL	(1u << MMU_REQUEST_flush_nonglobal)

struct mmu_vcpu {
	struct mmu_vm *vm;
	u8 id;
	struct mmu_regs regs;		/* of whom runs: the guest, or its inner guest */
	bool inner;			/* an inner guest runs */
	bool nests;			/* one did since mmu_nested_free() */
	struct mmu_nested nested;	/* how the one that runs does, or the last did */
	struct mmu *mmu;		/* whose root the hardware has */
	struct mmu *walk_mmu;		/* which translates the running guest's gva */
	struct mmu root_mmu, guest_mmu, nested_mmu;
	_Atomic u32 requests;		/* MMU_REQ_; set before looking at in_guest */
	_Atomic u32 in_guest;		/* set before looking at requests */
	_Atomic u64 epoch;		/* 0, or the epoch this reader began in (epoch.c) */
	struct page_reserve reserve;	/* for its operations (op.c) */
	/* livelock guard: the last fault, and how often it came unchanged */
	u64 last_addr, last_error;
	u32 same_faults;
};

/* Where the tables that a context walks or mirrors begin. */
static inline u64 context_pgd(const struct mmu_vcpu *vcpu, const struct mmu *mmu)
{
	return mmu == &vcpu->guest_mmu ? vcpu->nested.ncr3 : vcpu->regs.cr3;
}

static inline enum mmu_context context_id(const struct mmu_vcpu *vcpu, const struct mmu *mmu)
{
	if (mmu == &vcpu->root_mmu)
		return MMU_CONTEXT_root;
	return mmu == &vcpu->guest_mmu ? MMU_CONTEXT_guest : MMU_CONTEXT_nested;
}

/* ---- the machine's memory -------------------------------------------------- */

#define MMU_OUTSIDE_READERS	8

struct mmu_vm {
	const struct mmu_env *env;	/* outlives the VM */
	struct mmu_config config;
	/* NULL: this build, or for tdp the hardware, does not have it. config.mode says
	 * which one serves; it is written under lock, and read by anybody (mode.c). */
	const struct mmu_backend *tdp, *shadow;
	unsigned maxphyaddr;
	_Atomic u64 knob[MMU_NR_KNOBS];	/* written under lock, read by anybody */

	struct rw_lock lock;		/* write: shadow MMU, slots, zaps; read: TDP faults */

	/* Guarded by lock (write). */
	struct slot_set slots[MMU_NR_AS];
	_Atomic bool slots_changing;	/* by somebody who may have let go of lock for now */
	struct memslot *slot_to_come;	/* one that is made, in no view yet; or NULL */
	struct parray hash;		/* struct sp *: heads of chains (sp_hash.c) */
	u32 nr_buckets;			/* of them in use; 0: this VM has no hash */
	_Atomic u32 nr_hashed;		/* pages in them; anybody may look */
	struct list active;		/* all hashed pages: valid ones of the shadow MMU but special */
	struct list tdp_roots;		/* sp->active of TDP roots, until they are taken down */
	/* Never unset; anybody may look. */
	_Atomic bool shadow_used;	/* a shadow root could be made: rmaps are kept */
	_Atomic bool tdp_used;		/* the VM was in TDP mode */
	u64 nr_indirect;		/* has-gPTE pages */
	_Atomic u32 nr_logs;		/* slots that are logged; anybody may look */
	u8 gen;				/* 0 or 1: flips when all shadow pages become obsolete */
	struct rmap_page *rmap_pages;	/* pages with a free descriptor (rmap.c) */

	/* Taken to make pages unsync under the read lock of vm->lock. */
	struct spin_lock unsync_lock;

	/* Guarded by sps_lock: records and their numbers. */
	struct spin_lock sps_lock;
	struct parray sps;		/* struct sp, by id */
	struct parray sp_of_pfn;	/* u32 id, by frame of the table */
	u32 sp_limit;			/* ids ever given out are below it */
	struct sp *sp_free;		/* free records, chained through hash_next */
	_Atomic u64 nr_sps;

	_Atomic u64 epoch;		/* now, from 1; see epoch.c */
	struct spin_lock free_lock;	/* guards deferred, and stores to tdp_trees */
	struct sp *tdp_trees;		/* TDP roots, for readers in a bracket (tdp_age.c) */
	_Atomic u32 tdp_unlinked;	/* tables out of their tree, leaves still in them */
	/* Readers that are no vCPU: 0, or the epoch one began in (epoch.c). */
	_Atomic u64 outside[MMU_OUTSIDE_READERS];
	struct list deferred;		/* pages that a reader may still see, through active */
	_Atomic u32 nr_deferred;

	struct flush_roots flush_roots;	/* has its own lock */

	/* With events on: held from a change to its event, so that the order of
	 * spte_set events is the order of the changes. */
	struct spin_lock events_lock;

	struct mmu_vcpu *vcpu[MMU_MAX_VCPUS];
	hpa_t vcpu_hpa[MMU_MAX_VCPUS];
	hpa_t self_hpa;
	_Atomic u64 pages;		/* taken from the host */
	struct mmu_stats stats;		/* counted with stat_add(), from any context */
};

_Static_assert(sizeof(struct mmu_vm) <= PAGE_SIZE && sizeof(struct mmu_vcpu) <= PAGE_SIZE,
	       "each lives in one page");
_Static_assert(sizeof(struct sp) <= 256, "a record of the sps array");

/* ---- one operation ---------------------------------------------------------- */

/*
 * From taking the lock to giving it back. What must be flushed is collected
 * here and done once, before the lock is dropped or a page is freed.
 */
struct mmu_op {
	struct mmu_vm *vm;
	struct mmu_vcpu *vcpu;		/* NULL where none is at work */
	enum { OP_UNLOCKED, OP_READ, OP_WRITE } locked;
	u32 owed;			/* why all vCPUs are owed a flush: a bit for each row of
					 * flush.def; 0: they are not */
	struct flush_range range;	/* of what */
	bool may_yield;			/* the caller holds nothing that others might change */
	u32 work;			/* entries seen since the lock was taken; who may yield */
	struct list zapped;		/* shadow pages to free after the flush */
	struct page_reserve *reserve;	/* where pages come from; NULL: the host */
	bool awaits_slots;		/* an invalid slot was met: op_end() waits for it */
};

/* Takes the lock. */
void op_begin(struct mmu_op *op, struct mmu_vm *vm, struct mmu_vcpu *vcpu, bool write);

/*
 * The same for what makes entries on behalf of a vCPU: first its reserve is
 * filled, so that nothing is allocated under the lock.
 *   returns  OK; NOMEM: the lock was not taken, nothing changed
 */
enum mmu_status __must_check op_begin_stocked(struct mmu_op *op, struct mmu_vcpu *vcpu,
					      bool write);

/*
 * What one fault can need: four tables and four pages of what they were made
 * for, at most one new page of records and one of descriptors, and the way to
 * these in the arrays: by id 2 pages more, by frame 4 for each table and a root.
 * The hash may grow by a page and the way to it.
 */
#define FAULT_PAGES	(1 + 4 + 4 + 1 + 1 + 2 + 4 * 4 + 1 + 2)

/* What a split may take, beyond a fault: descriptors of 512 frames, and a table. */
#define SPLIT_PAGES	24

/* Fills a reserve for an operation of no vCPU, before the lock is taken.
 * returns  false: the host has no more */
bool __must_check op_stock(const struct mmu_vm *vm, struct page_reserve *reserve);

/* Pays the flush, frees what was zapped, gives the lock back. Then, if the operation
 * met a change of slots that was under way, waits for its end. */
void op_end(struct mmu_op *op);

/* The same, and takes the lock again: others had their turn, nothing that was
 * found before is known to be there still. */
void op_yield(struct mmu_op *op);

/* The same for who cannot go on before others did something. */
void op_wait(struct mmu_op *op);

/* A page, counted, of the reserve or the host's (NULL). HPA_INVALID: none left. */
hpa_t mmu_page_alloc(struct mmu_vm *vm, struct page_reserve *reserve);
void mmu_page_free(struct mmu_vm *vm, hpa_t page_hpa);

#define stat_add(vm, field, n) __atomic_fetch_add(&(vm)->stats.field, (n), __ATOMIC_RELAXED)

/* Our bug. Never returns. */
#define mmu_bug(vm, text, a, b)                                                                    \
	(vm)->env->panic((vm)->env->ctx, __FILE__, __LINE__, (text), (u64)(a), (u64)(b))

/* A rule that is always checked. */
#define mmu_check(vm, cond, text, a, b)                                                            \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			mmu_bug(vm, text, a, b);                                                   \
	} while (0)

#define mmu_point(vm, name)                                                                        \
	do {                                                                                       \
		if ((vm)->env->point)                                                              \
			(vm)->env->point((vm)->env->ctx, MMU_POINT_##name);                        \
	} while (0)

enum mmu_point {
#define POINT(name, sentence) MMU_POINT_##name,
#include "mmu/point.def"
	MMU_NR_POINTS
};

/* With events on nobody may come between a change and its event; off, the change
 * itself is enough. */
static inline bool events_begin(struct mmu_vm *vm)
{
	bool ordered = vm->env->events_on;

	if (ordered)
		spin_lock(vm->env, &vm->events_lock);
	return ordered;
}

static inline void events_end(struct mmu_vm *vm, bool ordered)
{
	if (ordered)
		spin_unlock(&vm->events_lock);
}

/* A page of the shadow MMU that is older than the last zapping of everything. No
 * lookup finds it; it waits to be zapped. */
static inline bool sp_is_obsolete(const struct mmu_vm *vm, const struct sp *sp)
{
	return !sp_is_tdp(sp) && sp->gen != vm->gen;
}

/* An event of this VM. */
#define vm_emit(vm, vcpu_id, name, ...)                                                            \
	mmu_emit((vm)->env, vcpu_id, MMU_SITE, name, __VA_ARGS__)

#define op_vcpu(op) ((op)->vcpu ? (op)->vcpu->id : MMU_NO_VCPU)

#endif
