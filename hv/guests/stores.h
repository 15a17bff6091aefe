/* SPDX-License-Identifier: MIT */
/*
 * The ways in which programs store to their page tables: each makes an entry hold
 * a value that is present, with bits 9 to 11 clear. The last ones are rare enough
 * that no hypervisor need carry them out for its guest.
 *
 * Of the entries beside it, those in the same 16 bytes are stored to by some, with
 * what they hold. Include after paging.h; 2 or 4 levels.
 */
#ifndef HV_GUESTS_STORES_H
#define HV_GUESTS_STORES_H

#ifdef __x86_64__
#define STORE_SIZE "q"
#define STORE_SP "rsp"
#else
#define STORE_SIZE "l"
#define STORE_SP "esp"
#endif

/* *p is start; then insn, with memory %0 and register %1, makes it the value. */
#define STORE_BY(name, insn, start, operand)                                       \
	static void by_##name(table_t p, pte_t value)                              \
	{                                                                          \
		*p = (pte_t)(start);                                               \
		asm volatile(insn : "+m"(*p) : "r"((pte_t)(operand) | (value & 0)) \
			     : "cc", "memory");                                    \
	}
STORE_BY(mov, "mov %1, %0", 0, value)
STORE_BY(movnti, "movnti %1, %0", 0, value)
STORE_BY(add, "add %1, %0", value - 0x1234567, 0x1234567)
STORE_BY(lock_add, "lock add %1, %0", value - 0x7654321, 0x7654321)
STORE_BY(adc, "stc; adc %1, %0", value - 0x1000, 0xfff)
STORE_BY(sub, "sub %1, %0", value + 0x1234567, 0x1234567)
STORE_BY(lock_sbb, "stc; lock sbb %1, %0", value + 0x1000, 0xfff)
STORE_BY(or, "or %1, %0", value & 0xf000, value)
STORE_BY(lock_or, "lock or %1, %0", value & ~(pte_t)3, 3 & value)
STORE_BY(and, "and %1, %0", value | 0xf0000, value | ~(pte_t)0xf0000)
STORE_BY(lock_and, "lock and %1, %0", value | 0xe00, ~(pte_t)0xe00)
STORE_BY(xor, "xor %1, %0", ~value, ~(pte_t)0)
STORE_BY(lock_xor, "lock xor %1, %0", value ^ 0x5a5a5, 0x5a5a5)
STORE_BY(inc, "inc" STORE_SIZE " %0", value - 1, 0)
STORE_BY(lock_inc, "lock inc" STORE_SIZE " %0", value - 1, 0)
STORE_BY(dec, "dec" STORE_SIZE " %0", value + 1, 0)
STORE_BY(lock_dec, "lock dec" STORE_SIZE " %0", value + 1, 0)
STORE_BY(not, "not" STORE_SIZE " %0", ~value, 0)
STORE_BY(lock_not, "lock not" STORE_SIZE " %0", ~value, 0)
STORE_BY(neg, "lock neg" STORE_SIZE " %0", -value, 0)
STORE_BY(bts, "bts" STORE_SIZE " $0, %0", value & ~(pte_t)1, 0)
STORE_BY(lock_bts, "lock bts %1, %0", value & ~(pte_t)1, 0)
STORE_BY(btr, "btr %1, %0", value | 1 << 9, 9)
STORE_BY(lock_btr, "lock btr" STORE_SIZE " $10, %0", value | 1 << 10, 0)
STORE_BY(btc, "btc %1, %0", value ^ 1, 0)
STORE_BY(lock_btc, "lock btc" STORE_SIZE " $11, %0", value ^ 1 << 11, 0)
STORE_BY(or_imm, "orl $1, %0", value & ~(pte_t)1, 0)
STORE_BY(lock_or_byte, "lock orb $1, %0", value & ~(pte_t)1, 0)
/* The rare ones. */
STORE_BY(rol, "rol" STORE_SIZE " $8, %0", value >> 8 | value << (8 * sizeof(pte_t) - 8), 0)
STORE_BY(shld, "shld $16, %1, %0", value >> 16, value << (8 * sizeof(pte_t) - 16))
STORE_BY(pop, "push %1; pop %0", 0, value)
STORE_BY(sete, "cmp %1, %1; sete %0; or %1, %0", (value & ~(pte_t)0xff) | 0x80, value & 2)
#undef STORE_BY

/* The same, where the register changes, too: it must be left as result. */
#define STORE_SWAP(name, insn, start, operand, result)                               \
	static void by_##name(table_t p, pte_t value)                                \
	{                                                                            \
		pte_t reg = (pte_t)(operand);                                        \
		*p = (pte_t)(start);                                                 \
		asm volatile(insn : "+m"(*p), "+r"(reg) : : "cc", "memory");         \
		expect_eq(reg, (pte_t)(result));                                     \
	}
STORE_SWAP(xchg, "xchg %1, %0", value ^ 0x7000, value, value ^ 0x7000)
STORE_SWAP(xadd, "xadd %1, %0", value - 0x3330, 0x3330, value - 0x3330)
STORE_SWAP(lock_xadd, "lock xadd %1, %0", value + 0x3330, -(pte_t)0x3330, value + 0x3330)
#undef STORE_SWAP

static pte_t compare_exchange(table_t p, pte_t expected, pte_t value)
{
	asm volatile("lock cmpxchg %2, %0" : "+m"(*p), "+a"(expected) : "r"(value) : "cc", "memory");
	return expected;
}

static void by_cmpxchg(table_t p, pte_t value)
{
	pte_t was = value & 0xf000;

	*p = was;
	expect_eq(compare_exchange(p, was, value), was);
}

static void by_cmpxchg_that_fails(table_t p, pte_t value)
{
	*p = value;
	expect_eq(compare_exchange(p, value ^ 0x1000, 0), value);
}

/* Two words, so that the one at p becomes the value. */
static void by_cmpxchg8b(table_t p, pte_t value)
{
	volatile uint32_t *pair = (volatile uint32_t *)((unsigned long)p & ~7ul);
	uint32_t new[2], low, high;
	bool equal;

	*p = 0;
	new[0] = low = pair[0];
	new[1] = high = pair[1];
	__builtin_memcpy((char *)new + ((unsigned long)p & 7), &value, sizeof(value));
	asm volatile("lock cmpxchg8b %0; sete %1"
		     : "+m"(*(volatile uint64_t *)pair), "=q"(equal), "+a"(low), "+d"(high)
		     : "b"(new[0]), "c"(new[1])
		     : "cc", "memory");
	expect(equal);
}

#ifdef __x86_64__
static void by_cmpxchg16b(table_t p, pte_t value)
{
	table_t pair = (table_t)((unsigned long)p & ~15ul);
	pte_t new[2], low, high;
	bool equal;

	*p = 0;
	new[0] = low = pair[0];
	new[1] = high = pair[1];
	new[p - pair] = value;
	asm volatile("lock cmpxchg16b %0; sete %1"
		     : "+m"(*pair), "=q"(equal), "+a"(low), "+d"(high)
		     : "b"(new[0]), "c"(new[1])
		     : "cc", "memory");
	expect(equal);
}

/* Needs CR4.OSFXSR. */
static void by_movups(table_t p, pte_t value)
{
	table_t pair = (table_t)((unsigned long)p & ~15ul);
	pte_t new[2] = { pair[0], pair[1] };

	new[p - pair] = value;
	asm volatile("movups %0, %%xmm0; movups %%xmm0, (%1)"
		     : : "m"(*(const pte_t (*)[2])new), "r"(pair) : "memory");
}
#endif

static void by_stos(table_t p, pte_t value)
{
	*p = 0;
	asm volatile("stos" STORE_SIZE : "+D"(p) : "a"(value) : "memory");
}

static void by_rep_stos(table_t p, pte_t value)
{
	unsigned long n = 1;

	*p = 0;
	asm volatile("rep stos" STORE_SIZE : "+D"(p), "+c"(n) : "a"(value) : "memory");
	expect_eq(n, 0);
}

static void by_movs(table_t p, pte_t value)
{
	const pte_t *from = &value;

	asm volatile("movs" STORE_SIZE : "+D"(p), "+S"(from) : : "memory");
}

/* Byte by byte, from the last to the first. */
static void by_rep_movs(table_t p, pte_t value)
{
	volatile uint8_t *to = (volatile uint8_t *)p + sizeof(value) - 1;
	const uint8_t *from = (const uint8_t *)&value + sizeof(value) - 1;
	unsigned long n = sizeof(value);

	asm volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	expect_eq(n, 0);
	expect_eq((unsigned long)to, (unsigned long)p - 1);
}

static void by_push(table_t p, pte_t value)
{
	unsigned long saved;

	asm volatile("mov %%" STORE_SP ", %0; mov %1, %%" STORE_SP "; push %2; mov %0, %%" STORE_SP
		     : "=&r"(saved)
		     : "r"(p + 1), "r"(value)
		     : "memory");
}

/* A bit of another entry's word, counted from the beginning of the table. */
static void by_far_bts(table_t p, pte_t value)
{
	table_t table = (table_t)((unsigned long)p & ~(PAGE_SIZE - 1ul));
	pte_t bit = (pte_t)(p - table) * 8 * sizeof(pte_t);

	*p = value & ~(pte_t)1;
	asm volatile("lock bts %1, %0" : "+m"(*table) : "r"(bit) : "cc", "memory");
}

static void by_words(table_t p, pte_t value)
{
	volatile uint16_t *word = (volatile uint16_t *)p;

	for (unsigned int i = 0; i < sizeof(value) / 2; i++) {
		word[i] = (uint16_t)(value >> 16 * i);
	}
}

static void by_bytes(table_t p, pte_t value)
{
	volatile uint8_t *byte = (volatile uint8_t *)p;

	for (unsigned int i = sizeof(value); i-- > 0;) {
		byte[i] = (uint8_t)(value >> 8 * i);
	}
}

/* Half of it with half of the next entry. */
static void by_unaligned(table_t p, pte_t value)
{
	unsigned long half = 4 * sizeof(value);
	table_t middle = (table_t)((unsigned long)p + sizeof(value) / 2);

	if (((unsigned long)(p + 1) & (PAGE_SIZE - 1)) == 0) { /* the table's last */
		*p = value;
		return;
	}
	*p = value & (((pte_t)1 << half) - 1);
	asm volatile("mov %1, %0" : "=m"(*middle) : "r"((pte_t)(value >> half | p[1] << half)) : "memory");
}

static const struct store {
	const char *name;
	void (*by)(table_t p, pte_t value);
} stores[] = {
#define STORE(name) { #name, by_##name }
	STORE(mov), STORE(movnti), STORE(add), STORE(lock_add), STORE(adc), STORE(sub),
	STORE(lock_sbb), STORE(or), STORE(lock_or), STORE(and), STORE(lock_and), STORE(xor),
	STORE(lock_xor), STORE(inc), STORE(lock_inc), STORE(dec), STORE(lock_dec), STORE(not),
	STORE(lock_not), STORE(neg), STORE(bts), STORE(lock_bts), STORE(btr), STORE(lock_btr),
	STORE(btc), STORE(lock_btc), STORE(or_imm), STORE(lock_or_byte), STORE(xchg), STORE(xadd),
	STORE(lock_xadd), STORE(cmpxchg), STORE(cmpxchg_that_fails), STORE(cmpxchg8b), STORE(stos),
	STORE(rep_stos), STORE(movs), STORE(rep_movs), STORE(push), STORE(far_bts), STORE(words),
	STORE(bytes), STORE(unaligned), STORE(rol), STORE(shld), STORE(pop), STORE(sete),
#ifdef __x86_64__
	STORE(cmpxchg16b), STORE(movups),
#endif
#undef STORE
};
enum { NR_STORES = sizeof(stores) / sizeof(stores[0]) };

#endif
