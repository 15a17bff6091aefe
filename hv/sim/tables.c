/* SPDX-License-Identifier: MIT */
/* A guest's page tables, built through the door the host writes memory by. */
#include "hv/sim/tables.h"
#include <string.h>

#define PTE_P	BIT(0)
#define PTE_W	BIT(1)
#define PTE_U	BIT(2)
#define PTE_PS	BIT(7)
#define PTE_G	BIT(8)
#define PTE_NX	BIT(63)

static const unsigned mode_levels[NR_GUEST_MODES] = {
	[GUEST_unpaged] = 0, [GUEST_2level] = 2, [GUEST_pae] = 3,
	[GUEST_4level] = 4,  [GUEST_5level] = 5,
};

/* Bits of an address below an entry at this level. */
static unsigned shift_of(const struct guest_tables *t, unsigned level)
{
	return 12 + (t->mode == GUEST_2level ? 10 : 9) * (level - 1);
}

static gpa_t entry_of(const struct guest_tables *t, gpa_t table, gva_t gva, unsigned level)
{
	unsigned bits = t->mode == GUEST_2level ? 10 : t->mode == GUEST_pae && level == 3 ? 2 : 9;

	return table + (gva >> shift_of(t, level) & ((1u << bits) - 1)) * guest_pte_size(t->mode);
}

/* Where the tables lead; they lie in no others.
 * returns  false: nowhere */
static bool find(const struct guest_tables *t, u64 addr, gpa_t *gpa)
{
	unsigned size = guest_pte_size(t->mode);
	gpa_t table = t->root;

	for (unsigned level = mode_levels[t->mode]; level; level--) {
		u64 offset = BIT(shift_of(t, level)) - 1, pte = 0;

		if (mmu_vm_read(t->sim->vm, entry_of(t, table, addr, level), &pte, size) != size ||
		    !(pte & PTE_P))
			return false;
		table = pte & BITS(51, 12);
		*gpa = (table & ~offset) | (addr & offset);
		if (level > 1 && pte & PTE_PS)
			break;
	}
	return true;
}

static bool table_read(const struct guest_tables *t, gpa_t gpa, void *buf, size_t len)
{
	if (t->below && !find(t->below, gpa, &gpa))
		return false;
	return mmu_vm_read(t->sim->vm, gpa, buf, len) == len;
}

static bool table_write(const struct guest_tables *t, gpa_t gpa, const void *buf, size_t len)
{
	if (t->below && !find(t->below, gpa, &gpa))
		return false;
	return mmu_vm_write(t->sim->vm, gpa, buf, len) == len;
}

/* A zeroed frame; 0: no memory there. */
static gpa_t new_table(struct guest_tables *t)
{
	static const u8 zeros[PAGE_SIZE];
	gpa_t gpa = t->next;

	if (!table_write(t, gpa, zeros, sizeof(zeros)))
		return 0;
	t->next += PAGE_SIZE;
	return gpa;
}

bool tables_begin(struct guest_tables *t, struct sim *sim, enum guest_mode mode, gpa_t at,
		  const struct guest_tables *below)
{
	*t = (struct guest_tables){ .sim = sim, .mode = mode, .next = at, .below = below };
	if (mode != GUEST_unpaged)
		t->root = new_table(t);
	return t->root || mode == GUEST_unpaged;
}

bool tables_init(struct guest_tables *t, struct sim *sim, enum guest_mode mode)
{
	struct mmu_regs regs;

	if (!tables_begin(t, sim, mode, TABLES_GPA, NULL))
		return false;
	regs = guest_mode_regs(mode, t->root);
	for (unsigned i = 0; i < sim->config.vcpus; i++)
		sim_set_regs(&sim->cpu[i], &regs, true);
	return true;
}

/* The table below an entry, made if need be; 0: no memory, or a large page. */
static gpa_t descend(struct guest_tables *t, gpa_t entry, unsigned level)
{
	unsigned size = guest_pte_size(t->mode);
	u64 pte = 0;

	if (!table_read(t, entry, &pte, size))
		return 0;
	if (pte & PTE_P)
		return pte & PTE_PS && level <= 3 ? 0 : pte & BITS(51, 12);
	pte = new_table(t);
	if (!pte)
		return 0;
	pte |= t->mode == GUEST_pae && level == 3 ? PTE_P : PTE_P | PTE_W | PTE_U;
	table_write(t, entry, &pte, size);
	return pte & BITS(51, 12);
}

static const char *make_pte(const struct guest_tables *t, gpa_t gpa, const char *rights,
			    u64 *pte)
{
	bool nx = t->mode >= GUEST_pae;

	*pte = gpa | PTE_P | (nx ? PTE_NX : 0);
	for (; *rights; rights++)
		switch (*rights) {
		case 'w':
			*pte |= PTE_W;
			break;
		case 'u':
			*pte |= PTE_U;
			break;
		case 'g':
			*pte |= PTE_G;
			break;
		case 'x':
			*pte &= ~PTE_NX;
			break;
		case 'r':
		case '-':
			break;
		default:
			return "rights are letters of rwxug-";
		}
	return NULL;
}

/* The level of a mapping of this size; 0: this mode has none. */
static unsigned level_of(const struct guest_tables *t, const char *size)
{
	if (!*size || !strcmp(size, "4k"))
		return 1;
	if (!strcmp(size, t->mode == GUEST_2level ? "4m" : "2m"))
		return 2;
	return !strcmp(size, "1g") && t->mode >= GUEST_4level ? 3 : 0;
}

const char *tables_map(struct guest_tables *t, gva_t gva, gpa_t gpa, const char *rights,
		       const char *size)
{
	unsigned leaf = level_of(t, size);
	gpa_t table = t->root;
	const char *why;
	u64 pte;

	if (t->mode == GUEST_unpaged)
		return "there is no paging in this mode";
	if (!leaf)
		return "this mode has no pages of this size";
	if ((gva | gpa) & (BIT(shift_of(t, leaf)) - 1))
		return "not aligned to the size of the page";
	why = make_pte(t, gpa, rights, &pte);
	if (why)
		return why;
	if (leaf > 1)
		pte |= PTE_PS;
	for (unsigned level = mode_levels[t->mode]; level > leaf; level--) {
		table = descend(t, entry_of(t, table, gva, level), level);
		if (!table)
			return "no memory for a table, or a large page is in the way";
	}
	return table_write(t, entry_of(t, table, gva, leaf), &pte, guest_pte_size(t->mode))
		       ? NULL
		       : "there is no memory for the entry";
}
