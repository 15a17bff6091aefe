/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by gpa and by gva, for the host. A write to a shadowed table takes the
 * write lock: nobody maps anything between what is dropped and the store. No other
 * frame becomes such a table while the read lock is held.
 */
#include "mmu/access.h"
#include "mmu/backend.h"
#include "mmu/cmpxchg.h"
#include "mmu/dirty.h"
#include "mmu/flush.h"
#include "mmu/gwalk.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"

/* Bytes from here to the end of the frame, at most len. */
static size_t in_frame(u64 addr, size_t len)
{
	size_t left = PAGE_SIZE - (addr & ~PAGE_MASK);

	return len < left ? len : left;
}

/* ---- by gpa ---------------------------------------------------------------------- */

/* Words are moved whole: a walker must not see half of a guest's entry, nor a
 * reader halves of two. */
static void store(void *memory, const void *from, size_t len)
{
	u64 word = 0;

	if (len > 8 || (uintptr_t)memory & (len - 1)) {
		memcpy(memory, from, len);
		return;
	}
	memcpy(&word, from, len);
	if (len == 8)
		__atomic_store_n((u64 *)memory, word, __ATOMIC_RELEASE);
	else if (len == 4)
		__atomic_store_n((u32 *)memory, (u32)word, __ATOMIC_RELEASE);
	else if (len == 2)
		__atomic_store_n((u16 *)memory, (u16)word, __ATOMIC_RELEASE);
	else
		memcpy(memory, from, len);
}

static void load(void *to, const void *memory, size_t len)
{
	u64 word;

	if (len > 8 || (uintptr_t)memory & (len - 1)) {
		memcpy(to, memory, len);
		return;
	}
	if (len == 8)
		word = __atomic_load_n((const u64 *)memory, __ATOMIC_ACQUIRE);
	else if (len == 4)
		word = __atomic_load_n((const u32 *)memory, __ATOMIC_ACQUIRE);
	else if (len == 2)
		word = __atomic_load_n((const u16 *)memory, __ATOMIC_ACQUIRE);
	else
		memcpy(&word, memory, len);
	memcpy(to, &word, len);
}

static u64 first_bytes(const void *from, size_t len)
{
	u64 value = 0;

	memcpy(&value, from, len < sizeof(value) ? len : sizeof(value));
	return value;
}

/* The guest's table at gpa is about to change. Its shadow goes first, and all flush:
 * who sees the store, and then flushes, finds nothing of before. */
static void shadow_first(struct mmu_op *op, const struct transfer *t, gpa_t gpa, size_t len)
{
	stat_add(t->vm, guest_writes, 1);
	vm_emit(t->vm, op_vcpu(op), guest_write, gpa, (u8)(len < 255 ? len : 255),
		first_bytes(t->buf, len));
	t->vm->shadow->guest_wrote(op, t->as, gpa, len);
	flush_pay(op);
	mmu_point(t->vm, guest_wrote);
}

/* What is there, in one step, and nothing changes. */
static bool holds(void *memory, void *expected, size_t len)
{
	u8 same[CMPXCHG_MAX];

	memcpy(same, expected, len);
	return cmpxchg_memory(memory, expected, same, len);
}

/* Memory is written to; a shadowed table under the write lock. */
static void store_frame(struct mmu_op *op, struct transfer *t, u8 *memory, gpa_t gpa, size_t len)
{
	t->differs = t->expected && t->table && !holds(memory, t->expected, len);
	if (t->differs)
		return;
	if (t->table)
		shadow_first(op, t, gpa, len);
	if (t->expected)
		t->differs = !cmpxchg_memory(memory, t->expected, t->buf, len);
	else
		store(memory, t->buf, len);
}

static struct memslot *transfer_slot(const struct transfer *t, gfn_t gfn)
{
	return t->cache ? gfn_cache_slot(t->vm, t->cache) : slot_lookup(t->vm, t->as, gfn);
}

/* returns  false: no slot there, or one that is read-only. Lock held; if that is not
 * enough for a table, nothing is done but t->table is set. */
static bool transfer_frame(struct mmu_op *op, struct transfer *t, gpa_t gpa, size_t len)
{
	struct memslot *slot = transfer_slot(t, gpa >> PAGE_SHIFT);
	u8 *memory;

	t->table = t->differs = false;
	op->awaits_slots = slot && !slot_is_usable(slot);
	if (!slot_is_usable(slot) || (t->write && !slot_is_writable(slot)))
		return false;
	memory = (u8 *)mmu_va(t->vm->env, slot_pfn(slot, gpa >> PAGE_SHIFT) << PAGE_SHIFT) +
		 (gpa & ~PAGE_MASK);
	if (!t->write) {
		load(t->buf, memory, len);
		return true;
	}
	t->table = track_is_shadowed(t->vm, slot, gpa >> PAGE_SHIFT);
	if (t->table && op->locked != OP_WRITE)
		return true;
	store_frame(op, t, memory, gpa, len);
	if (!t->differs)
		dirty_mark(t->vm, t->vcpu, slot, gpa >> PAGE_SHIFT);
	return true;
}

static bool transfer_part(struct transfer *t, gpa_t gpa, size_t len, bool exclusive)
{
	struct mmu_op op;
	bool ok;

	do {
		op_begin(&op, t->vm, t->vcpu, exclusive);
		ok = transfer_frame(&op, t, gpa, len);
		op_end(&op);
	} while (op.awaits_slots);
	return ok;
}

size_t transfer(struct transfer *t, gpa_t gpa, size_t len)
{
	size_t done = 0, part;
	bool ok = true;

	while (done < len && ok) {
		part = in_frame(gpa + done, len - done);
		ok = transfer_part(t, gpa + done, part, false);
		if (ok && t->table)
			ok = transfer_part(t, gpa + done, part, true);
		if (ok) {
			t->buf = (u8 *)t->buf + part;
			done += part;
		}
	}
	return done;
}

size_t mmu_vm_read(struct mmu_vm *vm, gpa_t gpa, void *buf, size_t len)
{
	return transfer(&(struct transfer){ .vm = vm, .buf = buf }, gpa, len);
}

size_t mmu_vm_write(struct mmu_vm *vm, gpa_t gpa, const void *buf, size_t len)
{
	return transfer(&(struct transfer){ .vm = vm, .buf = (void *)buf, .write = true }, gpa,
			len);
}

size_t mmu_vcpu_read(struct mmu_vcpu *vcpu, gpa_t gpa, void *buf, size_t len)
{
	return transfer(&(struct transfer){ .vm = vcpu->vm,
					    .vcpu = vcpu,
					    .as = vcpu->regs.smm,
					    .buf = buf },
			gpa, len);
}

size_t mmu_vcpu_write(struct mmu_vcpu *vcpu, gpa_t gpa, const void *buf, size_t len)
{
	return transfer(&(struct transfer){ .vm = vcpu->vm,
					    .vcpu = vcpu,
					    .as = vcpu->regs.smm,
					    .buf = (void *)buf,
					    .write = true },
			gpa, len);
}

static hpa_t slot_hpa(const struct memslot *slot, gpa_t gpa)
{
	if (!slot)
		return HPA_INVALID;
	return slot_pfn(slot, gpa >> PAGE_SHIFT) << PAGE_SHIFT | (gpa & ~PAGE_MASK);
}

static hpa_t gpa_to_hpa(struct mmu_vm *vm, unsigned as, gpa_t gpa)
{
	struct memslot *slot;
	struct mmu_op op;
	hpa_t hpa;

	do {
		op_begin(&op, vm, NULL, false);
		slot = slot_lookup(vm, as, gpa >> PAGE_SHIFT);
		hpa = slot_hpa(slot, gpa);
		op.awaits_slots = slot && !slot_is_usable(slot);
		op_end(&op);
	} while (op.awaits_slots);
	return hpa;
}

hpa_t mmu_vm_gpa_to_hpa(struct mmu_vm *vm, gpa_t gpa)
{
	return gpa_to_hpa(vm, 0, gpa);
}

hpa_t mmu_vcpu_gpa_to_hpa(struct mmu_vcpu *vcpu, gpa_t gpa)
{
	return gpa_to_hpa(vcpu->vm, vcpu->regs.smm, gpa);
}

/* ---- by gva ---------------------------------------------------------------------- */

static void fault_from_walk(struct mmu_fault *fault, gva_t gva, enum gwalk_result result,
			    const struct gwalk *walk)
{
	*fault = (struct mmu_fault){ .gva = gva };
	if (result == GWALK_FAULT) {
		fault->error = walk->error;
	} else if (result == GWALK_NESTED) {
		fault->nested = true;
		fault->error = walk->error;
		fault->gpa = walk->fault_ngpa;
	} else {
		fault->mmio = true;
		fault->gpa = walk->pte_gpa[walk->leaf_level];
	}
}

/* Walk and transfer under one lock, so that the slot is the one walked to.
 * returns  false: *fault tells why */
static bool transfer_gva_locked(struct mmu_op *op, struct transfer *t, gva_t gva, size_t len,
				u64 access, struct mmu_fault *fault)
{
	struct mmu_vcpu *vcpu = op->vcpu;
	enum gwalk_result result;
	struct gwalk walk;
	gpa_t gpa;
	bool ok;

	result = gwalk(op, vcpu->walk_mmu, gva, access & ~MMU_PEEK, !(access & MMU_PEEK),
		       access & MMU_PEEK, &walk);
	if (walk.exclusive)
		return t->table = true;
	if (result != GWALK_OK) {
		op->awaits_slots = walk.changing;
		fault_from_walk(fault, gva, result, &walk);
		return false;
	}
	gpa = walk.gfn << PAGE_SHIFT | (gva & ~PAGE_MASK);
	ok = transfer_frame(op, t, gpa, len);
	*fault = (struct mmu_fault){ .gva = gva, .gpa = gpa, .mmio = !ok };
	return ok;
}

static bool transfer_gva_part(struct mmu_vcpu *vcpu, struct transfer *t, gva_t gva, size_t len,
			      u64 access, struct mmu_fault *fault, bool exclusive)
{
	struct mmu_op op;
	bool ok;

	do {
		op_begin(&op, t->vm, vcpu, exclusive);
		ok = transfer_gva_locked(&op, t, gva, len, access, fault);
		op_end(&op);
	} while (op.awaits_slots);
	return ok;
}

static bool transfer_gva(struct mmu_vcpu *vcpu, struct transfer *t, gva_t gva, size_t len,
			 u64 access, struct mmu_fault *fault)
{
	bool ok;

	t->table = false;
	ok = transfer_gva_part(vcpu, t, gva, len, access, fault, false);
	if (ok && t->table)
		ok = transfer_gva_part(vcpu, t, gva, len, access, fault, true);
	if (ok)
		t->buf = (u8 *)t->buf + len;
	return ok;
}

static size_t transfer_gvas(struct mmu_vcpu *vcpu, struct transfer *t, gva_t gva, size_t len,
			    u64 access, struct mmu_fault *fault)
{
	struct mmu_fault ignored;
	size_t done = 0, part;

	while (done < len) {
		part = in_frame(gva + done, len - done);
		if (!transfer_gva(vcpu, t, gva + done, part, access, fault ? fault : &ignored))
			break;
		done += part;
	}
	return done;
}

size_t mmu_read_gva(struct mmu_vcpu *vcpu, gva_t gva, void *buf, size_t len, u64 access,
		    struct mmu_fault *fault)
{
	struct transfer t = { .vm = vcpu->vm, .vcpu = vcpu, .as = vcpu->regs.smm, .buf = buf };

	return transfer_gvas(vcpu, &t, gva, len, access, fault);
}

size_t mmu_write_gva(struct mmu_vcpu *vcpu, gva_t gva, const void *buf, size_t len, u64 access,
		     struct mmu_fault *fault)
{
	struct transfer t = { .vm = vcpu->vm,
			      .vcpu = vcpu,
			      .as = vcpu->regs.smm,
			      .buf = (void *)buf,
			      .write = true };

	return transfer_gvas(vcpu, &t, gva, len, access | PFERR_WRITE, fault);
}

enum mmu_exchange mmu_cmpxchg_gva(struct mmu_vcpu *vcpu, gva_t gva, void *expected,
				  const void *desired, size_t size, u64 access,
				  struct mmu_fault *fault)
{
	struct transfer t = { .vm = vcpu->vm,
			      .vcpu = vcpu,
			      .as = vcpu->regs.smm,
			      .buf = (void *)desired,
			      .expected = expected,
			      .write = true };

	mmu_check(vcpu->vm, in_frame(gva, size) == size && (size < CMPXCHG_MAX || !(gva & 15)),
		  "a compare-exchange lies within a page, one of 16 bytes is aligned", gva, size);
	if (!transfer_gva(vcpu, &t, gva, size, access | PFERR_WRITE, fault))
		return MMU_REFUSED;
	return t.differs ? MMU_DIFFERS : MMU_EXCHANGED;
}
