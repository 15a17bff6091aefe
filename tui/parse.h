/* SPDX-License-Identifier: MIT */
/*
 * The long form of events (format.h) read back: `trace dump` output opens like
 * a recording, and tests write their events down as text. Empty lines and lines
 * that begin with # mean nothing.
 */
#ifndef TUI_PARSE_H
#define TUI_PARSE_H

#include "tui/timeline.h"

/*
 * Reads all lines of a text into a timeline.
 *   returns  0, or the number of the first line that is no event; *why says
 *            what is wrong with it
 */
unsigned parse_events(const char *text, struct timeline *tl, const char **why);

/* A value in its unit: a number or a name. */
bool parse_value(const char *unit, const char *text, size_t len, u64 *value);

#endif
