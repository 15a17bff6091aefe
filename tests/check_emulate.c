/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator against the CPU this test runs on: the same bytes,
 * registers and memory, once executed and once emulated in a guest in 64-bit
 * mode. Registers, defined flags, memory and RIP must agree.
 */
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"
#include "tests/fake_env.h"
#include "tests/tap.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __x86_64__

#define ROUNDS  200
#define AREA    4096u       /* bytes both sides see */
#define DATA    2048u       /* where RDI points, in the middle */
#define AREA_GVA 0x10000u
#define CODE_GVA 0x20000u
#define TABLES_GPA 0x30000u
#define RAM_SIZE 0x200000u

#define ALL_FLAGS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)
#define NO_AF     (ALL_FLAGS & ~RFLAGS_AF)
#define ONLY_CF   RFLAGS_CF
#define ONLY_ZF   RFLAGS_ZF

enum imm { NONE, BYTE, FULL };

/* An instruction with ModRM operand [rdi]; sizes: a set of 1 2 4 8. */
static const struct form {
	const char *name;
	u8 code[2]; /* {0x0f, x} or {x}; the low bit tells bytes from words */
	u8 n;
	signed char digit; /* /digit, -1: a register */
	enum imm imm;
	u8 sizes;
	u64 flags;
	bool small_reg; /* the register is a bit number */
} forms[] = {
#define ALU(name, n, flags) \
	{ name " m,r", { 8 * n }, 1, -1, NONE, 1, flags, false }, \
	{ name " m,r", { 8 * n + 1 }, 1, -1, NONE, 14, flags, false }, \
	{ name " r,m", { 8 * n + 2 }, 1, -1, NONE, 1, flags, false }, \
	{ name " r,m", { 8 * n + 3 }, 1, -1, NONE, 14, flags, false }, \
	{ name " m,i", { 0x80 }, 1, n, BYTE, 1, flags, false }, \
	{ name " m,i", { 0x81 }, 1, n, FULL, 14, flags, false }, \
	{ name " m,i8", { 0x83 }, 1, n, BYTE, 14, flags, false }
	ALU("add", 0, ALL_FLAGS), ALU("or", 1, NO_AF), ALU("adc", 2, ALL_FLAGS),
	ALU("sbb", 3, ALL_FLAGS), ALU("and", 4, NO_AF), ALU("sub", 5, ALL_FLAGS),
	ALU("xor", 6, NO_AF), ALU("cmp", 7, ALL_FLAGS),
	{ "test", { 0x84 }, 1, -1, NONE, 1, NO_AF, false },
	{ "test", { 0x85 }, 1, -1, NONE, 14, NO_AF, false },
	{ "xchg", { 0x86 }, 1, -1, NONE, 1, ALL_FLAGS, false },
	{ "xchg", { 0x87 }, 1, -1, NONE, 14, ALL_FLAGS, false },
	{ "mov m,r", { 0x88 }, 1, -1, NONE, 1, ALL_FLAGS, false },
	{ "mov m,r", { 0x89 }, 1, -1, NONE, 14, ALL_FLAGS, false },
	{ "mov r,m", { 0x8a }, 1, -1, NONE, 1, ALL_FLAGS, false },
	{ "mov r,m", { 0x8b }, 1, -1, NONE, 14, ALL_FLAGS, false },
	{ "mov m,i", { 0xc6 }, 1, 0, BYTE, 1, ALL_FLAGS, false },
	{ "mov m,i", { 0xc7 }, 1, 0, FULL, 14, ALL_FLAGS, false },
	{ "not", { 0xf6 }, 1, 2, NONE, 1, ALL_FLAGS, false },
	{ "not", { 0xf7 }, 1, 2, NONE, 14, ALL_FLAGS, false },
	{ "neg", { 0xf6 }, 1, 3, NONE, 1, ALL_FLAGS, false },
	{ "neg", { 0xf7 }, 1, 3, NONE, 14, ALL_FLAGS, false },
	{ "inc", { 0xfe }, 1, 0, NONE, 1, ALL_FLAGS, false },
	{ "inc", { 0xff }, 1, 0, NONE, 14, ALL_FLAGS, false },
	{ "dec", { 0xfe }, 1, 1, NONE, 1, ALL_FLAGS, false },
	{ "dec", { 0xff }, 1, 1, NONE, 14, ALL_FLAGS, false },
	{ "bt", { 0x0f, 0xa3 }, 2, -1, NONE, 14, ONLY_CF, true },
	{ "bts", { 0x0f, 0xab }, 2, -1, NONE, 14, ONLY_CF, true },
	{ "btr", { 0x0f, 0xb3 }, 2, -1, NONE, 14, ONLY_CF, true },
	{ "btc", { 0x0f, 0xbb }, 2, -1, NONE, 14, ONLY_CF, true },
	{ "bt i", { 0x0f, 0xba }, 2, 4, BYTE, 14, ONLY_CF, false },
	{ "bts i", { 0x0f, 0xba }, 2, 5, BYTE, 14, ONLY_CF, false },
	{ "btr i", { 0x0f, 0xba }, 2, 6, BYTE, 14, ONLY_CF, false },
	{ "btc i", { 0x0f, 0xba }, 2, 7, BYTE, 14, ONLY_CF, false },
	{ "cmpxchg", { 0x0f, 0xb0 }, 2, -1, NONE, 1, ALL_FLAGS, false },
	{ "cmpxchg", { 0x0f, 0xb1 }, 2, -1, NONE, 14, ALL_FLAGS, false },
	{ "cmpxchg8b/16b", { 0x0f, 0xc7 }, 2, 1, NONE, 12, ONLY_ZF, false },
	{ "xadd", { 0x0f, 0xc0 }, 2, -1, NONE, 1, ALL_FLAGS, false },
	{ "xadd", { 0x0f, 0xc1 }, 2, -1, NONE, 14, ALL_FLAGS, false },
	{ "movnti", { 0x0f, 0xc3 }, 2, -1, NONE, 12, ALL_FLAGS, false },
};
#define NR_FORMS (sizeof(forms) / sizeof(*forms))

/* Registers the code may use; RDI points to the data. */
struct state {
	u64 rax, rbx, rcx, rdx, rsi, rdi, r8, flags;
	u8 area[AREA] __attribute__((aligned(16)));
};

static u64 seed = 0x9e3779b97f4a7c15;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* ---- the real CPU ---- */

/* Calls the code with the registers of s, RSI and RDI as they are in there. */
static void call_code(const void *code, struct state *s)
{
	u64 flags = s->flags;
	register u64 r8 __asm__("r8") = s->r8;

	__asm__ volatile("leaq -256(%%rsp), %%rsp\n\t"
			 "pushq %[flags]\n\t"
			 "popfq\n\t"
			 "call *%[code]\n\t"
			 "pushfq\n\t"
			 "popq %[flags]\n\t"
			 "cld\n\t"
			 "leaq 256(%%rsp), %%rsp"
			 : "+a"(s->rax), "+b"(s->rbx), "+c"(s->rcx), "+d"(s->rdx), "+S"(s->rsi),
			   "+D"(s->rdi), "+r"(r8), [flags] "+r"(flags)
			 : [code] "r"(code)
			 : "memory", "cc");
	s->r8 = r8;
	s->flags = flags;
}

static void run_native(const u8 *code, size_t n, struct state *s)
{
	static u8 *page;
	u64 moved = (u64)s->area - AREA_GVA;
	bool rsi_points = s->rsi - AREA_GVA < AREA;

	if (!page)
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(page, code, n);
	page[n] = 0xc3;
	s->rdi += moved;
	s->rsi += rsi_points ? moved : 0;
	call_code(page, s);
	s->rdi -= moved;
	s->rsi -= rsi_points ? moved : 0;
}

/* ---- the guest ---- */

static struct fake fake;
static struct vm vm;
static struct vcpu_segs segs;

static struct vcpu_segs *guest_segs(struct vcpu *v)
{
	(void)v;
	return &segs;
}

static const struct platform platform = { .segs = guest_segs, .maxphyaddr = 40 };

static u8 *guest_ram(void)
{
	return fake_va(&fake, FAKE_RAM);
}

static void setup(void)
{
	const struct mmu_config config = {
		.mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 4, .maxphyaddr = 40
	};
	struct vcpu *v = &vm.vcpu[0];
	u64 *table;

	fake_init(&fake);
	fake.env.events_on = false;
	ck_assert_int_eq(mmu_vm_create(&fake.env, &config, &vm.mmu), MMU_OK);
	ck_assert_int_eq(mmu_vcpu_create(vm.mmu, 0, &v->mmu), MMU_OK);
	ck_assert_int_eq(mmu_slot_create(vm.mmu, 0, 0, 0, RAM_SIZE >> PAGE_SHIFT, FAKE_RAM, 0),
			 MMU_OK);
	table = (u64 *)(guest_ram() + TABLES_GPA);
	table[0] = (TABLES_GPA + 0x1000) | 7;
	table[512] = (TABLES_GPA + 0x2000) | 7;
	table[1024] = 0xe7; /* 2 MiB at 0 */
	vm.p = &platform;
	v->vm = &vm;
	v->walk_mmu = v->mmu;
	segs.seg[SEG_CS].attrib = SEG_ATTRIB_CODE64;
	v->regs.cr0 = CR0_PE | CR0_PG | CR0_WP;
	v->regs.cr3 = TABLES_GPA;
	v->regs.cr4 = CR4_PAE;
	v->regs.efer = EFER_LME | EFER_LMA;
	vcpu_tell_mmu(v, true);
}

/* Rounds of a repeated instruction until RIP has moved. */
static void run_emulated(const u8 *code, size_t n, struct state *s)
{
	struct vcpu *v = &vm.vcpu[0];
	struct vcpu_regs *r = &v->regs;
	struct insn i;

	memcpy(guest_ram() + CODE_GVA, code, n);
	memcpy(guest_ram() + AREA_GVA, s->area, AREA);
	r->gpr[RAX] = s->rax;
	r->gpr[RBX] = s->rbx;
	r->gpr[RCX] = s->rcx;
	r->gpr[RDX] = s->rdx;
	r->gpr[RSI] = s->rsi;
	r->gpr[RDI] = s->rdi;
	r->gpr[R8] = s->r8;
	r->rflags = s->flags;
	r->rip = CODE_GVA;
	for (unsigned round = 0; r->rip == CODE_GVA && round < 100; round++) {
		ck_assert(vcpu_decode(v, &i));
		ck_assert(emulate_insn(v, &i));
		ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	}
	ck_assert_uint_eq(r->rip, CODE_GVA + n);
	memcpy(s->area, guest_ram() + AREA_GVA, AREA);
	s->rax = r->gpr[RAX];
	s->rbx = r->gpr[RBX];
	s->rcx = r->gpr[RCX];
	s->rdx = r->gpr[RDX];
	s->rsi = r->gpr[RSI];
	s->rdi = r->gpr[RDI];
	s->r8 = r->gpr[R8];
	s->flags = r->rflags;
}

/* ---- comparing ---- */

static void random_state(struct state *s)
{
	*s = (struct state){ rnd(), rnd(), rnd(), rnd(), rnd() | 1ull << 63, AREA_GVA + DATA, rnd(),
			     RFLAGS_FIXED | RFLAGS_IF | (rnd() & ALL_FLAGS), { 0 } };
	for (unsigned k = 0; k < AREA; k += 8) {
		u64 word = rnd();

		memcpy(s->area + k, &word, 8);
	}
}

static void compare(const char *name, unsigned size, const u8 *code, size_t n,
		    const struct state *before, u64 flags)
{
	static struct state a, b;
	char bytes[3 * INSN_MAX_LEN + 1] = "";

	for (size_t k = 0; k < n; k++)
		sprintf(bytes + 3 * k, "%02x ", code[k]);
	a = b = *before;
	run_native(code, n, &a);
	run_emulated(code, n, &b);
#define SAME(what) \
	ck_assert_msg(a.what == b.what, "%s, %u bytes (%s): " #what " is %#llx, emulated %#llx", \
		      name, size, bytes, (unsigned long long)a.what, (unsigned long long)b.what)
	SAME(rax);
	SAME(rbx);
	SAME(rcx);
	SAME(rdx);
	SAME(rsi);
	SAME(rdi);
	SAME(r8);
	a.flags &= flags;
	b.flags &= flags;
	SAME(flags);
	ck_assert_msg(!memcmp(a.area, b.area, AREA), "%s, %u bytes (%s): memory differs", name,
		      size, bytes);
#undef SAME
}

static size_t make(const struct form *f, unsigned size, struct state *s, u8 *code)
{
	static const u8 regs[] = { RAX, RCX, RDX, RBX, RSI, R8 };
	u64 *const values[] = { &s->rax, &s->rcx, &s->rdx, &s->rbx, &s->rsi, &s->r8 };
	unsigned pick = rnd() % sizeof(regs);
	u8 reg = f->digit >= 0 ? (u8)f->digit : regs[pick], rex = 0;
	size_t n = 0, imm = f->imm == NONE ? 0 : f->imm == BYTE ? 1 : size == 2 ? 2 : 4;

	if (f->small_reg)
		*values[pick] = (u64)((s64)(rnd() % 4096) - 2048);
	if (size == 2)
		code[n++] = 0x66;
	rex = (size == 8 ? 8 : 0) | (reg >= 8 ? 4 : 0);
	if (rex || (size == 1 && rnd() & 1))
		code[n++] = 0x40 | rex;
	for (unsigned k = 0; k < f->n; k++)
		code[n++] = f->code[k];
	code[n++] = (u8)((reg & 7) << 3 | RDI);
	for (size_t k = 0; k < imm; k++)
		code[n++] = (u8)rnd();
	return n;
}

/* Half of the compares and exchanges find what they look for. */
static void make_equal(const struct form *f, struct state *s)
{
	if (f->code[0] != 0x0f || (f->code[1] & 0xfe) != 0xb0)
		return;
	if (rnd() & 1)
		memcpy(&s->rax, s->area + DATA, 8);
}

START_TEST(every_memory_form_does_what_the_cpu_does)
{
	static struct state s;
	u8 code[INSN_MAX_LEN];

	setup();
	for (size_t k = 0; k < NR_FORMS; k++) {
		for (unsigned size = 1; size <= 8; size *= 2) {
			if (!(forms[k].sizes & size))
				continue;
			for (unsigned round = 0; round < ROUNDS; round++) {
				size_t n;

				random_state(&s);
				n = make(&forms[k], size, &s, code);
				make_equal(&forms[k], &s);
				compare(forms[k].name, size, code, n, &s, forms[k].flags);
			}
		}
	}
}
END_TEST

START_TEST(a_matching_pair_is_exchanged)
{
	static const u8 cmpxchg8b[] = { 0x0f, 0xc7, 0x0f }, cmpxchg16b[] = { 0x48, 0x0f, 0xc7, 0x0f };
	static struct state s;

	setup();
	for (unsigned round = 0; round < ROUNDS; round++) {
		random_state(&s);
		s.rax = s.rdx = 0;
		memcpy(&s.rax, s.area + DATA, 4);
		memcpy(&s.rdx, s.area + DATA + 4, 4);
		compare("cmpxchg8b", 4, cmpxchg8b, sizeof(cmpxchg8b), &s, ONLY_ZF);
		memcpy(&s.rax, s.area + DATA, 8);
		memcpy(&s.rdx, s.area + DATA + 8, 8);
		compare("cmpxchg16b", 8, cmpxchg16b, sizeof(cmpxchg16b), &s, ONLY_ZF);
	}
}
END_TEST

START_TEST(strings_move_as_on_the_cpu)
{
	static const u8 ops[] = { 0xa4, 0xa5, 0xaa, 0xab };
	static struct state s;
	u8 code[4];

	setup();
	for (unsigned round = 0; round < 400; round++) {
		unsigned op = round % 4, wide = round / 4 % 3;
		size_t n = 0;

		random_state(&s);
		s.rsi = AREA_GVA + 256 + rnd() % 512;
		s.rcx = rnd() % 8;
		s.flags |= round & 16 ? RFLAGS_DF : 0;
		if (round & 32)
			code[n++] = 0xf3;
		if (wide == 1 && op & 1)
			code[n++] = 0x66;
		if (wide == 2 && op & 1)
			code[n++] = 0x48;
		code[n++] = ops[op];
		compare("string", wide, code, n, &s, ALL_FLAGS);
	}
}
END_TEST

START_TEST(a_faulting_write_changes_nothing_but_the_pending_exception)
{
	static const u8 add[] = { 0x01, 0x07 }; /* add [rdi], eax */
	struct vcpu *v = &vm.vcpu[0];
	struct insn i;

	setup();
	memcpy(guest_ram() + CODE_GVA, add, sizeof(add));
	v->regs.gpr[RDI] = 0x12345678;
	v->regs.rip = CODE_GVA;
	v->regs.rflags = RFLAGS_FIXED;
	ck_assert(vcpu_decode(v, &i));
	ck_assert(emulate_insn(v, &i));
	ck_assert_int_eq(v->event.type, VCPU_EVENT_EXCEPTION);
	ck_assert_uint_eq(v->event.vector, X86_PF);
	ck_assert_uint_eq(v->regs.cr2, 0x12345678);
	ck_assert_uint_eq(v->regs.rip, CODE_GVA);
	ck_assert_uint_eq(v->regs.rflags & ALL_FLAGS, 0);
}
END_TEST

TAP_MAIN("emulate",
	 every_memory_form_does_what_the_cpu_does,
	 a_matching_pair_is_exchanged,
	 strings_move_as_on_the_cpu,
	 a_faulting_write_changes_nothing_but_the_pending_exception)

#else

#include <stdio.h>

int main(void)
{
	puts("1..0 # SKIP this CPU cannot execute x86-64 code to compare with");
	return 0;
}

#endif
