/* SPDX-License-Identifier: MIT */
/* The registry of views, and lines with inks. */
#include "tui/view.h"
#include <string.h>

const struct view_ops *const views[] = {
	&view_pages,  &view_page, &view_spte,	 &view_events, &view_source, &view_console,
	&view_slots,  &view_vcpus, &view_rmap,	 &view_flushes, &view_tlb,   &view_rules,
	&view_knobs,  &view_notes, NULL,
};

const struct view_ops *view_by_name(const char *name)
{
	for (unsigned i = 0; views[i]; i++)
		if (!strcmp(views[i]->name, name))
			return views[i];
	return strcmp(name, "help") ? NULL : &view_help;
}

void line_add(struct line *line, enum ink ink, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vadd(&line->text, format, args);
	va_end(args);
	if (line->nr_runs && (line->nr_runs == LINE_RUNS || line->run[line->nr_runs - 1].ink == ink))
		line->nr_runs--;
	line->run[line->nr_runs].ink = ink;
	line->run[line->nr_runs++].end = line->text.len;
}
