/* SPDX-License-Identifier: MIT */
/* vitrine view: looks at a recording. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/loop.h"
#include "tui/open.h"
#include "tui/say.h"
#include "tui/verb.h"

struct options {
	bool plain;
	const char *script, *source, *view, *size;
};

static int help(void)
{
	printf("usage: vitrine view [options] FILE\n\n"
	       "FILE is a recording, the output of `vitrine trace dump`, or the memory a crashed\n"
	       "machine left behind.\n\n"
	       "  --plain         print every view as lines\n"
	       "  --view=NAME     with --plain: only this view\n"
	       "  --script=FILE   run a script instead of a terminal\n"
	       "  --size=WxH      size of the script's screen (80x24)\n"
	       "  --source=DIR    where the source is that events point at\n");
	return 0;
}

static int run_script(struct ui *ui, const struct options *opt)
{
	struct canvas *canvas;
	int w = 80, h = 24, status;

	if (opt->size && (sscanf(opt->size, "%dx%d", &w, &h) != 2 || w < 1 || h < 1 || w > 1000 ||
			  h > 1000)) {
		say("--size=%s: a size like 80x24 is wanted", opt->size);
		return EXIT_USAGE;
	}
	canvas = canvas_new(w, h);
	status = ui_script(ui, opt->script, canvas);
	canvas_free(canvas);
	return status;
}

static int print_plain(struct ui *ui, const struct options *opt)
{
	struct text text = { 0 };

	if (!ui_plain(ui, opt->view, &text)) {
		say("--view=%s: there is no such view", opt->view);
		return EXIT_USAGE;
	}
	fputs(text_str(&text), stdout);
	text_free(&text);
	return 0;
}

static int show(const struct options *opt, const char *path)
{
	struct schema *schema = schema_new();
	struct timeline *tl = timeline_new(schema);
	int status = 1;
	struct ui *ui;

	if (open_events(path, schema, tl)) {
		ui = ui_new(tl, opt->source);
		if (opt->plain || opt->script)
			fputs(timeline_notes(tl), stderr);
		if (opt->script)
			status = run_script(ui, opt);
		else if (opt->plain)
			status = print_plain(ui, opt);
		else
			status = loop_run(ui) ? 0 : EXIT_VITRINE;
		ui_free(ui);
	}
	timeline_free(tl);
	schema_free(schema);
	return status;
}

int verb_view(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "plain", no_argument, NULL, 'p' },	   { "view", required_argument, NULL, 'v' },
		{ "script", required_argument, NULL, 's' }, { "size", required_argument, NULL, 'z' },
		{ "source", required_argument, NULL, 'd' }, { "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct options opt = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'p':
			opt.plain = true;
			break;
		case 'v':
			opt.view = optarg;
			break;
		case 's':
			opt.script = optarg;
			break;
		case 'z':
			opt.size = optarg;
			break;
		case 'd':
			opt.source = optarg;
			break;
		case 'h':
			return help();
		default:
			return verb_usage("view");
		}
	}
	if (optind + 1 != argc)
		return verb_usage("view");
	return show(&opt, argv[optind]);
}
