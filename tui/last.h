/* SPDX-License-Identifier: MIT */
/* What the guest did before its end, for who did not watch. */
#ifndef TUI_LAST_H
#define TUI_LAST_H

#include "tui/event.h"
#include "tui/text.h"

/* Takes the events that explain an end (last_exit, and the regs that follow); others
 * are ignored. */
void last_take(struct text *last, const struct event *ev);

/* Says them, a line each; nothing if there were none. */
void last_say(const struct text *last);

#endif
