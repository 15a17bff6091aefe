/* SPDX-License-Identifier: MIT */
/* The built-in guests: hv/guests/guests.def as a table. */
#ifndef TUI_BUILTIN_H
#define TUI_BUILTIN_H

struct builtin {
	const char *name, *file, *sentence;
};

/* Ends in a row without name. */
extern const struct builtin builtins[];

/* NULL if there is none. */
const struct builtin *builtin_find(const char *name);

#endif
