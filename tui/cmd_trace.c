/* SPDX-License-Identifier: MIT */
/* vitrine trace: a recording as lines, or counted. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/format.h"
#include "tui/open.h"
#include "tui/say.h"
#include "tui/verb.h"

static void dump(const struct schema *schema, const struct timeline *tl)
{
	struct text text = { 0 };

	for (size_t i = 0; i < timeline_count(tl); i++) {
		text_clear(&text);
		format_event(&text, schema, timeline_event(tl, i));
		puts(text_str(&text));
	}
	text_free(&text);
}

static void stat(const struct schema *schema, const struct timeline *tl)
{
	u64 *counts = xcalloc(0x10000, sizeof(*counts));
	const struct model *m = timeline_live(tl);

	for (size_t i = 0; i < timeline_count(tl); i++)
		counts[timeline_event(tl, i)->id]++;
	printf("%zu events, %" PRIu64 " lost, %u contradictions\n", timeline_count(tl), m->lost,
	       m->nr_damage);
	for (unsigned id = 0; id < 0x10000; id++) {
		const struct ev_info *row = schema_row(schema, id);

		if (counts[id])
			printf("%10" PRIu64 "  %s\n", counts[id], row ? row->name : "?");
	}
	free(counts);
}

static int help(void)
{
	printf("usage: vitrine trace dump|stat FILE\n\n"
	       "dump prints every event as a line:\n"
	       "  SEQ CLOCK vm.level.vcpu cause=SEQ NAME key=value ... [synthetic] [@SITE]\n"
	       "stat counts them by name.\n");
	return 0;
}

int verb_trace(int argc, char **argv)
{
	struct schema *schema;
	struct timeline *tl;
	bool ok, damaged;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return help();
	if (argc != 3 || (strcmp(argv[1], "dump") && strcmp(argv[1], "stat")))
		return verb_usage("trace");
	schema = schema_new();
	tl = timeline_new(schema);
	ok = open_events(argv[2], schema, tl);
	damaged = timeline_notes(tl)[0];
	if (ok && !strcmp(argv[1], "dump"))
		dump(schema, tl);
	else if (ok)
		stat(schema, tl);
	if (damaged)
		fputs(timeline_notes(tl), stderr);
	timeline_free(tl);
	schema_free(schema);
	return ok && !damaged ? 0 : 1;
}
