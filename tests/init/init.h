/* SPDX-License-Identifier: MIT */
/*
 * What the parts of init share: its lines, its children, its checks.
 */
#ifndef TESTS_INIT_INIT_H
#define TESTS_INIT_INIT_H

#include "tests/init/sys.h"

enum { PAGE_SIZE = 4096 };

/* One line, "ok" or "FAILED"; the latter are counted. */
void check(bool holds, const char *what);

/* Text and numbers of a line of one's own. */
void say(const char *text);
void say_number(unsigned long value);

/* The first word of a page. */
static inline volatile unsigned long *page_of(void *memory, size_t page)
{
	return (volatile unsigned long *)((char *)memory + page * PAGE_SIZE);
}

/* Waits for a child. returns  its wait status; -1 if it could not */
int wait_for(long pid);

/* Whether a child that commits this crime, on a page of its own that was in use with
 * all rights before, dies of it. */
bool dies(void (*crime)(volatile char *page));

/* Reads all of a file, at most size - 1 bytes, and a zero. returns  how many; -1 */
long read_file(const char *name, char *text, size_t size);

/* The checks, one file each. */
void check_shared(void); /* shared.c: accessed and dirty pages */
void check_warm(void);   /* warm.c: what changes while it is in use */

#endif
