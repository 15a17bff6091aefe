/* SPDX-License-Identifier: MIT */
/* The line of source that emitted the event at the cursor. */
#include "tui/ui.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

#ifndef VITRINE_SOURCE
#define VITRINE_SOURCE "."
#endif

static const struct model_site *site(struct ui *ui)
{
	const struct event *ev = ui_event(ui);

	return ev && ev->site != EVENT_NO_SITE ? model_site(ui_model(ui), ev->site) : NULL;
}

/* Compilers name files as they were told: "../mmu/sp.c" in a build folder. */
static const char *from_top(const char *file)
{
	while (!strncmp(file, "../", 3))
		file += 3;
	return file;
}

/* Names come from the machine: only what lies below the root is opened. */
static FILE *open_below(const char *root, const char *file)
{
	char path[1024];

	if (file[0] == '/' || strstr(file, "..") ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", root, file) >= sizeof(path))
		return NULL;
	return fopen(path, "r");
}

static char *read_all(FILE *file)
{
	struct text text = { 0 };
	char buf[4096];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), file)) && text.len < (1u << 22))
		text_put(&text, buf, n);
	text_put(&text, "", 0);
	return text.s;
}

static void split(struct ui_source *source)
{
	char *at = source->text;

	while (at && *at) {
		source->lines = xrealloc(source->lines,
					 (source->nr_lines + 1) * sizeof(*source->lines));
		source->lines[source->nr_lines++] = at;
		at = strchr(at, '\n');
		if (at)
			*at++ = '\0';
	}
}

static void load(struct ui *ui, const char *file)
{
	struct ui_source *source = &ui->source;
	const char *root = ui->source_root ? ui->source_root : getenv("VITRINE_SOURCE");
	FILE *f;

	if (!strncmp(source->file, file, sizeof(source->file) - 1))
		return;
	free(source->text);
	free(source->lines);
	memset(source, 0, sizeof(*source));
	snprintf(source->file, sizeof(source->file), "%s", file);
	f = ui->patched ? open_below(ui->patched, file) : NULL;
	if (!f)
		f = open_below(root ? root : VITRINE_SOURCE, file);
	if (!f)
		return;
	source->text = read_all(f);
	fclose(f);
	split(source);
}

static void prepare(struct ui *ui, int width)
{
	const struct model_site *s = site(ui);

	(void)width;
	if (s)
		load(ui, from_top(s->file));
}

static void title(struct ui *ui, struct line *line)
{
	const struct model_site *s = site(ui);

	if (s)
		line_add(line, INK_title, " %s:%u", from_top(s->file), s->line);
}

static size_t count(struct ui *ui)
{
	return site(ui) && ui->source.nr_lines ? ui->source.nr_lines : 1;
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	const struct model_site *s = site(ui);
	bool here = s && i + 1 == s->line;
	const char *at;

	if (!s) {
		line_add(line, INK_dim, "the place is not recorded");
		return;
	}
	if (!ui->source.nr_lines) {
		line_add(line, INK_dim, "%s is not here; see --source=DIR", ui->source.file);
		return;
	}
	line_add(line, here ? INK_changed : INK_dim, "%s%4zu ", here ? ">" : " ", i + 1);
	for (at = ui->source.lines[i]; *at == '\t'; at++)
		line_add(line, INK_plain, "    ");
	line_add(line, here ? INK_changed : INK_plain, "%s", at);
}

static size_t current(struct ui *ui)
{
	const struct model_site *s = site(ui);

	return s && s->line ? s->line - 1 : 0;
}

const struct view_ops view_source = {
	.name = "source", .sentence = "the line that emitted the event", .prepare = prepare,
	.title = title, .count = count, .line = line, .current = current,
	.bulky = true,
};
