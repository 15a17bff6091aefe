/* SPDX-License-Identifier: MIT */
/*
 * One vCPU, its memory and its tables, without a machine.
 */
#include "tests/emulate_guest.h"

#include <string.h>

#define TABLES_GPA 0x30000u
#define RAM_SIZE   0x200000u
#define MMIO_GPA   0x80000000u

struct fake fake;
static struct vm vm;
struct vcpu *const v = &vm.vcpu[0];
struct vcpu_segs segs;
bool has_cx16;

static struct vcpu_segs *guest_segs(struct vcpu *vcpu)
{
	(void)vcpu;
	return &segs;
}

static void guest_cpuid(u32 leaf, u32 sub, u32 out[4])
{
	(void)leaf;
	(void)sub;
	memset(out, 0, 4 * sizeof(*out));
	out[2] = has_cx16 ? 1u << 13 : 0;
}

static u64 guest_now_ns(void *ctx)
{
	(void)ctx;
	return 0;
}

static void guest_line(void *ctx, unsigned line, bool level)
{
	(void)ctx;
	(void)line;
	(void)level;
}

static const struct platform platform = {
	.segs = guest_segs, .cpuid = guest_cpuid, .maxphyaddr = 40
};

void *ram(u64 gpa)
{
	return (u8 *)fake_va(&fake, FAKE_RAM) + gpa;
}

u64 peek(u64 gpa, unsigned size)
{
	u64 value = 0;

	memcpy(&value, ram(gpa), size);
	return value;
}

static void map_pages(void)
{
	static const u64 entry[NR_PAGES] = {
		[RW_1] = PAGE_GPA(RW_1) | 7, [READ_ONLY] = PAGE_GPA(READ_ONLY) | 5, [ABSENT] = 0,
		[MMIO] = MMIO_GPA | 7, [RW_2] = PAGE_GPA(RW_2) | 7, [RW_3] = PAGE_GPA(RW_3) | 7,
		[MMIO_2] = MMIO_GPA | 7, [RW_4] = PAGE_GPA(RW_4) | 7,
	};
	u64 *table = ram(TABLES_GPA);

	table[0] = (TABLES_GPA + 0x1000) | 7;
	table[512] = (TABLES_GPA + 0x2000) | 7;
	table[1024] = 0x87;
	table[1024 + (PAGE(0) >> 21)] = (TABLES_GPA + 0x3000) | 7;
	memcpy(&table[1536], entry, sizeof(entry));
}

void setup(enum insn_mode mode)
{
	const struct mmu_config config = {
		.mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 4, .maxphyaddr = 40
	};

	const struct board_owner owner = { .now_ns = guest_now_ns, .line = guest_line };

	fake_init(&fake);
	board_init(&vm.board, 1, &owner);
	fake.env.events_on = false;
	ck_assert_int_eq(mmu_vm_create(&fake.env, &config, &vm.mmu), MMU_OK);
	ck_assert_int_eq(mmu_vcpu_create(vm.mmu, 0, &v->mmu), MMU_OK);
	ck_assert_int_eq(mmu_slot_create(vm.mmu, 0, 0, 0, RAM_SIZE >> PAGE_SHIFT, FAKE_RAM, 0),
			 MMU_OK);
	map_pages();
	vm.p = &platform;
	v->vm = &vm;
	v->walk_mmu = v->mmu;
	for (unsigned s = 0; s < 6; s++)
		segs.seg[s] = (struct vcpu_seg){ 8, SEG_ATTRIB_DATA32, 0xffffffff, 0 };
	segs.seg[SEG_CS].attrib = mode == INSN_MODE64 ? SEG_ATTRIB_CODE64
				: mode == INSN_MODE32 ? SEG_ATTRIB_CODE32
						      : SEG_ATTRIB_CODE32 & ~SEG_ATTRIB_D;
	has_cx16 = true;
	v->regs.cr0 = CR0_PE | CR0_PG | CR0_WP;
	v->regs.cr3 = TABLES_GPA;
	v->regs.cr4 = CR4_PAE;
	v->regs.efer = EFER_LME | EFER_LMA;
	v->regs.rflags = RFLAGS_FIXED;
	vcpu_tell_mmu(v, true);
}

bool run_at(gva_t gva, const u8 *code, size_t n)
{
	struct insn i;

	memcpy(ram(gva), code, n);
	v->regs.rip = gva;
	v->event.type = VCPU_EVENT_NONE;
	ck_assert(vcpu_decode(v, &i));
	ck_assert_uint_eq(i.len, n);
	return emulate_insn(v, &i);
}
