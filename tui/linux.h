/* SPDX-License-Identifier: MIT */
/* Linux as a guest with a name: `vitrine run linux`. */
#ifndef TUI_LINUX_H
#define TUI_LINUX_H

#include "tui/machine.h"

struct linux_guest {
	const char *name, *kernel, *sentence;
};

/* Ends in a row without name. */
extern const struct linux_guest linux_guests[];

/* NULL if there is none. */
const struct linux_guest *linux_find(const char *name);

/*
 * Fetches the kernel, and the shell's initramfs unless another one is given, if they
 * are not there yet; that is shown on standard error. Fills in guest, initrd and
 * append, to which the user's own words are added. What they point at lives as long as
 * the process.
 *
 *   returns  false: it was said why
 */
bool linux_prepare(const struct linux_guest *guest, struct machine_options *m);

#endif
