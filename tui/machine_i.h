/* SPDX-License-Identifier: MIT */
/* What starting either kind of machine needs. */
#ifndef TUI_MACHINE_I_H
#define TUI_MACHINE_I_H

#include "tui/machine.h"

/* Makes the doorbell: m->bell_fd is ours, *child_bell the child's. */
bool machine_prepare(struct machine *m, int *child_bell);

/* Starts the program; takes child_bell over. */
bool machine_spawn(struct machine *m, char **argv, int child_bell, bool bell_is_stdin);

#endif
