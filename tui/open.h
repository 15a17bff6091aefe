/* SPDX-License-Identifier: MIT */
/* Files with events, of whatever kind. */
#ifndef TUI_OPEN_H
#define TUI_OPEN_H

#include "tui/timeline.h"

/*
 * Reads a recording, the printed form of `trace dump`, or the memory of a dead
 * machine. What is damaged is in the timeline's notes.
 *   returns  false if nothing can be read; it was said why
 */
bool open_events(const char *path, struct schema *schema, struct timeline *tl);

#endif
