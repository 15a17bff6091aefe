/* SPDX-License-Identifier: MIT */
/*
 * A and D of the page tables as Linux itself shows them: a file of its first file
 * system is mapped as shared, and /proc/self/smaps says how much of it was used and
 * how much written to. Linux sets D itself in nearly all entries it makes; in those
 * that a read of such a mapping makes it does not, and lets the CPU do it.
 *
 * /proc must be mounted.
 */
#include "tests/init/init.h"

enum {
	NR_PAGES = 100,
	NR_WRITTEN = 40,
	NR_READ_AGAIN = 20,
	PAGE_KB = PAGE_SIZE / 1024,
};

static char smaps[65536];

static bool begins(const char *text, const char *with)
{
	while (*with && *text == *with) {
		text++;
		with++;
	}
	return !*with;
}

static const char *next_line(const char *text)
{
	while (*text && *text != '\n') {
		text++;
	}
	return *text ? text + 1 : text;
}

/* A line of numbers and names begins with the address in hexadecimal. */
static bool is_mapping_at(const char *line, unsigned long address)
{
	unsigned long value = 0;

	for (; *line && *line != '-'; line++) {
		unsigned int digit = *line <= '9' ? (unsigned int)*line - '0'
						  : (unsigned int)*line - 'a' + 10;

		if (digit > 15) {
			return false;
		}
		value = value * 16 + digit;
	}
	return *line == '-' && value == address;
}

/* The kilobytes that this line of a mapping's counts. */
static unsigned long line_kb(const char *line)
{
	unsigned long value = 0;

	while (*line && *line != '\n' && (*line < '0' || *line > '9')) {
		line++;
	}
	for (; *line >= '0' && *line <= '9'; line++) {
		value = value * 10 + (unsigned long)(*line - '0');
	}
	return value;
}

/* Pages of the mapping at memory of which smaps says so; -1: no such mapping. */
static long count_pages(const void *memory, const char *first, const char *second)
{
	const char *line = smaps;
	long kb = 0;

	if (read_file("/proc/self/smaps", smaps, sizeof(smaps)) <= 0) {
		return -1;
	}
	while (*line && !is_mapping_at(line, (unsigned long)memory)) {
		line = next_line(line);
	}
	if (!*line) {
		return -1;
	}
	for (line = next_line(line); *line >= 'A' && *line <= 'Z'; line = next_line(line)) {
		if (begins(line, first) || begins(line, second)) {
			kb += (long)line_kb(line);
		}
	}
	return kb / PAGE_KB;
}

static long dirty_pages(const void *memory)
{
	return count_pages(memory, "Shared_Dirty:", "Private_Dirty:");
}

static long used_pages(const void *memory)
{
	return count_pages(memory, "Referenced:", "Referenced:");
}

static void check_count(long got, long want, const char *what)
{
	if (got != want) {
		say("init: pages counted: ");
		say_number((unsigned long)got);
		say("\n");
	}
	check(got == want, what);
}

static void *map_file(size_t size)
{
	long fd = sys3(SYS_OPEN, (long)"/shared", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || sys3(SYS_FTRUNCATE, fd, (long)size, 0)) {
		return NULL;
	}
	return (void *)sys6(SYS_MMAP, 0, (long)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Linux clears A and leaves the TLB alone; a fork flushes it. */
static void forget_use(void)
{
	long fd = sys3(SYS_OPEN, (long)"/proc/self/clear_refs", O_WRONLY, 0);
	long pid;

	check(fd >= 0 && sys3(SYS_WRITE, fd, (long)"1", 1) == 1, "what was used can be forgotten");
	sys3(SYS_CLOSE, fd, 0, 0);
	pid = sys3(SYS_FORK, 0, 0, 0);
	if (pid == 0) {
		sys_exit(0);
	}
	wait_for(pid);
}

void check_shared(void)
{
	void *memory = map_file(NR_PAGES * PAGE_SIZE);
	unsigned long sum = 0;

	check(memory && (unsigned long)memory < -4095ul, "a file can be mapped");
	for (size_t i = 0; i < NR_PAGES; i++) {
		sum += *page_of(memory, i);
	}
	check(sum == 0, "a file that was never written to reads as zero");
	check_count(dirty_pages(memory), 0, "100 shared pages that were read are clean");
	check_count(used_pages(memory), NR_PAGES, "... and used");
	for (size_t i = 0; i < NR_WRITTEN; i++) {
		*page_of(memory, i * 2) = i;
	}
	check_count(dirty_pages(memory), NR_WRITTEN, "the 40 that were written to are dirty");
	forget_use();
	check_count(used_pages(memory), 0, "none of them was used since then");
	for (size_t i = 0; i < NR_READ_AGAIN; i++) {
		sum += *page_of(memory, i * 3);
	}
	check_count(used_pages(memory), NR_READ_AGAIN, "the 20 that were read again are used");
	check_count(dirty_pages(memory), NR_WRITTEN, "... and 40 are dirty as before");
	sys3(SYS_MUNMAP, (long)memory, NR_PAGES * PAGE_SIZE, 0);
}
