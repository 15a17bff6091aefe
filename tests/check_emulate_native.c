/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator against the CPU this test runs on: random instructions
 * of the supported set with random registers and memory operands, once executed
 * and once emulated in a guest in 64-bit mode. All registers, the flags that are
 * defined, memory, RIP, and whether it faults must agree.
 *
 *	check_emulate_native.t N [SEED]    so many instructions
 */
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"
#include "tests/fake_env.h"
#include "tests/native.h"
#include "tests/tap.h"

#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RAM_SIZE   0x200000u
#define TABLES_GPA 0x100000u
#define DATA_GPA   (NATIVE_DATA - NATIVE_CODE)

#define STATUS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

static unsigned long rounds = 200000;
static u64 seed;
static u64 word;

static u64 rnd(void)
{
	word ^= word << 13;
	word ^= word >> 7;
	word ^= word << 17;
	return word * 0x2545f4914f6cdd1d;
}

static unsigned below(unsigned n)
{
	return (unsigned)(rnd() >> 32) % n;
}

/* ---- the guest ---- */

static struct fake fake;
static struct vm vm;
static struct vcpu *const v = &vm.vcpu[0];
static struct vcpu_segs segs;

static struct vcpu_segs *guest_segs(struct vcpu *vcpu)
{
	(void)vcpu;
	return &segs;
}

static void guest_cpuid(u32 leaf, u32 sub, u32 out[4])
{
	__cpuid_count(leaf, sub, out[0], out[1], out[2], out[3]);
}

static const struct platform platform = {
	.segs = guest_segs, .cpuid = guest_cpuid, .maxphyaddr = 40
};

static u8 *guest_ram(u64 gpa)
{
	return (u8 *)fake_va(&fake, FAKE_RAM) + gpa;
}

/* NATIVE_CODE is 2 MiB of memory at 0. */
static void guest_init(void)
{
	const struct mmu_config config = {
		.mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 4, .maxphyaddr = 40
	};
	u64 *table;

	fake_init(&fake);
	fake.env.events_on = false;
	ck_assert_int_eq(mmu_vm_create(&fake.env, &config, &vm.mmu), MMU_OK);
	ck_assert_int_eq(mmu_vcpu_create(vm.mmu, 0, &v->mmu), MMU_OK);
	ck_assert_int_eq(mmu_slot_create(vm.mmu, 0, 0, 0, RAM_SIZE >> PAGE_SHIFT, FAKE_RAM, 0),
			 MMU_OK);
	table = (u64 *)guest_ram(TABLES_GPA);
	table[0] = (TABLES_GPA + 0x1000) | 7;
	table[512] = (TABLES_GPA + 0x2000) | 7;
	table[1024 + (NATIVE_CODE >> 21)] = 0xe7;
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

/* ---- what must agree ---- */

/* AF after logic, and all but CF after BT and its kin, are undefined. */
static u64 defined_flags(const struct insn *i)
{
	unsigned alu = i->op == INSN_ALU_IMM ? i->reg : i->opcode >> 3 & 7;

	switch (i->op) {
	case INSN_BT:
	case INSN_BTS:
	case INSN_BTR:
	case INSN_BTC:
		return RFLAGS_CF | RFLAGS_DF;
	case INSN_ALU:
	case INSN_ALU_IMM:
		return alu == 1 || alu == 4 || alu == 6 ? (STATUS & ~RFLAGS_AF) | RFLAGS_DF
							: STATUS | RFLAGS_DF;
	case INSN_TEST:
		return (STATUS & ~RFLAGS_AF) | RFLAGS_DF;
	default:
		return STATUS | RFLAGS_DF;
	}
}

static void differ(const u8 *code, const struct insn *i, const char *what, u64 cpu, u64 ours)
{
	char bytes[3 * INSN_MAX_LEN + 1] = "";

	for (unsigned k = 0; k < i->len; k++)
		sprintf(bytes + 3 * k, "%02x ", code[k]);
	ck_abort_msg("seed %llu: %s(opcode %02x, %u bytes): %s is %#llx on the CPU, %#llx emulated",
		     (unsigned long long)seed, bytes, i->opcode, i->size, what,
		     (unsigned long long)cpu, (unsigned long long)ours);
}

static void compare(const u8 *code, const struct insn *i)
{
	static const char *const names[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi",
					     "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
					     "r14", "r15" };
	u64 flags = defined_flags(i);

	for (unsigned r = 0; r < NR_GPRS; r++) {
		if (native.gpr[r] != v->regs.gpr[r])
			differ(code, i, names[r], native.gpr[r], v->regs.gpr[r]);
	}
	if (native.rip != v->regs.rip)
		differ(code, i, "rip", native.rip, v->regs.rip);
	if ((native.rflags ^ v->regs.rflags) & flags)
		differ(code, i, "rflags", native.rflags & flags, v->regs.rflags & flags);
	for (unsigned at = 0; at < NATIVE_DATA_SIZE; at += 8) {
		u64 cpu, ours;

		if (at % 256 == 0 && !memcmp(native_data() + at, guest_ram(DATA_GPA) + at, 256)) {
			at += 256 - 8;
			continue;
		}
		memcpy(&cpu, native_data() + at, 8);
		memcpy(&ours, guest_ram(DATA_GPA) + at, 8);
		if (cpu != ours)
			differ(code, i, "memory", cpu, ours);
	}
}

/* ---- making instructions ---- */

/* Of a row's flags only L matters here. */
enum { L = 1, M = 0, MM = 0, OR = 0, B = 0, I8 = 0, IZ = 0, U8 = 0, MO = 0, R = 0, S = 0, W64 = 0,
       D64 = 0, N4 = 0, N8 = 0, NP = 0, NR = 0, X = 0, X64 = 0 };

static const struct row {
	u8 map, first, last;
	signed char ext;
	u8 op;
	bool lockable;
} all_rows[] = {
#define INSN(map, first, last, ext, op, flags) { map, first, last, ext, INSN_##op, flags },
#include "hv/core/insn.def"
};

/* Those that can be emulated. */
static struct row rows[sizeof(all_rows) / sizeof(*all_rows)];
static unsigned nr_rows;

static void find_rows(void)
{
	for (size_t k = 0; k < sizeof(all_rows) / sizeof(*all_rows); k++) {
		if (all_rows[k].op <= INSN_XADD)
			rows[nr_rows++] = all_rows[k];
	}
}

/* Random prefixes, opcode, ModRM and what follows. FS has a base here. */
static void random_code(u8 code[INSN_MAX_LEN])
{
	static const u8 prefixes[] = { 0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x65, 0xf2, 0xf3 };
	const struct row *r = &rows[below(nr_rows)];
	unsigned n = 0;

	for (unsigned k = below(4); k > 1; k--)
		code[n++] = prefixes[below(sizeof(prefixes))];
	if (r->lockable ? below(4) == 0 : below(64) == 0)
		code[n++] = 0xf0;
	if (below(2))
		code[n++] = 0x40 | below(16);
	if (r->map)
		code[n++] = 0x0f;
	code[n++] = r->first + below(r->last - r->first + 1);
	for (unsigned k = n; k < INSN_MAX_LEN; k++)
		code[k] = (u8)rnd();
	if (r->ext >= 0)
		code[n] = (code[n] & 0xc7) | r->ext << 3;
}

static u64 low(u64 value, unsigned bytes)
{
	return bytes == 8 ? value : value & (BIT(8 * bytes) - 1);
}

static void set_low(u64 *reg, u64 value, unsigned bytes)
{
	*reg = bytes == 8 ? value : (rnd() & ~0xffffffffull) | low(value, 4);
}

/* An operand without registers, or relative to RIP: the bytes of the displacement. */
static void aim_displacement(u8 *code, struct insn *i, u64 at)
{
	bool moffs = (i->opcode & 0xfc) == 0xa0 && i->op == INSN_MOV;
	unsigned bytes = moffs ? i->addr_size : 4, imm = 0;
	u64 disp = i->base == INSN_REG_RIP ? at - NATIVE_CODE - i->len : at;

	if (i->op == INSN_MOV_IMM || (i->op == INSN_ALU_IMM && i->opcode == 0x81))
		imm = i->opcode == 0x83 || i->size == 1 ? 1 : i->size == 2 ? 2 : 4;
	else if (i->op == INSN_ALU_IMM || (i->op >= INSN_BT && i->op <= INSN_BTC && i->opcode == 0xba))
		imm = 1;
	memcpy(code + i->len - imm - bytes, &disp, bytes);
	ck_assert_int_eq(insn_decode(code, INSN_MAX_LEN, INSN_MODE64, i), INSN_OK);
}

/* Chooses base and index so that the operand lies at `at`, or not far below. */
static void aim(u8 *code, struct insn *i, u64 at)
{
	u64 *base = &native.gpr[i->base & 15], *index = &native.gpr[i->index & 15];
	unsigned size = i->addr_size;

	if (i->base >= NR_GPRS && i->index == INSN_NO_REG) {
		aim_displacement(code, i, at);
	} else if (i->index == INSN_NO_REG) {
		set_low(base, at - i->disp, size);
	} else if (i->base == INSN_NO_REG) {
		set_low(index, low(at - i->disp, size) / i->scale, size);
	} else if (i->base == i->index) {
		set_low(base, low(at - i->disp, size) / (i->scale + 1u), size);
	} else {
		*index = below(2) ? rnd() : below(256);
		set_low(base, at - i->disp - *index * i->scale, size);
	}
}

/* Addresses, a few small numbers, and anything. */
static void random_registers(void)
{
	for (unsigned r = 0; r < NR_GPRS; r++)
		native.gpr[r] = below(8) ? rnd() : below(4) ? rnd() >> below(64) : 0 - rnd() % 256;
	native.gpr[RSP] = NATIVE_DATA + NATIVE_DATA_SIZE / 2 + below(64);
	native.rflags = RFLAGS_FIXED | RFLAGS_IF | (rnd() & STATUS);
}

static bool is_string(const struct insn *i)
{
	return i->op == INSN_MOVS || i->op == INSN_STOS;
}

static bool is_canonical(u64 gva)
{
	return (u64)((s64)(gva << 7) >> 7) == gva;
}

static bool is_in_data(u64 gva, unsigned size)
{
	return gva - NATIVE_DATA < NATIVE_DATA_SIZE && gva + size - NATIVE_DATA <= NATIVE_DATA_SIZE;
}

/* Where the operand is, by the manual's words. */
static u64 operand_at(const struct insn *i)
{
	u64 at = i->disp;
	s64 bits = 8 * i->size, number, unit;

	if (i->base == INSN_REG_RIP)
		at += NATIVE_CODE + i->len;
	else if (i->base != INSN_NO_REG)
		at += native.gpr[i->base];
	if (i->index != INSN_NO_REG)
		at += native.gpr[i->index] * i->scale;
	if (i->op >= INSN_BT && i->op <= INSN_BTC && i->opcode != 0xba) {
		number = i->size == 8 ? (s64)native.gpr[i->reg]
		       : i->size == 4 ? (int32_t)native.gpr[i->reg]
				      : (int16_t)native.gpr[i->reg];
		unit = number / bits - (number % bits < 0);
		at += (u64)(unit * i->size);
	}
	return low(at, i->addr_size);
}

/* Accumulators that are equal to what a compare-exchange finds, often. */
static void make_equal(const struct insn *i, u64 at)
{
	unsigned half = i->op == INSN_CMPXCHG8B ? (i->size == 8 ? 8 : 4) : i->size;

	if ((i->op != INSN_CMPXCHG && i->op != INSN_CMPXCHG8B) || below(3) == 0 ||
	    !is_in_data(at, 2 * half))
		return;
	memcpy(&native.gpr[RAX], native_data() + (at - NATIVE_DATA), half);
	if (i->op == INSN_CMPXCHG8B)
		memcpy(&native.gpr[RDX], native_data() + (at - NATIVE_DATA) + half, half);
}

/* Registers for the instruction; false: these do not lead to the data. */
static bool random_state(u8 *code, struct insn *i)
{
	unsigned size = i->op == INSN_CMPXCHG8B ? 16 : 8;
	u64 at = NATIVE_DATA + NATIVE_DATA_SIZE / 4 + below(NATIVE_DATA_SIZE / 2);

	random_registers();
	if (is_string(i)) {
		native.gpr[RDI] = at;
		native.gpr[RSI] = NATIVE_DATA + NATIVE_DATA_SIZE / 4 + below(NATIVE_DATA_SIZE / 2);
		native.gpr[RCX] = below(9);
		native.rflags |= below(2) ? RFLAGS_DF : 0;
		if (i->addr_size == 4 && (i->rep || i->repne) && native.gpr[RCX])
			native.gpr[RCX] |= rnd() << 32;
		return true;
	}
	if (!i->mem)
		return true;
	/* Locked accesses to two cache lines are very slow on some machines. */
	if (i->lock || i->op == INSN_XCHG || size == 16)
		at &= below(32) ? ~15ull : ~1ull;
	if (below(32) == 0) /* into the next page; for BTS by chance */
		at = NATIVE_DATA + PAGE_SIZE - below(8);
	if (i->op >= INSN_BT && i->op <= INSN_BTC)
		native.gpr[i->reg] = low(native.gpr[i->reg], i->size - 1u) | (rnd() % 4096 - 2048);
	aim(code, i, at);
	make_equal(i, operand_at(i));
	if (i->op == INSN_PUSH && is_canonical(native.gpr[RSP]) &&
	    !is_in_data(native.gpr[RSP] - 8, 16))
		return false;
	return is_in_data(operand_at(i), size);
}

/* ---- both ---- */

static unsigned long nr_done, nr_locked, nr_strings, nr_faults, nr_illegal, nr_declined;

/* True if the emulator took it; false if it declined. */
static bool run_emulated(const struct insn *i)
{
	v->regs.rip = NATIVE_CODE;
	v->event.type = VCPU_EVENT_NONE;
	do {
		if (!emulate_insn(v, i))
			return false;
	} while (v->regs.rip == NATIVE_CODE && v->event.type == VCPU_EVENT_NONE);
	return true;
}

static bool crosses_page(const struct insn *i)
{
	u64 at = operand_at(i);

	return (at ^ (at + (i->op == INSN_CMPXCHG8B ? 8 : i->size) - 1)) & PAGE_MASK;
}

static void check_one(const u8 *code, const struct insn *i)
{
	memcpy(v->regs.gpr, native.gpr, sizeof(native.gpr));
	v->regs.rflags = native.rflags;
	if (!run_emulated(i)) {
		ck_assert_msg((i->lock || i->op == INSN_XCHG) && crosses_page(i),
			      "opcode %02x is declined", i->opcode);
		nr_declined++;
		return;
	}
	native_run(code, i->len);
	if (native.fault) {
		/* An unaligned CMPXCHG16B; a PUSH to where no address is. */
		int signal = v->event.vector == X86_GP ? SIGSEGV : SIGBUS;

		if (v->event.type != VCPU_EVENT_EXCEPTION || native.fault != signal)
			differ(code, i, "signal", (u64)native.fault, v->event.vector);
		v->regs.rflags &= ~RFLAGS_RF;
		nr_faults++;
	} else if (v->event.type != VCPU_EVENT_NONE) {
		differ(code, i, "exception", 0, v->event.vector);
	}
	compare(code, i);
	nr_done++;
	nr_locked += i->lock;
	nr_strings += is_string(i);
}

static void check_lock(const u8 *code, unsigned len, bool legal)
{
	random_registers();
	native_run(code, len);
	ck_assert_msg((native.fault == SIGILL) == !legal, "LOCK %02x %02x %02x is %s here", code[0],
		      code[1], code[2], legal ? "illegal" : "legal");
}

/* Where a LOCK is all that keeps us from taking an instruction, the CPU has #UD. */
static void check_illegal_lock(const u8 *code)
{
	u8 without[INSN_MAX_LEN + 1] = { 0 };
	unsigned at = 0;
	struct insn i;

	while (at < 4 && code[at] != 0xf0)
		at++;
	if (at == 4)
		return;
	memcpy(without, code, at);
	memcpy(without + at, code + at + 1, INSN_MAX_LEN - 1 - at);
	if (insn_decode(without, INSN_MAX_LEN, INSN_MODE64, &i) != INSN_OK || i.lock)
		return;
	check_lock(code, i.len + 1u, false);
	nr_illegal++;
}

static void check_random(void)
{
	u8 code[INSN_MAX_LEN + 1];
	struct insn i;

	random_code(code);
	if (insn_decode(code, INSN_MAX_LEN, INSN_MODE64, &i) != INSN_OK) {
		check_illegal_lock(code);
		return;
	}
	if (!i.mem && i.lock)
		check_lock(code, i.len, true);
	else if ((i.mem || is_string(&i) || i.op == INSN_PUSH || i.op == INSN_PUSH_IMM) &&
		 random_state(code, &i))
		check_one(code, &i);
}

START_TEST(random_instructions_emulated_do_what_they_do_on_this_cpu)
{
	unsigned long round;

	guest_init();
	native_init();
	find_rows();
	word = 2 * seed + 1;
	for (unsigned k = 0; k < NATIVE_DATA_SIZE; k++)
		native_data()[k] = guest_ram(DATA_GPA)[k] = (u8)rnd();
	for (round = 0; nr_done < rounds; round++)
		check_random();
	printf("# seed %llu: %lu instructions, %lu of them locked, %lu strings, %lu faults; "
	       "%lu illegal LOCKs, %lu locked across pages declined\n",
	       (unsigned long long)seed, nr_done, nr_locked, nr_strings, nr_faults, nr_illegal,
	       nr_declined);
	fflush(stdout);
	ck_assert_uint_gt(nr_locked, rounds / 50);
	ck_assert_uint_gt(nr_strings, rounds / 100);
	ck_assert_uint_gt(nr_illegal, rounds / 2000);
	ck_assert_uint_gt(nr_faults, rounds / 40000); /* 26 on average, of 200000 */
	ck_assert_uint_gt(nr_declined, rounds / 1000);
	ck_assert_uint_lt(round, 20 * rounds);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("emulate_native");
	TCase *all = tcase_create("emulate_native");

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (u64)time(NULL);
	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 0);
	tcase_set_timeout(all, argc > 1 ? 0 : 120);
	tcase_add_test(all, random_instructions_emulated_do_what_they_do_on_this_cpu);
	suite_add_tcase(suite, all);
	return tap_run(suite);
}
