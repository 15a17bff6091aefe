/* SPDX-License-Identifier: MIT */
/* Opening files with events: tells the kinds apart by their content. */
#include "tui/open.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tui/link.h"
#include "tui/parse.h"
#include "tui/record.h"
#include "tui/say.h"

/* The rings in a machine's memory, as it was when it died. */
static bool open_memory(const char *path, struct timeline *tl)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct link *link = fd < 0 ? NULL : link_open(fd, LINK_SEARCH);
	const char *why = NULL;
	struct event ev;
	bool ready;

	if (fd >= 0)
		close(fd);
	if (!link)
		return false;
	link_set_postmortem(link);
	ready = link_ready(link, &why);
	if (why)
		timeline_note(tl, "memory of a machine: %s", why);
	while (ready && link_next(link, &ev))
		timeline_append(tl, &ev);
	if (ready)
		timeline_note(tl, "this is the memory of a machine: its last %zu events",
			      timeline_count(tl));
	link_close(link);
	return ready;
}

static bool open_text(const char *path, struct timeline *tl)
{
	FILE *file = fopen(path, "r");
	struct text text = { 0 };
	char buf[4096];
	const char *why = NULL;
	unsigned line;
	size_t n;

	if (!file)
		return false;
	while ((n = fread(buf, 1, sizeof(buf), file)))
		text_put(&text, buf, n);
	fclose(file);
	line = parse_events(text_str(&text), tl, &why);
	text_free(&text);
	if (line && timeline_count(tl))
		timeline_note(tl, "line %u: %s", line, why);
	return timeline_count(tl) != 0;
}

bool open_events(const char *path, struct schema *schema, struct timeline *tl)
{
	switch (record_read(path, schema, tl)) {
	case RECORD_OK:
	case RECORD_DAMAGED:
		return true;
	case RECORD_UNREADABLE:
		say("%s: %s", path, strerror(errno));
		return false;
	case RECORD_NOT_ONE:
		break;
	}
	if (open_memory(path, tl) || open_text(path, tl))
		return true;
	say("%s: neither a recording, nor printed events, nor the memory of a machine", path);
	return false;
}
