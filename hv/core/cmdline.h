/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's command line: words "key=value" or "key", separated by
 * spaces; what follows a word "--" belongs to the guest, as it is.
 */
#ifndef HV_CORE_CMDLINE_H
#define HV_CORE_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include "mmu/types.h"

struct cmdline {
	const char *text; /* not owned; lives as long as this */
};

/*
 * The value of the last word "key=value" before "--".
 *
 *   returns   true: copied, NUL-terminated, cut to size
 *             false: not given; *out is untouched
 */
bool cmdline_value(const struct cmdline *c, const char *key, char *out, size_t size);

/* Whether the value is exactly this word. */
bool cmdline_is(const struct cmdline *c, const char *key, const char *value);

/*
 * A number, decimal or 0x hex, with an optional suffix K, M or G (powers of 1024).
 *
 *   returns   NONE not given, BAD not a number below 2^64; *out is untouched then
 */
enum cmdline_status { CMDLINE_OK, CMDLINE_NONE, CMDLINE_BAD };
enum cmdline_status cmdline_number(const struct cmdline *c, const char *key, u64 *out);

/* What follows "--", without leading spaces; "" if there is nothing. */
const char *cmdline_guest(const struct cmdline *c);

#endif
