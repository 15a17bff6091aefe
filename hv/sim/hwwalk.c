/* SPDX-License-Identifier: MIT */
/*
 * The simulated hardware's page walker. One routine walks every format; a
 * format is a number of levels, an entry size and a few reserved bits.
 */
#include "hv/sim/hwwalk.h"
#include "hv/sim/mem.h"

#define PTE_P	BIT(0)
#define PTE_W	BIT(1)
#define PTE_U	BIT(2)
#define PTE_A	BIT(5)
#define PTE_D	BIT(6)
#define PTE_PS	BIT(7)
#define PTE_G	BIT(8)
#define PTE_NX	BIT(63)
#define PDE4M_RSVD BIT(21)
#define PTE_KEPT BIT(11)	/* the library's mark: memory is behind the entry */

/* A walk under way. */
struct walker {
	const struct hw_stage *stage;
	const struct hw_access *access;
	struct hw_result *result;
	bool probe;
	unsigned n;			/* entries read */
	hpa_t entry[LEVEL_MAX];		/* where they lie */
	u64 value[LEVEL_MAX];		/* what they were */
	bool no_ad[LEVEL_MAX];		/* a PDPTE of PAE has neither A nor D */
	u64 pte;			/* the last one */
	unsigned level;			/* of its table */
};

static bool fail(struct walker *w, u64 error)
{
	w->result->ok = false;
	w->result->error = error;
	w->result->fault_addr = w->access->addr;
	return false;
}

/* The error code of an access: what was tried, and why it failed. */
static u64 error_of(const struct walker *w, u64 why)
{
	const struct hw_access *a = w->access;
	u64 error = why;

	if (a->kind == HW_WRITE)
		error |= PFERR_WRITE;
	if (a->user)
		error |= PFERR_USER;
	if (a->kind == HW_FETCH && (w->stage->nx || w->stage->smep))
		error |= PFERR_FETCH;
	return error;
}

static unsigned entry_size(const struct hw_stage *stage)
{
	return stage->levels == 2 ? 4 : 8;
}

static bool is_pdpte(const struct walker *w)
{
	return w->stage->levels == 3 && w->level == 3;
}

/* Where the entry for addr lies in the table at table_addr. */
static u64 entry_addr(const struct walker *w, u64 table_addr)
{
	u64 addr = w->access->addr;

	if (w->stage->levels == 2)
		return table_addr + 4 * ((addr >> (12 + 10 * (w->level - 1))) & 1023);
	if (is_pdpte(w))
		return table_addr + 8 * ((addr >> 30) & 3);
	return table_addr + 8 * level_index(addr, w->level);
}

/* From what this stage calls physical to the machine's memory. */
static bool go_below(struct walker *w, u64 addr, bool table, struct hw_result *out)
{
	const struct hw_stage *stage = w->stage;
	struct hw_access access = { addr, table ? HW_WRITE : w->access->kind, true, false };
	bool ok;

	if (!stage->below) {
		*out = (struct hw_result){ .ok = true, .hpa = addr, .level = LEVEL_1G,
					   .access = ACC_ALL, .dirty = true };
	} else {
		ok = w->probe ? hw_probe(stage->below, addr, out)
			      : hw_walk(stage->below, &access, out);
		if (!ok) {
			fail(w, out->error | (table ? PFERR_GUEST_PAGE : PFERR_GUEST_FINAL));
			w->result->fault_addr = addr;
			w->result->nested = true;
			w->result->wild = out->wild;
			w->result->freed = out->freed;
			return false;
		}
	}
	if (out->hpa + 8 <= stage->memory_size)
		return true;
	w->result->wild = true;
	return fail(w, error_of(w, PFERR_PRESENT | PFERR_RSVD));
}

static bool is_large(const struct walker *w)
{
	if (w->level == 1)
		return true;
	if (w->stage->levels == 2)
		return w->stage->pse && w->pte & PTE_PS;
	return !is_pdpte(w) && w->level <= 3 && w->pte & PTE_PS;
}

/* Bits that must be zero in the entry just read. */
static u64 reserved_bits(const struct walker *w)
{
	const struct hw_stage *stage = w->stage;
	u64 bits;

	if (stage->levels == 2)
		return w->level == 2 && is_large(w) ? PDE4M_RSVD : 0;
	bits = stage->maxphyaddr < 52 ? BITS(51, stage->maxphyaddr) : 0;
	if (!stage->nx)
		bits |= PTE_NX;
	if (stage->levels == 3)
		bits |= BITS(62, 52);
	if (is_pdpte(w))
		return bits | PTE_NX | BITS(8, 5) | BITS(2, 1);
	if (w->level >= 4)
		return bits | PTE_PS;
	if (w->level > 1 && is_large(w))
		bits |= level_bytes(w->level) - 1 - BITS(12, 0);
	return bits;
}

static u64 read_entry(const struct walker *w, hpa_t hpa)
{
	const void *p = w->stage->memory + hpa;

	if (entry_size(w->stage) == 4)
		return __atomic_load_n((const u32 *)p, __ATOMIC_ACQUIRE);
	return __atomic_load_n((const u64 *)p, __ATOMIC_ACQUIRE);
}

/* Reads the entry of this level and gathers its rights. */
static bool step(struct walker *w, u64 table_addr)
{
	struct hw_result at;

	if (!go_below(w, entry_addr(w, table_addr), true, &at))
		return false;
	if (w->stage->below)
		w->result->table[w->result->nr_tables++] =
			entry_addr(w, table_addr) >> PAGE_SHIFT;
	if (!w->probe)
		sched_point(w->stage->sched, POINT_hw_walk);
	w->pte = read_entry(w, at.hpa);
	w->no_ad[w->n] = is_pdpte(w);
	w->value[w->n] = w->pte;
	w->entry[w->n++] = at.hpa;
	w->result->freed = !w->stage->below && w->pte == SIM_MEM_FREED;
	if (w->probe && w->stage->no_ad && w->pte & PTE_KEPT)
		w->pte |= PTE_P;
	if (!(w->pte & PTE_P))
		return fail(w, error_of(w, 0));
	if (w->pte & reserved_bits(w))
		return fail(w, error_of(w, PFERR_PRESENT | PFERR_RSVD));
	if (is_pdpte(w))
		return true;
	if (!(w->pte & PTE_W))
		w->result->access &= ~ACC_WRITE;
	if (!(w->pte & PTE_U))
		w->result->access &= ~ACC_USER;
	if (w->stage->nx && w->stage->levels > 2 && w->pte & PTE_NX)
		w->result->access &= ~ACC_EXEC;
	return true;
}

bool hw_allows(const struct hw_stage *stage, unsigned rights, const struct hw_access *access)
{
	if (!stage->levels)
		return true;
	if (access->user && !(rights & ACC_USER))
		return false;
	if (access->kind == HW_WRITE && !(rights & ACC_WRITE) && (access->user || stage->wp))
		return false;
	if (access->kind == HW_FETCH && !(rights & ACC_EXEC))
		return false;
	if (access->user || !(rights & ACC_USER))
		return true;
	return access->kind == HW_FETCH ? !stage->smep : !stage->smap || access->ac;
}

/* Sets bits in an entry that the walk used; false: it is another one by now. */
static bool set_bits(const struct walker *w, unsigned n, u64 bits)
{
	void *p = w->stage->memory + w->entry[n];
	u64 value = w->value[n];
	u32 value32 = value;

	if (!(~value & bits))
		return true;
	sched_point(w->stage->sched, POINT_hw_ad);
	if (entry_size(w->stage) == 4)
		return __atomic_compare_exchange_n((u32 *)p, &value32, (u32)(value | bits), false,
						   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return __atomic_compare_exchange_n((u64 *)p, &value, value | bits, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static bool set_accessed_and_dirty(struct walker *w)
{
	bool write = w->access->kind == HW_WRITE;

	for (unsigned i = 0; i < w->n; i++)
		if (!w->no_ad[i] &&
		    !set_bits(w, i, i == w->n - 1 && write ? PTE_A | PTE_D : PTE_A))
			return false;
	if (write)
		w->result->dirty = true;
	return true;
}

/* The address the last entry leads to: of a table, or of the access. */
static u64 target(const struct walker *w)
{
	u64 bytes, base, addr = w->access->addr;

	if (!is_large(w))
		return w->pte & (w->stage->levels == 2 ? BITS(31, 12) : BITS(51, 12));
	if (w->stage->levels == 2 && w->level == 2) /* 4M: bits 39:32 lie in 20:13 */
		return (w->pte & BITS(31, 22)) | (w->pte & BITS(20, 13)) << 19 |
		       (addr & BITS(21, 0));
	bytes = level_bytes(w->level);
	base = w->pte & (w->stage->levels == 2 ? BITS(31, 12) : BITS(51, 12));
	return (base & ~(bytes - 1)) | (addr & (bytes - 1));
}

static bool walk_tables(struct walker *w)
{
	const struct hw_stage *stage = w->stage;
	u64 table = stage->levels == 3	 ? stage->root & BITS(31, 5)
		    : stage->levels == 2 ? stage->root & BITS(31, 12)
					 : stage->root & BITS(51, 12);

	if (stage->levels == 3 && !stage->below)
		table = stage->root & BITS(51, 5); /* ours may lie above 4 GiB */
	for (w->level = stage->levels;; w->level--) {
		if (!step(w, table))
			return false;
		if (is_large(w))
			return true;
		table = target(w);
	}
}

/* *again: an entry changed under its A or D; nothing was done. */
static bool attempt(struct walker *w, bool *again)
{
	struct hw_result *r = w->result;
	struct hw_result last;

	w->n = 0;
	*again = false;
	*r = (struct hw_result){ .access = ACC_ALL, .below_access = ACC_ALL };
	r->gpa = w->access->addr;
	r->level = LEVEL_1G;
	r->dirty = true;
	if (w->stage->levels) {
		if (!walk_tables(w))
			return false;
		if (!w->probe && !hw_allows(w->stage, r->access, w->access))
			return fail(w, error_of(w, PFERR_PRESENT));
		r->dirty = w->pte & PTE_D || w->stage->no_ad;
		if (!w->probe && !w->stage->no_ad && !set_accessed_and_dirty(w)) {
			*again = true;
			return false;
		}
		r->global = w->stage->pge && w->pte & PTE_G;
		r->gpa = target(w);
		r->level = w->level;
	}
	if (!go_below(w, r->gpa, false, &last))
		return false;
	r->ok = true;
	r->hpa = last.hpa;
	r->level = last.level < r->level ? last.level : r->level;
	r->below_access = last.access;
	r->dirty = r->dirty && last.dirty;
	return true;
}

static bool walk(struct walker *w)
{
	bool ok, again;

	do {
		ok = attempt(w, &again);
	} while (again);
	return ok;
}

bool hw_walk(const struct hw_stage *stage, const struct hw_access *access,
	     struct hw_result *result)
{
	struct walker w = { .stage = stage, .access = access, .result = result };

	return walk(&w);
}

bool hw_probe(const struct hw_stage *stage, u64 addr, struct hw_result *result)
{
	const struct hw_access access = { addr, HW_READ, true, false };
	struct walker w = { .stage = stage, .access = &access, .result = result, .probe = true };

	return walk(&w);
}
