/* SPDX-License-Identifier: MIT */
/*
 * Pages that change while they are in use: taken away, moved, protected, replaced.
 * A page that nobody has touched is walked to correctly by any MMU; only what is
 * cached somewhere can be stale. So each is touched first, in the way that is allowed.
 */
#include "tests/init/init.h"

#ifdef __x86_64__
#define KERNEL 0xffffffff81000000ul
#define NR_KERNEL 8 /* of 2 MiB each: code, and data behind it */
#else
#define KERNEL 0xc1000000ul
#define NR_KERNEL 4
#endif

enum {
	LARGE = 2 << 20,
	NR_CHANGES = 100,
	TABLES_SIZE = 16 << 20, /* whole page tables, of every kind of paging */
	TABLES_ALIGN = 4 << 20,
	NR_TABLES = 60,
	STORM_PAGES = 64,
	NR_STORMS = 30,
};

/* Each of these must die of it. */
static void read_after_move(volatile char *page)
{
	char *elsewhere = map_memory(NULL, PAGE_SIZE);

	if (sys6(SYS_MREMAP, (long)page, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		 (long)elsewhere, 0) == (long)elsewhere &&
	    *(volatile char *)elsewhere == (char)0xc3) {
		(void)*page;
	}
}

static void write_when_read_only_again(volatile char *page)
{
	for (unsigned int i = 0; i < 8; i++) {
		sys3(SYS_MPROTECT, (long)page, PAGE_SIZE, PROT_READ);
		(void)*page;
		sys3(SYS_MPROTECT, (long)page, PAGE_SIZE, PROT_READ | PROT_WRITE);
		*page = (char)i;
	}
	sys3(SYS_MPROTECT, (long)page, PAGE_SIZE, PROT_READ);
	*page = 1;
}

/* The first use of the page, a write, made what is remembered of it. */
static void run_data(volatile char *page)
{
	((void (*)(void))(unsigned long)page)();
}

static unsigned long kernel_page;

static void read_the_kernel(volatile char *page)
{
	(void)*page;
	(void)*(volatile char *)kernel_page;
}

static void check_crimes(void)
{
	unsigned int survived = 0;

	check(dies(read_after_move), "reading where a page was before it moved is fatal");
	check(dies(write_when_read_only_again), "rights that come and go 8 times are gone");
	if (sizeof(long) == 8) { /* as for the one that was executable once, in init.c */
		check(dies(run_data), "running a page of data that was written to is fatal");
	}
	for (unsigned int i = 0; i < NR_KERNEL; i++) {
		kernel_page = KERNEL + i * (unsigned long)LARGE;
		survived += !dies(read_the_kernel);
	}
	check(survived == 0, "the kernel, which is in use, cannot be read, at many places");
}

/* What a page holds survives every change of its rights and of its place. */
static void check_changes(void)
{
	char *memory = map_memory(NULL, 4 * PAGE_SIZE), *at = memory;
	unsigned long wrong = 0;

	for (unsigned long n = 0; n < NR_CHANGES; n++) {
		char *to = memory + (n % 3 + 1) * PAGE_SIZE;

		*page_of(at, 0) = n;
		sys3(SYS_MPROTECT, (long)at, PAGE_SIZE, 0);
		sys3(SYS_MPROTECT, (long)at, PAGE_SIZE, PROT_READ);
		wrong += *page_of(at, 0) != n;
		sys3(SYS_MPROTECT, (long)at, PAGE_SIZE, PROT_READ | PROT_WRITE);
		if (at == to) {
			continue;
		}
		*page_of(to, 0) = ~n;
		wrong += sys6(SYS_MREMAP, (long)at, PAGE_SIZE, PAGE_SIZE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0) != (long)to;
		wrong += *page_of(to, 0) != n;
		map_memory(at, PAGE_SIZE);
		wrong += *page_of(at, 0) != 0;
		at = to;
	}
	sys3(SYS_MUNMAP, (long)memory, 4 * PAGE_SIZE, 0);
	check(wrong == 0, "a page keeps its contents while it moves and its rights change");
}

/*
 * All of a page table's range is replaced at once, so that Linux frees the table, and
 * takes the frame for another one soon, without a load of CR3 in between. Large pages
 * would have no such tables.
 */
static void check_tables(void)
{
	char *all = map_memory(NULL, TABLES_SIZE + TABLES_ALIGN);
	unsigned long start = ((unsigned long)all + TABLES_ALIGN - 1) & -(unsigned long)TABLES_ALIGN;
	unsigned long wrong = 0;

	sys6(SYS_PRCTL, PR_SET_THP_DISABLE, 1, 0, 0, 0, 0);
	for (unsigned long n = 1; n <= NR_TABLES; n++) {
		for (unsigned long i = 0; i < TABLES_SIZE / LARGE; i++) {
			volatile unsigned long *word =
				page_of((char *)start + i * LARGE, (n * 7 + i * 5) % 16);

			wrong += *word != 0;
			*word = n * 100 + i;
			wrong += *word != n * 100 + i;
		}
		map_memory((char *)start + (n % 4) * TABLES_ALIGN, TABLES_ALIGN);
		map_memory((char *)start, TABLES_SIZE);
	}
	sys3(SYS_MUNMAP, (long)all, TABLES_SIZE + TABLES_ALIGN, 0);
	check(wrong == 0, "memory of whole page tables is fresh each of 60 times");
}

/* Parent and child write to what both have, at the same time. */
static unsigned long storm_side(void *memory, unsigned long round, unsigned long mine)
{
	unsigned long wrong = 0;

	for (size_t i = 0; i < STORM_PAGES; i++) {
		wrong += *page_of(memory, i) != round * 1000 + i;
		if (i % 2 == mine || i % 3 == 0) {
			*page_of(memory, i) = mine + i;
		}
	}
	for (size_t i = 0; i < STORM_PAGES; i++) {
		bool own = i % 2 == mine || i % 3 == 0;

		wrong += *page_of(memory, i) != (own ? mine + i : round * 1000 + i);
	}
	return wrong;
}

static void check_storm(void)
{
	void *memory = map_memory(NULL, STORM_PAGES * PAGE_SIZE);
	unsigned long wrong = 0;

	for (unsigned long round = 1; round <= NR_STORMS; round++) {
		long pid;

		for (size_t i = 0; i < STORM_PAGES; i++) {
			*page_of(memory, i) = round * 1000 + i;
		}
		pid = sys3(SYS_FORK, 0, 0, 0);
		if (pid == 0) {
			sys_exit(storm_side(memory, round, 1) != 0);
		}
		wrong += storm_side(memory, round, 0);
		wrong += pid < 0 || wait_for(pid) != 0;
	}
	sys3(SYS_MUNMAP, (long)memory, STORM_PAGES * PAGE_SIZE, 0);
	check(wrong == 0, "30 children and their parent write to the same pages and see their own");
}

void check_warm(void)
{
	check_crimes();
	check_changes();
	check_tables();
	check_storm();
}
