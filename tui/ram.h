/* SPDX-License-Identifier: MIT */
/*
 * The file behind a machine's memory. It has no name while all is well, so that
 * nothing is left behind whatever ends the program; after a crash of the
 * machine it is given one.
 */
#ifndef TUI_RAM_H
#define TUI_RAM_H

#include "mmu/types.h"

/*
 * Makes the file: in shared memory if it fits there, else in $TMPDIR; all of
 * it is reserved. size 0: it grows when the machine wants it.
 *   returns  a descriptor that children inherit; -1: it was said why
 */
int ram_create(u64 size);

/* The name under which a process that has inherited fd can open it. */
void ram_path(int fd, char *to, size_t room);

/* Gives the file a name, and says it. */
void ram_keep(int fd);

#endif
