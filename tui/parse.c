/* SPDX-License-Identifier: MIT */
/* Lines to events: the inverse of format_event(). */
#include "tui/parse.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "tui/format.h"

struct line {
	const char *at, *end;
	const char *why;
	u8 payload[CH_MAX_PAYLOAD];
	size_t len;
};

static bool bad(struct line *l, const char *why)
{
	l->why = why;
	return false;
}

static bool number(const char *text, size_t len, u64 *value)
{
	char copy[32], *end;

	if (!len || len >= sizeof(copy) || !isdigit((unsigned char)text[0]))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*value = strtoull(copy, &end, text[0] == '0' && len > 1 && text[1] == 'x' ? 16 : 10);
	return !*end;
}

/* Names are few and small: print each value and compare. */
bool parse_value(const char *unit, const char *text, size_t len, u64 *value)
{
	struct text name = { 0 };
	bool found = false;

	if (number(text, len, value))
		return true;
	for (u64 v = 0; v < 0x200 && !found; v++) {
		text_clear(&name);
		format_value(&name, unit, v);
		found = name.len == len && !memcmp(name.s, text, len);
		if (found)
			*value = v;
	}
	text_free(&name);
	return found;
}

static void skip_spaces(struct line *l)
{
	while (l->at < l->end && *l->at == ' ')
		l->at++;
}

static size_t word(struct line *l)
{
	size_t n = 0;

	skip_spaces(l);
	while (l->at + n < l->end && l->at[n] != ' ')
		n++;
	return n;
}

static bool take_number(struct line *l, const char *prefix, u64 *value)
{
	size_t n = word(l), skip = strlen(prefix);

	if (n <= skip || memcmp(l->at, prefix, skip) || !number(l->at + skip, n - skip, value))
		return false;
	l->at += n;
	return true;
}

static bool take_place(struct line *l, struct event *ev)
{
	u64 part[3] = { 0 };
	size_t n = word(l), at = 0;

	for (unsigned i = 0; i < 3; i++) {
		size_t len = 0;

		while (at + len < n && l->at[at + len] != '.')
			len++;
		if (i == 2 && len == 1 && l->at[at] == '-')
			part[i] = EVENT_NO_VCPU;
		else if (!number(l->at + at, len, &part[i]))
			return bad(l, "vm.level.vcpu expected");
		at += len + 1;
	}
	ev->vm = part[0];
	ev->level = part[1];
	ev->vcpu = part[2];
	l->at += n;
	return true;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool put_byte(struct line *l, u8 byte)
{
	if (l->len == sizeof(l->payload))
		return bad(l, "the event is too long");
	l->payload[l->len++] = byte;
	return true;
}

static bool take_quoted(struct line *l)
{
	if (l->at >= l->end || *l->at++ != '"')
		return bad(l, "a quoted text expected");
	while (l->at < l->end && *l->at != '"') {
		u8 c = *l->at++;

		if (c == '\\' && l->at < l->end) {
			c = *l->at++;
			if (c == 'n') {
				c = '\n';
			} else if (c == 'x') {
				if (l->end - l->at < 2 || hex_digit(l->at[0]) < 0 ||
				    hex_digit(l->at[1]) < 0)
					return bad(l, "two hex digits expected after \\x");
				c = hex_digit(l->at[0]) << 4 | hex_digit(l->at[1]);
				l->at += 2;
			}
		}
		if (!put_byte(l, c))
			return false;
	}
	if (l->at >= l->end)
		return bad(l, "the quote is not closed");
	l->at++;
	return true;
}

static bool take_bytes(struct line *l)
{
	if (l->at < l->end && *l->at == '-') {
		l->at++;
		return true;
	}
	while (l->at + 1 < l->end && hex_digit(l->at[0]) >= 0 && hex_digit(l->at[1]) >= 0) {
		if (!put_byte(l, hex_digit(l->at[0]) << 4 | hex_digit(l->at[1])))
			return false;
		l->at += 2;
	}
	return true;
}

static bool take_field(struct line *l, const struct ev_field *field)
{
	size_t name = strlen(field->name), n;
	u64 value;

	skip_spaces(l);
	if ((size_t)(l->end - l->at) <= name || memcmp(l->at, field->name, name) ||
	    l->at[name] != '=')
		return bad(l, "a field is missing");
	l->at += name + 1;
	if (!field->size)
		return !strcmp(field->unit, "text") ? take_quoted(l) : take_bytes(l);
	n = word(l);
	if (!parse_value(field->unit, l->at, n, &value))
		return bad(l, "a field has no such value");
	l->at += n;
	for (unsigned i = 0; i < field->size; i++)
		if (!put_byte(l, value >> (8 * i)))
			return false;
	return true;
}

/* What may follow the fields: "synthetic", "@SITE". */
static bool take_end(struct line *l, struct event *ev)
{
	size_t n;
	u64 site;

	while ((n = word(l)) != 0) {
		if (n == 9 && !memcmp(l->at, "synthetic", 9))
			ev->flags |= CH_EV_SYNTHETIC;
		else if (*l->at == '@' && number(l->at + 1, n - 1, &site))
			ev->site = site;
		else
			return bad(l, "nothing more expected");
		l->at += n;
	}
	return true;
}

static bool parse_line(struct line *l, struct timeline *tl)
{
	struct event ev = { .site = EVENT_NO_SITE };
	const struct ev_info *row;
	size_t n;

	if (!take_number(l, "", &ev.seq) || !take_number(l, "", &ev.clock))
		return bad(l, "SEQ CLOCK expected");
	if (!take_place(l, &ev))
		return false;
	if (!take_number(l, "cause=", &ev.cause))
		return bad(l, "cause=SEQ expected");
	n = word(l);
	row = ev_info_by_name(l->at, n);
	if (!row)
		return bad(l, "no event has this name");
	l->at += n;
	for (const struct ev_field *f = row->fields; f->name; f++)
		if (!take_field(l, f))
			return false;
	if (!take_end(l, &ev))
		return false;
	ev.id = row->id;
	ev.payload = l->payload;
	ev.len = l->len;
	timeline_append(tl, &ev);
	return true;
}

unsigned parse_events(const char *text, struct timeline *tl, const char **why)
{
	for (unsigned nr = 1; *text; nr++) {
		struct line l = { .at = text, .end = text + strcspn(text, "\n") };

		text = l.end + (*l.end == '\n');
		if (!word(&l) || *l.at == '#')
			continue;
		if (!parse_line(&l, tl)) {
			*why = l.why;
			return nr;
		}
	}
	return 0;
}
