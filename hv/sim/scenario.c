/* SPDX-License-Identifier: MIT */
/* Reads scenarios: lines into words, words into arguments by the row's list. */
#include "hv/sim/scenario.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct scn_row scn_words[NR_WORDS] = {
#define WORD(name, who, args, usage, sentence) { #name, who, args, usage, sentence },
#include "hv/sim/scenario.def"
};

const struct scn_row scn_wishes[NR_WISHES] = {
#define WISH(name, args, usage, sentence) { #name, SCN_MACHINE, args, usage, sentence },
#include "hv/sim/expect.def"
};

#define MAX_TOKENS 24

/* A line cut into words. */
struct cutter {
	struct scn_line *line;
	struct scn_error *error;
	const struct scn_row *row;	/* of the line's word, once it is known */
	char *token[MAX_TOKENS];
	size_t offset[MAX_TOKENS];	/* of the token in the line's text */
	unsigned nr, at;
};

static bool bad(struct cutter *c, const char *what, const char *why, ...)
	__attribute__((format(printf, 3, 4)));

static bool bad(struct cutter *c, const char *what, const char *why, ...)
{
	va_list args;

	c->error->line = c->line->number;
	snprintf(c->error->what, sizeof(c->error->what), "%s", what);
	va_start(args, why);
	vsnprintf(c->error->why, sizeof(c->error->why), why, args);
	va_end(args);
	return false;
}

/* Something is not there: say how the line should look. */
static bool missing(struct cutter *c, const char *what)
{
	return bad(c, c->line->text, "%s is missing; the form is: %s", what, c->row->usage);
}

static const char *next(struct cutter *c)
{
	return c->at < c->nr ? c->token[c->at] : NULL;
}

static bool next_is(struct cutter *c, const char *word)
{
	if (!next(c) || strcmp(next(c), word))
		return false;
	c->at++;
	return true;
}

/* Decimal or hex, with K, M or G. */
static bool number(const char *text, u64 *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno)
		return false;
	for (const char *unit = "KMG"; *unit; unit++)
		if (*end == *unit && !end[1] && *value <= ~0ull >> (10 * (unit - "KMG" + 1))) {
			*value <<= 10 * (unit - "KMG" + 1);
			return true;
		}
	return !*end;
}

static bool take_number(struct cutter *c, u64 *value)
{
	const char *token = next(c);

	if (!token)
		return missing(c, "a number");
	if (!number(token, value))
		return bad(c, token, "not a number (decimal, 0x hex, with K, M or G)");
	c->at++;
	return true;
}

static bool take_word(struct cutter *c)
{
	const char *token = next(c);
	char *to = c->line->w[c->line->nr_w];

	if (!token)
		return missing(c, "a word");
	if (strlen(token) >= sizeof(c->line->w[0]))
		return bad(c, token, "no such word");
	strcpy(to, token);
	c->line->nr_w++;
	c->at++;
	return true;
}

/* RIGHTS as in a role: letters of w, u and x. */
static bool access_letters(const char *text, u64 *value)
{
	*value = 0;
	for (; *text; text++)
		switch (*text) {
		case 'w':
			*value |= ACC_WRITE;
			break;
		case 'u':
			*value |= ACC_USER;
			break;
		case 'x':
			*value |= ACC_EXEC;
			break;
		case '-':
			break;
		default:
			return false;
		}
	return true;
}

static bool take_key(struct cutter *c)
{
	static const char *const name[NR_KEYS] = { "gfn", "level", "quadrant", "direct", "access",
						   "smm", "count" };
	const char *token = next(c), *sign = strchr(token, '=');
	unsigned i = 0;
	bool ok;

	while (i < NR_KEYS && (!sign || strncmp(token, name[i], sign - token) ||
			       name[i][sign - token]))
		i++;
	if (i == NR_KEYS)
		return bad(c, token, "not one of gfn= level= quadrant= direct= access= smm= count=");
	ok = i == KEY_access ? access_letters(sign + 1, &c->line->key[i])
			     : number(sign + 1, &c->line->key[i]);
	c->at++;
	return ok || bad(c, token, i == KEY_access ? "rights are letters of wux-"
						   : "not a number after =");
}

static bool take_result(struct cutter *c)
{
	struct scn_line *line = c->line;

	if (!next_is(c, "->"))
		return true;
	line->result = next_is(c, "fault")   ? RESULT_FAULT :
		       next_is(c, "reflect") ? RESULT_REFLECT :
					       RESULT_NONE;
	if (!next(c))
		return bad(c, line->text, "after -> comes a value, or: fault ERROR, reflect ERROR, mmio, "
					  "readonly, nomem, any");
	if (line->result != RESULT_NONE)
		return take_number(c, &line->result_value);
	if (next_is(c, "any"))
		line->result = RESULT_LATER;
	else if (next_is(c, "mmio"))
		line->result = RESULT_MMIO;
	else if (next_is(c, "readonly"))
		line->result = RESULT_READONLY;
	else if (next_is(c, "nomem"))
		line->result = RESULT_NOMEM;
	if (line->result != RESULT_NONE)
		return true;
	line->result = RESULT_VALUE;
	return take_number(c, &line->result_value);
}

static bool take_name(struct cutter *c, unsigned number, unsigned none, const char *why)
{
	if (!next(c))
		return missing(c, "a name");
	if (number == none)
		return bad(c, next(c), "%s", why);
	c->line->n[c->line->nr_n++] = number;
	c->at++;
	return true;
}

static bool take_rest(struct cutter *c)
{
	if (!next(c))
		return missing(c, "text");
	c->line->rest = c->line->text + c->offset[c->at];
	c->at = c->nr;
	return true;
}

static bool take_arg(struct cutter *c, char kind)
{
	switch (kind) {
	case 'n':
		return take_number(c, &c->line->n[c->line->nr_n]) && ++c->line->nr_n;
	case 'w':
		return take_word(c);
	case 'k':
		return take_key(c);
	case '=':
		return next_is(c, "=") || missing(c, "=");
	case '-':
		return next_is(c, "->") || missing(c, "->");
	case 'c':
		return take_name(c, next(c) ? plan_task(next(c)) : 0, PLAN_TASKS,
				 "neither a vCPU, cpu0 to cpu15, nor host");
	case 'p':
		return take_name(c, next(c) ? plan_point(next(c)) : 0, NR_POINTS,
				 "no such point; --words lists them");
	default:
		return take_rest(c);
	}
}

static bool take_args(struct cutter *c, const struct scn_row *row)
{
	bool optional = false;

	c->row = row;
	for (const char *kind = row->args; *kind; kind++) {
		if (*kind == '>') {
			if (!take_result(c))
				return false;
			continue;
		}
		if (*kind == '?') {
			optional = true;
			continue;
		}
		if (optional && (!next(c) || !strcmp(next(c), "->")))
			continue;
		if (!take_arg(c, *kind))
			return false;
	}
	if (next(c))
		return bad(c, next(c), "too much on the line; the form is: %s", row->usage);
	return true;
}

/* The row of a name; the file writes - where a C name has _. */
static int find(const struct scn_row *rows, unsigned nr, const char *token)
{
	for (unsigned i = 0; i < nr; i++) {
		const char *a = rows[i].name, *b = token;

		while (*a && (*a == *b || (*a == '_' && *b == '-')))
			a++, b++;
		if (!*a && !*b)
			return i;
	}
	return -1;
}

static bool take_cpu(struct cutter *c, bool *is_cpu)
{
	const char *token = next(c);
	char *end;
	u64 cpu;

	*is_cpu = !strncmp(token, "cpu", 3) && strchr(token, ':');
	if (!*is_cpu && !strncmp(token, "cpu", 3) && token[3] >= '0' && token[3] <= '9')
		return bad(c, token, "the colon is missing: a vCPU is written cpu0:");
	if (!*is_cpu)
		return true;
	cpu = strtoull(token + 3, &end, 10);
	if (end == token + 3 || strcmp(end, ":") || cpu >= MMU_MAX_VCPUS)
		return bad(c, token, "a vCPU is written cpu0: to cpu%u:", MMU_MAX_VCPUS - 1);
	c->line->cpu = cpu;
	c->at++;
	while (next(c)) {
		if (next_is(c, "user"))
			c->line->user = true;
		else if (next_is(c, "ac"))
			c->line->ac = true;
		else
			break;
	}
	return true;
}

static bool take_wish(struct cutter *c)
{
	int i;

	c->line->no = next_is(c, "no");
	if (!next(c))
		return bad(c, c->line->text, "what is expected?");
	i = find(scn_wishes, NR_WISHES, next(c));
	if (i < 0)
		return bad(c, next(c), "nothing that can be expected");
	c->at++;
	c->line->wish = i;
	return take_args(c, &scn_wishes[i]);
}

static bool take_line(struct cutter *c)
{
	bool is_cpu;
	int i;

	if (!take_cpu(c, &is_cpu))
		return false;
	if (!next(c))
		return bad(c, c->line->text, "what shall the vCPU do?");
	i = find(scn_words, NR_WORDS, next(c));
	if (i < 0)
		return bad(c, next(c), "no such word");
	if (is_cpu && scn_words[i].who == SCN_MACHINE)
		return bad(c, next(c), "not something a vCPU does");
	if (!is_cpu && scn_words[i].who == SCN_CPU)
		return bad(c, next(c), "say which vCPU does it: %s", scn_words[i].usage);
	c->at++;
	c->line->word = i;
	return i == WORD_expect ? take_wish(c) : take_args(c, &scn_words[i]);
}

/* ---- whole files --------------------------------------------------------- */

/* Cuts the text at blanks. */
static bool cut(struct cutter *c, char *copy)
{
	char *save = NULL;

	for (char *t = strtok_r(copy, " \t\r", &save); t; t = strtok_r(NULL, " \t\r", &save)) {
		if (c->nr == MAX_TOKENS)
			return bad(c, c->line->text, "too many words on one line");
		c->offset[c->nr] = t - copy;
		c->token[c->nr++] = t;
	}
	return true;
}

static bool parse_line(struct scn_line *line, struct scn_error *error)
{
	struct cutter c = { .line = line, .error = error };
	char *copy = strdup(line->text);
	bool ok;

	for (unsigned i = 0; i < NR_KEYS; i++)
		line->key[i] = SCN_ANY;
	ok = copy ? cut(&c, copy) && take_line(&c) : bad(&c, "memory", "there is none left");
	free(copy);
	return ok;
}

/* The line without comment and outer blanks; NULL: nothing is left of it. */
static char *trimmed(const char *from, size_t len)
{
	const char *comment = memchr(from, '#', len);

	if (comment)
		len = comment - from;
	while (len && strchr(" \t\r", *from))
		from++, len--;
	while (len && strchr(" \t\r", from[len - 1]))
		len--;
	return len ? strndup(from, len) : NULL;
}

/* An expectation about the last access stands in for its result. */
static void look_back(struct scenario *scn)
{
	struct scn_line *line = &scn->line[scn->nr - 1], *before = line - 1;

	if (scn->nr < 2 || line->word != WORD_expect || before->result != RESULT_NONE)
		return;
	if (line->wish == WISH_fault || line->wish == WISH_reflect || line->wish == WISH_mmio ||
	    line->wish == WISH_readonly || line->wish == WISH_nomem)
		before->result = RESULT_LATER;
}

static bool add_line(struct scenario *scn, unsigned number, char *text, struct scn_error *error)
{
	struct scn_line *more = realloc(scn->line, (scn->nr + 1) * sizeof(*more));

	if (!more) {
		free(text);
		*error = (struct scn_error){ number, "memory", "there is none left" };
		return false;
	}
	scn->line = more;
	scn->line[scn->nr] = (struct scn_line){ .number = number, .text = text };
	scn->nr++;
	if (!parse_line(&scn->line[scn->nr - 1], error))
		return false;
	look_back(scn);
	return true;
}

bool scn_parse(struct scenario *scn, const char *name, const char *text, struct scn_error *error)
{
	unsigned number = 0;

	*scn = (struct scenario){ .name = strdup(name) };
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = trimmed(text, len);

		number++;
		if (line && !add_line(scn, number, line, error)) {
			scn_free(scn);
			return false;
		}
		text += len + (text[len] == '\n');
	}
	*error = (struct scn_error){ 0, "scenario", "there is nothing in it" };
	if (scn->nr && scn_check(scn, error))
		return true;
	scn_free(scn);
	return false;
}

void scn_free(struct scenario *scn)
{
	for (unsigned i = 0; i < scn->nr; i++)
		free(scn->line[i].text);
	free(scn->line);
	free(scn->name);
	*scn = (struct scenario){ 0 };
}

#define MAX_FILE (1u << 20)

bool scn_load(struct scenario *scn, const char *path, struct scn_error *error)
{
	FILE *file = fopen(path, "r");
	char *text = malloc(MAX_FILE + 1);
	size_t len = 0;
	bool ok = file && text;

	*error = (struct scn_error){ 0, "open", "" };
	if (ok) {
		len = fread(text, 1, MAX_FILE + 1, file);
		ok = !ferror(file);
	}
	if (!ok) {
		snprintf(error->why, sizeof(error->why), "%s", strerror(errno));
	} else if (len > MAX_FILE || memchr(text, 0, len)) {
		ok = false;
		snprintf(error->why, sizeof(error->why), "not a scenario: too long, or not text");
	} else {
		text[len] = 0;
		ok = scn_parse(scn, path, text, error);
	}
	if (file)
		fclose(file);
	free(text);
	return ok;
}
