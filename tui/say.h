/* SPDX-License-Identifier: MIT */
/*
 * What the program says about itself: one line on stderr, "vitrine: what: why",
 * with what to do where there is something. And memory that cannot be had.
 */
#ifndef TUI_SAY_H
#define TUI_SAY_H

#include <stddef.h>

/* Prints "vitrine: " and the text as one line. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* While a screen owns the terminal, lines are kept and printed by
 * say_release(). */
void say_hold(void);
void say_release(void);

/* Says it and ends the program with EXIT_VITRINE. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* calloc and realloc that die. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *s);

/* Exit statuses of `vitrine run`; 0..119 are the guest's. */
enum {
	EXIT_USAGE = 2,
	EXIT_TRIPLE_FAULT = 120,
	EXIT_USER = 121,
	EXIT_HALTED = 122,
	EXIT_TIMEOUT = 124,
	EXIT_VITRINE = 125,
};

#endif
