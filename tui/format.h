/* SPDX-License-Identifier: MIT */
/*
 * Events and values as text.
 *
 * The long form is stable, for `trace dump` and --plain:
 *
 *	SEQ CLOCK vm.level.vcpu cause=SEQ NAME key=value ...
 *
 * vcpu is - for events of no vCPU. At the end " synthetic" marks an event of a
 * snapshot, " @N" is the number of its place in the source (see `site` events).
 * Addresses and words of bits are 0x hex, counts decimal, names as they are,
 * text in quotes, bytes as hex digits.
 */
#ifndef TUI_FORMAT_H
#define TUI_FORMAT_H

#include "tui/event.h"
#include "tui/text.h"

/* Appends a value in its unit; an unknown unit is decimal. */
void format_value(struct text *to, const char *unit, u64 value);

/* Appends the long form, without the end of the line. */
void format_event(struct text *to, const struct schema *schema, const struct event *ev);

/* Appends what the event says, for a narrow column: the name and its most
 * telling values, hex without 0x. */
void format_event_short(struct text *to, const struct schema *schema, const struct event *ev);

/* Appends text with control and non-ASCII bytes escaped. */
void format_escaped(struct text *to, const u8 *bytes, size_t len);

/* Names of enumerations: never NULL, "?" if unknown. */
const char *mode_name(unsigned mode);
const char *vstate_name(unsigned state);
const char *stopwhy_name(unsigned why);
const char *why_name(unsigned why);		/* of a flush */
const char *zapwhy_name(unsigned why);		/* of the zapping of a page */
const char *request_name(unsigned what);	/* to a vCPU */
const char *why_sentence(unsigned why);
const char *verdict_name(unsigned verdict);
const char *context_name(unsigned context);	/* of a vCPU's MMU */
const char *access_name(unsigned acc);		/* "wux" */

#endif
