/* SPDX-License-Identifier: MIT */
/* What the explorer reads from a scenario's lines, and the scenario it writes. */
#include "hv/sim/explore.h"
#include <errno.h>
#include <string.h>

static bool is_plan(const struct scn_line *line)
{
	return line->word == WORD_start || line->word == WORD_switch;
}

/* Index of the line; nr: there is no such block. */
static unsigned find_block(const struct scenario *scn, unsigned block)
{
	unsigned i = 0;

	for (; i < scn->nr; i++)
		if (scn->line[i].word == WORD_together && !block--)
			break;
	return i;
}

bool explore_block(const struct scenario *scn, unsigned block, unsigned *line, u32 *tasks)
{
	unsigned i = find_block(scn, block);

	if (i == scn->nr)
		return false;
	*line = scn->line[i].number;
	*tasks = 0;
	for (i++; scn->line[i].word != WORD_end; i++) {
		const struct scn_line *at = &scn->line[i];

		if (scn_words[at->word].who == SCN_CPU)
			*tasks |= 1u << at->cpu;
		else if (!is_plan(at))
			*tasks |= 1u << PLAN_HOST;
	}
	return true;
}

static void write_plan(FILE *to, const struct plan *plan)
{
	char text[64];

	fprintf(to, "# Found by vitrine sim --explore.\n");
	fprintf(to, "start %s\n", plan_task_name(plan->start, text));
	for (unsigned i = 0; i < plan->nr; i++) {
		plan_switch_text(&plan->at[i], text, sizeof(text));
		fprintf(to, "%s\n", text);
	}
}

/* The scenario's line of this number in the file; NULL: nothing is said there. */
static const struct scn_line *line_at(const struct scenario *scn, unsigned number)
{
	for (unsigned i = 0; i < scn->nr; i++)
		if (scn->line[i].number == number)
			return &scn->line[i];
	return NULL;
}

/* Copies the file with its comments; the block's old plan and, if the back end was
 * forced, the old back end stay out. */
static void copy(FILE *from, FILE *to, const struct scenario *scn, unsigned block,
		 const struct plan *plan, int mode)
{
	const struct scn_line *begin = &scn->line[find_block(scn, block)], *end = begin;
	char text[4096];

	while (end->word != WORD_end)
		end++;
	for (unsigned number = 1; fgets(text, sizeof(text), from); number++) {
		const struct scn_line *line = line_at(scn, number);

		if (line && line > begin && line < end && is_plan(line))
			continue;
		if (mode >= 0 && line && line == scn->line)
			fprintf(to, "mmu %s\n", mode == MMU_MODE_TDP ? "tdp" : "shadow");
		if (mode >= 0 && line && scn_names_first_mmu(scn, line))
			continue;
		fputs(text, to);
		if (line == begin)
			write_plan(to, plan);
	}
}

bool explore_write(const struct scenario *scn, unsigned block, const struct plan *plan, int mode,
		   const char *path)
{
	FILE *from = fopen(scn->name, "r"), *to = from ? fopen(path, "w") : NULL;
	bool ok;

	if (to)
		copy(from, to, scn, block, plan, mode);
	ok = to && !ferror(from) && !ferror(to);
	if (from)
		fclose(from);
	return to && !fclose(to) && ok;
}
