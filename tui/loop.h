/* SPDX-License-Identifier: MIT */
/* The interactive loop: keys in, pictures out, events in between. */
#ifndef TUI_LOOP_H
#define TUI_LOOP_H

#include "tui/ui.h"

/*
 * Runs the screen until the user leaves. ui->machine.wait is called all the
 * time (NULL: a recording).
 *   returns  false if there is no screen; it was said why
 */
bool loop_run(struct ui *ui);

#endif
