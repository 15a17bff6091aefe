/* SPDX-License-Identifier: MIT */
/* Fetching Debian's kernel and a shell, by the script that came with vitrine. */
#include "tui/linux.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tui/paths.h"
#include "tui/say.h"
#include "tui/text.h"

/* No ACPI, PCI or APICs: a PC of the old kind is quickest to boot. */
#define WORDS                                                                       \
	"console=ttyS0 acpi=off noapic nolapic pci=off nokaslr mitigations=off "    \
	"i8042.noaux i8042.nokbd io_delay=none noisapnp 8250.nr_uarts=1 tsc=reliable panic=-1"

const struct linux_guest linux_guests[] = {
#define LINUX(name, kernel, sentence) { name, kernel, sentence },
#include "tui/linux.def"
	{ 0 }
};

const struct linux_guest *linux_find(const char *name)
{
	for (const struct linux_guest *g = linux_guests; g->name; g++)
		if (!strcmp(g->name, name))
			return g;
	return NULL;
}

static bool is_quotable(const char *path)
{
	return !strchr(path, '\'');
}

/* A line of what the script prints is a path. */
static bool read_path(FILE *from, char *to, size_t room)
{
	if (!fgets(to, room, from))
		return false;
	to[strcspn(to, "\n")] = '\0';
	return *to != '\0';
}

/* The script says on standard error what it does, and why it could not. */
static bool fetch(const struct linux_guest *guest, char *kernel, char *initrd, size_t room)
{
	char script[4096], end[4096];
	struct text command = { 0 };
	FILE *pipe;
	bool ok;

	if (!path_linux("fetch.sh", script, sizeof(script)) ||
	    !path_linux("end", end, sizeof(end)) || !is_quotable(script) || !is_quotable(end)) {
		say("%s: its parts are missing: this vitrine was built without them (--disable-hv)",
		    guest->name);
		return false;
	}
	text_add(&command, "sh '%s' --shell='%s' %s", script, end, guest->kernel);
	pipe = popen(text_str(&command), "r");
	text_free(&command);
	ok = pipe && read_path(pipe, kernel, room) && read_path(pipe, initrd, room);
	if (pipe && pclose(pipe))
		ok = false;
	if (!ok)
		say("%s: not fetched; any kernel's file can be run with --initrd and --append",
		    guest->name);
	return ok;
}

/* What the shell should know of the terminal, which no serial line tells. */
static void add_terminal(struct text *to)
{
	const char *term = getenv("TERM");
	struct winsize size;

	if (!isatty(STDIN_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	if (term && strspn(term, "abcdefghijklmnopqrstuvwxyz0123456789-+.") == strlen(term))
		text_add(to, " TERM=%s", term);
	if (size.ws_row && size.ws_col)
		text_add(to, " LINES=%u COLUMNS=%u", size.ws_row, size.ws_col);
}

bool linux_prepare(const struct linux_guest *guest, struct machine_options *m)
{
	static char kernel[4096], initrd[4096];
	static struct text append;

	if (!fetch(guest, kernel, initrd, sizeof(kernel)))
		return false;
	text_add(&append, "%s", WORDS);
	add_terminal(&append);
	if (m->append)
		text_add(&append, " %s", m->append);
	m->guest = kernel;
	if (!m->initrd)
		m->initrd = initrd;
	m->append = text_str(&append);
	return true;
}
