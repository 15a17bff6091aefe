/* SPDX-License-Identifier: MIT */
/* The pretended L1 and L2: registers, nested tables, accesses, the oracle. */
#include "tests/inner.h"

#include <string.h>

#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"

#define GUEST_BITS (PFERR_GUEST_PAGE | PFERR_GUEST_FINAL)

/* ---- machine and registers --------------------------------------------------------- */

void inner_init(struct inner *in, unsigned tdp_level, unsigned npt_levels)
{
	const struct mmu_config config = { .mode = MMU_MODE_TDP, .nr_vcpus = 2,
					   .maxphyaddr = 48, .tdp_level = tdp_level };

	memset(in, 0, sizeof(*in));
	guest_init(&in->g, LONG4, &config);
	in->next_npt = NPT_GFN;
	in->nested = (struct mmu_nested){
		.np = true,
		.ncr3 = npt_table(in),
		.cr0 = CR0_PE | CR0_PG,
		.cr4 = CR4_PSE | (npt_levels > 2 ? CR4_PAE : 0) | (npt_levels == 5 ? CR4_LA57 : 0),
		.efer = EFER_SVME | (npt_levels > 2 ? EFER_NXE : 0) |
			(npt_levels > 3 ? EFER_LME | EFER_LMA : 0),
	};
}

void inner_fini(struct inner *in)
{
	guest_fini(&in->g);
}

struct mmu_regs inner_regs(enum guest_mode mode, gpa_t ngpa)
{
	static const struct mmu_regs bits[NR_GUEST_MODES] = {
		[UNPAGED] = { .cr0 = CR0_PE },
		[TWO_LEVEL] = { .cr0 = CR0_PE | CR0_PG | CR0_WP, .cr4 = CR4_PSE },
		[PAE] = { .cr0 = CR0_PE | CR0_PG | CR0_WP, .cr4 = CR4_PAE, .efer = EFER_NXE },
		[LONG4] = { .cr0 = CR0_PE | CR0_PG | CR0_WP, .cr4 = CR4_PAE,
			    .efer = EFER_LME | EFER_LMA | EFER_NXE },
		[LONG5] = { .cr0 = CR0_PE | CR0_PG | CR0_WP, .cr4 = CR4_PAE | CR4_LA57,
			    .efer = EFER_LME | EFER_LMA | EFER_NXE },
	};
	struct mmu_regs regs = bits[mode];

	regs.cr3 = mode == UNPAGED ? 0 : ngpa;
	return regs;
}

void inner_enter(struct inner *in, unsigned vcpu)
{
	ck_assert_int_eq(mmu_nested_enter(in->g.m.vcpu[vcpu], &in->nested, &in->regs), MMU_OK);
	machine_audit(&in->g.m);
}

void inner_leave(struct inner *in, unsigned vcpu)
{
	mmu_nested_leave(in->g.m.vcpu[vcpu], &in->g.regs);
	machine_audit(&in->g.m);
}

/* ---- L1's nested tables --------------------------------------------------------------- */

gpa_t npt_table(struct inner *in)
{
	return in->next_npt++ << PAGE_SHIFT;
}

static unsigned levels_of(const struct mmu_regs *regs)
{
	if (!(regs->cr0 & CR0_PG))
		return 0;
	if (regs->efer & EFER_LMA)
		return regs->cr4 & CR4_LA57 ? 5 : 4;
	return regs->cr4 & CR4_PAE ? 3 : 2;
}

unsigned npt_levels(const struct inner *in)
{
	const struct mmu_regs regs = { .cr0 = CR0_PG, .cr4 = in->nested.cr4,
				       .efer = in->nested.efer };

	return levels_of(&regs);
}

unsigned npt_entry_size(const struct inner *in)
{
	return npt_levels(in) == 2 ? 4 : 8;
}

gpa_t npt_map(struct inner *in, gpa_t ngpa, gpa_t gpa, u64 flags, unsigned level)
{
	unsigned size = npt_entry_size(in), levels = npt_levels(in);
	const struct guest as = { .mode = levels - 1 };
	gpa_t table = in->nested.ncr3, entry;

	for (unsigned at = levels; at > level; at--) {
		u64 rights = levels == 3 && at == 3 ? 0 : NPT_ALL; /* a PDPTE has none */

		entry = guest_entry(&as, table, at, ngpa);
		if (!(guest_peek(&in->g, entry, size) & GPTE_P))
			guest_poke(&in->g, entry, npt_table(in) | rights | GPTE_P, size);
		table = guest_peek(&in->g, entry, size) & BITS(51, 12);
	}
	entry = guest_entry(&as, table, level, ngpa);
	guest_poke(&in->g, entry, gpa | flags | GPTE_P | (level > 1 ? GPTE_PS : 0), size);
	return entry;
}

/* ---- hardware ---------------------------------------------------------------------------- */

static struct hw_stage below_stage(struct inner *in, unsigned vcpu)
{
	struct mmu_entry entry = machine_enter(&in->g.m, vcpu);

	return (struct hw_stage){
		.memory = in->g.m.fake.env.direct_map,
		.memory_size = FAKE_RAM + FAKE_RAM_SIZE,
		.root = entry.root,
		.levels = entry.root_level,
		.maxphyaddr = 48,
		.wp = true,
		.nx = true,
	};
}

static struct hw_stage guest_stage(const struct mmu_regs *regs, const struct hw_stage *below)
{
	struct hw_stage stage = *below;

	stage.below = below;
	stage.root = regs->cr3;
	stage.levels = levels_of(regs);
	stage.pse = regs->cr4 & CR4_PSE;
	stage.wp = regs->cr0 & CR0_WP;
	stage.nx = regs->efer & EFER_NXE && regs->cr4 & CR4_PAE;
	stage.smep = regs->cr4 & CR4_SMEP;
	stage.smap = regs->cr4 & CR4_SMAP;
	return stage;
}

static struct hw_access hw_access_of(u64 addr, u64 access, const struct mmu_regs *regs)
{
	return (struct hw_access){
		.addr = addr,
		.kind = access & PFERR_WRITE ? HW_WRITE : access & PFERR_FETCH ? HW_FETCH : HW_READ,
		.user = access & PFERR_USER,
		.ac = regs->ac && regs->cpl < 3,
	};
}

bool l1_store(struct inner *in, unsigned vcpu, gpa_t gpa, u64 value)
{
	const struct hw_access access = { .addr = gpa, .kind = HW_WRITE, .user = true };
	unsigned size = npt_entry_size(in);
	enum mmu_verdict verdict;
	struct mmu_fault fault;
	struct hw_result r;

	for (unsigned faults = 0;; faults++) {
		struct hw_stage stage = below_stage(in, vcpu);

		ck_assert_uint_lt(faults, 8);
		if (hw_walk(&stage, &access, &r))
			break;
		verdict = machine_fault(&in->g.m, vcpu, gpa, r.error | PFERR_GUEST_FINAL, &fault);
		if (verdict != MMU_EMULATE)
			continue;
		ck_assert(fault.table);
		ck_assert_uint_eq(mmu_vcpu_write(in->g.m.vcpu[vcpu], gpa, &value, size), size);
		machine_audit(&in->g.m);
		return true;
	}
	ck_assert_uint_eq(r.hpa, FAKE_RAM + gpa);
	guest_poke(&in->g, gpa, value, size);
	return false;
}

static struct arrival answered(const struct mmu_fault *fault, enum mmu_verdict verdict)
{
	struct arrival a = { .gpa = fault->gpa, .ngpa = fault->gpa, .error = fault->error };

	if (verdict == MMU_REFLECT) {
		ck_assert(fault->nested);
		a.ending = L1_FAULT;
		return a;
	}
	ck_assert_int_eq(verdict, MMU_EMULATE);
	a.ending = fault->table ? TABLE : DEVICE;
	return a;
}

struct arrival inner_access(struct inner *in, unsigned vcpu, gva_t gva, u64 access)
{
	const struct mmu_regs *regs = mmu_get_regs(in->g.m.vcpu[vcpu]);
	const struct hw_access hw = hw_access_of(gva, access, regs);
	enum mmu_verdict verdict;
	struct mmu_fault fault;
	struct arrival a;
	struct hw_result r;

	for (unsigned faults = 0;; faults++) {
		const struct hw_stage below = below_stage(in, vcpu);
		const struct hw_stage stage = guest_stage(regs, &below);

		ck_assert_msg(faults < 32, "gva 0x%llx, access 0x%llx: faults for ever",
			      (unsigned long long)gva, (unsigned long long)access);
		if (hw_walk(&stage, &hw, &r))
			return (struct arrival){ .ending = REACHED, .hpa = r.hpa, .faults = faults };
		if (!r.nested)
			return (struct arrival){ .ending = L2_FAULT, .error = r.error,
						 .faults = faults };
		ck_assert(!r.wild);
		verdict = machine_fault(&in->g.m, vcpu, r.fault_addr, r.error, &fault);
		if (verdict == MMU_RETRY || verdict == MMU_SPURIOUS)
			continue;
		a = answered(&fault, verdict);
		a.faults = faults + 1;
		return a;
	}
}

/* ---- the oracle ----------------------------------------------------------------------------- */

/* L1's nested tables: a user's access, whatever L1's CR0.WP; no sign in an nGPA, which
 * the oracle's walk looks for, and nothing beyond what the levels translate. */
static struct oracle npt_oracle(struct inner *in, gpa_t ngpa, u64 access)
{
	const struct mmu_regs regs = { .cr0 = CR0_PG | CR0_WP, .cr3 = in->nested.ncr3,
				       .cr4 = in->nested.cr4, .efer = in->nested.efer };
	unsigned bits = npt_levels(in) < 4 ? 32 : 12 + 9 * npt_levels(in), unused = 64 - bits;
	u64 error = (access & PFERR_WRITE) | PFERR_USER;

	if (access & PFERR_FETCH && regs.efer & EFER_NXE && regs.cr4 & CR4_PAE)
		error |= PFERR_FETCH;
	if (ngpa >> bits)
		return (struct oracle){ .error = error };
	if (bits > 32)
		ngpa = (u64)((s64)(ngpa << unused) >> unused);
	return oracle_walk(&in->g, &regs, ngpa, access | PFERR_USER);
}

/* Where L1 puts an nGPA. returns  false: *a says how it ends */
static bool place(struct inner *in, gpa_t ngpa, u64 access, u64 why, gpa_t *gpa,
		  struct arrival *a)
{
	struct oracle o = npt_oracle(in, ngpa, access);

	*gpa = o.gpa;
	if (o.ok)
		return true;
	*a = (struct arrival){ .ending = L1_FAULT, .ngpa = ngpa, .error = o.error | why };
	return false;
}

bool inner_place(struct inner *in, gpa_t ngpa, gpa_t *gpa)
{
	struct arrival ignored;

	return place(in, ngpa, 0, 0, gpa, &ignored);
}

/* As the hardware would have set them. */
static void expect_ad(struct inner *in, gpa_t ngpa, u64 access)
{
	struct oracle o = npt_oracle(in, ngpa, access);

	for (unsigned i = 0; i < o.nr; i++)
		ck_assert_msg(o.entry[i].old == o.entry[i].with_ad,
			      "L1's entry at 0x%llx for nGPA 0x%llx is 0x%llx",
			      (unsigned long long)o.entry[i].gpa, (unsigned long long)ngpa,
			      (unsigned long long)o.entry[i].old);
}

static bool in_ram(gpa_t gpa)
{
	return gpa >> PAGE_SHIFT < GUEST_FRAMES;
}

/* L2's tables are read by the oracle through this. */
static struct {
	struct inner *in;
	struct arrival *a;
} placing;

static bool place_table(gpa_t ngpa, gpa_t *gpa)
{
	if (!place(placing.in, ngpa, PFERR_WRITE, PFERR_GUEST_PAGE, gpa, placing.a))
		return false;
	if (in_ram(*gpa))
		return true;
	*placing.a = (struct arrival){ .ending = DEVICE, .gpa = *gpa };
	return false;
}

struct arrival inner_oracle(struct inner *in, gva_t gva, u64 access)
{
	struct arrival a = { .ending = REACHED };
	struct oracle o;
	gpa_t gpa;

	placing.in = in;
	placing.a = &a;
	o = oracle_walk_through(&in->g, &in->regs, gva, access, place_table);
	if (o.no_table)
		return a;
	if (!o.ok)
		return (struct arrival){ .ending = L2_FAULT, .error = o.error };
	if (!place(in, o.gpa, access & (PFERR_WRITE | PFERR_FETCH), PFERR_GUEST_FINAL, &gpa, &a))
		return a;
	if (!in_ram(gpa))
		return (struct arrival){ .ending = DEVICE, .gpa = gpa };
	a.hpa = FAKE_RAM + gpa;
	a.gpa = gpa;
	a.ngpa = o.gpa;
	return a;
}

/* The library's own walk of L2's tables says the same (F-5), and touches nothing. */
static void compare_walk(struct inner *in, unsigned vcpu, gva_t gva, u64 access,
			 const struct arrival *want)
{
	struct mmu_walk walk;
	bool ok = mmu_walk(in->g.m.vcpu[vcpu], gva, access, &walk);

	switch (want->ending) {
	case REACHED:
		ck_assert(ok);
		ck_assert_uint_eq(walk.gpa, want->gpa);
		ck_assert_uint_eq(walk.ngpa, want->ngpa);
		break;
	case L1_FAULT:
		ck_assert(!ok && walk.nested);
		ck_assert_uint_eq(walk.error, want->error);
		ck_assert_uint_eq(walk.ngpa, want->ngpa);
		break;
	case L2_FAULT:
		/* QEMU sets A in a PDPTE, so the library lets it pass there. */
		if (want->error & PFERR_RSVD && levels_of(&in->regs) == 3)
			break;
		ck_assert(!ok && !walk.nested);
		ck_assert_uint_eq(walk.error, want->error);
		break;
	default:
		ck_assert(!walk.nested);
	}
}

struct arrival inner_compare(struct inner *in, unsigned vcpu, gva_t gva, u64 access)
{
	struct arrival want = inner_oracle(in, gva, access);
	struct arrival have;

	compare_walk(in, vcpu, gva, access, &want);
	have = inner_access(in, vcpu, gva, access);
	/* An A bit that the first attempt set may lie in what the next one reads. */
	if (have.ending != want.ending)
		want = inner_oracle(in, gva, access);
	if (have.ending == TABLE) {
		/* Also the hardware's own write, walking; where does not matter then. */
		ck_assert(track_is_shadowed(in->g.m.vm, vm_slot(in->g.m.vm, have.gpa >> PAGE_SHIFT),
					    have.gpa >> PAGE_SHIFT));
		return have;
	}
	ck_assert_msg(have.ending == want.ending,
		      "gva 0x%llx access 0x%llx ends as %u, not %u (error 0x%llx, 0x%llx), cr0 0x%llx cr4 0x%llx efer 0x%llx",
		      (unsigned long long)gva, (unsigned long long)access, have.ending,
		      want.ending, (unsigned long long)have.error, (unsigned long long)want.error,
		      (unsigned long long)in->regs.cr0, (unsigned long long)in->regs.cr4,
		      (unsigned long long)in->regs.efer);
	switch (want.ending) {
	case REACHED:
		ck_assert_uint_eq(have.hpa, want.hpa);
		expect_ad(in, want.ngpa, access);
		break;
	case L1_FAULT:
		ck_assert_uint_eq(have.ngpa, want.ngpa);
		ck_assert_uint_eq(have.error, want.error);
		break;
	case L2_FAULT:
		ck_assert_uint_eq(have.error, want.error);
		break;
	default:
		ck_assert_uint_eq(have.gpa, want.gpa);
	}
	return have;
}

/* ---- wishes ------------------------------------------------------------------------------------ */

void inner_begin(struct inner *in, unsigned tdp_level, unsigned npt_levels)
{
	inner_init(in, tdp_level, npt_levels);
	for (gpa_t ngpa = 0x1000; ngpa <= 0x4000; ngpa += 0x1000)
		npt_map(in, ngpa, 0x800000 + ngpa, NPT_ALL, LEVEL_4K);
	in->regs = inner_regs(UNPAGED, 0);
	inner_enter(in, 0);
}

void inner_reached(struct inner *in, gva_t gva, u64 access, gpa_t gpa)
{
	struct arrival a = inner_compare(in, 0, gva, access);

	ck_assert_uint_eq(a.ending, REACHED);
	ck_assert_uint_eq(a.hpa, FAKE_RAM + gpa);
}

void inner_reflected(struct inner *in, gva_t gva, u64 access, u64 error)
{
	struct arrival a = inner_compare(in, 0, gva, access);

	ck_assert_uint_eq(a.ending, L1_FAULT);
	ck_assert_uint_eq(a.error, error);
}

unsigned inner_pages(struct inner *in)
{
	unsigned nr = 0;

	for (struct sp *sp = sp_next(in->g.m.vm, NULL); sp; sp = sp_next(in->g.m.vm, sp))
		nr += sp->role.guest_mode && !sp->role.invalid;
	return nr;
}

unsigned inner_mirrors(struct inner *in, gpa_t gpa)
{
	unsigned nr = 0;

	for (struct sp *sp = sp_next(in->g.m.vm, NULL); sp; sp = sp_next(in->g.m.vm, sp))
		nr += sp_has_gptes(sp) && !sp->role.invalid && sp->gfn == gpa >> PAGE_SHIFT;
	return nr;
}
