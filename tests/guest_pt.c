/* SPDX-License-Identifier: MIT */
/* The pretended guest: its memory, its tables, and the CPU that runs it. */
#include "tests/guest_pt.h"

#include <string.h>

/* ---- memory ------------------------------------------------------------------------ */

u64 guest_peek(struct guest *g, gpa_t gpa, unsigned size)
{
	u64 value = 0;

	ck_assert_uint_lt(gpa >> PAGE_SHIFT, GUEST_FRAMES);
	memcpy(&value, fake_va(&g->m.fake, FAKE_RAM + gpa), size);
	return value;
}

void guest_poke(struct guest *g, gpa_t gpa, u64 value, unsigned size)
{
	ck_assert_uint_lt(gpa >> PAGE_SHIFT, GUEST_FRAMES);
	memcpy(fake_va(&g->m.fake, FAKE_RAM + gpa), &value, size);
}

static unsigned entry_size(const struct guest *g)
{
	return g->mode == TWO_LEVEL ? 4 : 8;
}

void guest_store(struct guest *g, gpa_t gpa, u64 gpte)
{
	unsigned size = entry_size(g);

	ck_assert_uint_eq(mmu_vm_write(g->m.vm, gpa, &gpte, size), size);
	machine_audit(&g->m);
}

/* ---- tables ------------------------------------------------------------------------- */

unsigned guest_levels(const struct guest *g)
{
	static const unsigned levels[NR_GUEST_MODES] = { 0, 2, 3, 4, 5 };

	return levels[g->mode];
}

gpa_t guest_table(struct guest *g)
{
	return g->next_table++ << PAGE_SHIFT;
}

gpa_t guest_entry(const struct guest *g, gpa_t table_gpa, unsigned level, gva_t gva)
{
	if (g->mode == TWO_LEVEL)
		return table_gpa + (level == 2 ? gva >> 22 & 0x3ff : gva >> 12 & 0x3ff) * 4;
	return table_gpa + (gva >> (12 + 9 * (level - 1)) & 0x1ff) * 8;
}

gpa_t guest_map(struct guest *g, gva_t gva, gpa_t gpa, u64 flags, unsigned level)
{
	bool no_rights = g->mode == PAE;
	gpa_t table = g->regs.cr3, entry;

	for (unsigned at = guest_levels(g); at > level; at--) {
		entry = guest_entry(g, table, at, gva);
		if (!(guest_peek(g, entry, entry_size(g)) & GPTE_P)) {
			u64 rights = no_rights && at == 3 ? GPTE_P : GPTE_P | GPTE_W | GPTE_U;

			guest_poke(g, entry, guest_table(g) | rights, entry_size(g));
		}
		table = guest_peek(g, entry, entry_size(g)) & 0xffffffff000;
	}
	entry = guest_entry(g, table, level, gva);
	guest_poke(g, entry, gpa | flags | GPTE_P | (level > 1 ? GPTE_PS : 0), entry_size(g));
	return entry;
}

/* ---- birth and end --------------------------------------------------------------------- */

void guest_set_regs(struct guest *g, unsigned vcpu, bool cr3_load)
{
	mmu_set_regs(g->m.vcpu[vcpu], &g->regs, cr3_load);
	machine_audit(&g->m);
}

static void init_regs(struct guest *g)
{
	g->regs = (struct mmu_regs){ .cr0 = CR0_PE | CR0_WP };
	if (g->mode == UNPAGED)
		return;
	g->regs.cr0 |= CR0_PG;
	g->regs.cr3 = guest_table(g);
	g->regs.cr4 = CR4_PSE;
	if (g->mode >= PAE) {
		g->regs.cr4 |= CR4_PAE;
		g->regs.efer |= EFER_NXE;
	}
	if (g->mode >= LONG4)
		g->regs.efer |= EFER_LME | EFER_LMA;
	if (g->mode == LONG5)
		g->regs.cr4 |= CR4_LA57;
}

void guest_init(struct guest *g, enum guest_mode mode, const struct mmu_config *config)
{
	guest_init_small(g, mode, config, GUEST_FRAMES);
}

void guest_init_small(struct guest *g, enum guest_mode mode, const struct mmu_config *config,
		      u64 frames)
{
	static const struct mmu_config shadow = {
		.mode = MMU_MODE_SHADOW, .nr_vcpus = 2, .maxphyaddr = 48,
	};

	machine_init(&g->m, config ? config : &shadow);
	machine_ram(&g->m, 0, 0, frames, 0);
	g->mode = mode;
	g->next_table = GUEST_TABLES;
	init_regs(g);
	for (unsigned i = 0; i < g->m.nr_vcpus; i++)
		guest_set_regs(g, i, true);
}

void guest_fini(struct guest *g)
{
	machine_fini(&g->m);
}

/* ---- the CPU ------------------------------------------------------------------------------ */

static u64 read_spte(struct guest *g, hpa_t hpa)
{
	u64 spte;

	memcpy(&spte, fake_va(&g->m.fake, hpa), sizeof(spte));
	return spte;
}

/* As QEMU's TCG does to tables of the host: A, even where four PDPTEs are read. */
static void set_accessed(struct guest *g, hpa_t hpa)
{
	__atomic_fetch_or((u64 *)fake_va(&g->m.fake, hpa), SPTE_A, __ATOMIC_RELAXED);
}

/* SMEP and SMAP are checked by the hardware, by our U. */
static bool kernel_may_not(const struct mmu_regs *regs, u64 rights, u64 access)
{
	if (access & PFERR_USER || !(rights & SPTE_U))
		return false;
	if (access & PFERR_FETCH)
		return regs->cr4 & CR4_SMEP;
	return regs->cr4 & CR4_SMAP && !(regs->ac && regs->cpl < 3);
}

/* CR0.WP is always set under us, NX always on. PDPTEs carry no rights. */
bool cpu_translate(struct guest *g, unsigned vcpu, gva_t gva, u64 access, struct outcome *out,
		   u64 *error)
{
	struct mmu_entry entry = machine_enter(&g->m, vcpu);
	u64 spte = entry.root, rights = SPTE_W | SPTE_U;
	unsigned level = entry.root_level + 1;
	bool nx = false;
	hpa_t hpa;

	*error = access & (PFERR_WRITE | PFERR_USER | PFERR_FETCH);
	do {
		level--;
		hpa = (spte & BITS(51, 12)) + level_index(gva, level) * 8;
		spte = read_spte(g, hpa);
		if (!(spte & 1))
			return false;
		/* Reserved address bits fault before any right is looked at. */
		if (spte & BITS(51, 48)) {
			*error |= PFERR_PRESENT | PFERR_RSVD;
			return false;
		}
		set_accessed(g, hpa);
		if (entry.root_level == 3 && level == 3)
			continue;
		rights &= spte;
		nx |= spte >> 63;
	} while (level > 1 && !(spte & BIT(7)));
	*error |= PFERR_PRESENT;
	if ((access & PFERR_WRITE && !(rights & SPTE_W)) ||
	    (access & PFERR_USER && !(rights & SPTE_U)) || (access & PFERR_FETCH && nx) ||
	    kernel_may_not(mmu_get_regs(g->m.vcpu[vcpu]), rights, access))
		return false;
	out->spte = spte;
	out->level = level;
	out->hpa = (spte & BITS(51, 12)) + (gva & (level_bytes(level) - 1));
	return true;
}

struct outcome cpu_access(struct guest *g, unsigned vcpu, gva_t gva, u64 access)
{
	struct outcome out = { .verdict = MMU_RETRY };
	u64 error;

	for (; !cpu_translate(g, vcpu, gva, access, &out, &error); out.faults++) {
		ck_assert_msg(out.faults < 8, "gva 0x%llx, access 0x%llx: faults for ever",
			      (unsigned long long)gva, (unsigned long long)access);
		out.verdict = machine_fault(&g->m, vcpu, gva, error, &out.fault);
		if (out.verdict != MMU_RETRY && out.verdict != MMU_SPURIOUS)
			return out;
	}
	out.verdict = MMU_RETRY;
	return out;
}

void expect_mapped(struct guest *g, unsigned vcpu, gva_t gva, u64 access, gpa_t gpa)
{
	struct outcome out = cpu_access(g, vcpu, gva, access);

	ck_assert_int_eq(out.verdict, MMU_RETRY);
	ck_assert_uint_eq(out.hpa, FAKE_RAM + gpa);
}

void expect_inject(struct guest *g, unsigned vcpu, gva_t gva, u64 access, u64 error)
{
	struct outcome out = cpu_access(g, vcpu, gva, access);

	ck_assert_int_eq(out.verdict, MMU_INJECT);
	ck_assert_uint_eq(out.fault.error, error);
	ck_assert_uint_eq(out.fault.gva, gva);
}

void expect_emulate(struct guest *g, unsigned vcpu, gva_t gva, u64 access, bool table, bool mmio)
{
	struct outcome out = cpu_access(g, vcpu, gva, access);

	ck_assert_int_eq(out.verdict, MMU_EMULATE);
	ck_assert_int_eq(out.fault.table, table);
	ck_assert_int_eq(out.fault.mmio, mmio);
}
