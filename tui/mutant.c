/* SPDX-License-Identifier: MIT */
/* The heads of the patches: read, and listed. */
#define _GNU_SOURCE
#include "tui/mutant.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/build.h"
#include "tui/mutant_i.h"
#include "tui/say.h"

#define ENDING ".patch"

void mutant_say_missing(const char *path)
{
	say("sim --mutant: %s: %s: mutants are made from vitrine's sources; set VITRINE_SRC to their "
	    "folder and VITRINE_BUILD to the one where make was run", path, strerror(errno));
}

static void folder_path(char *path, size_t size)
{
	snprintf(path, size, "%s/tests/mutants", build_srcdir());
}

/* One line of a head. A line that begins with a tab goes on with the last key. */
static void read_line(struct mutant *m, char *line, char *key, size_t key_size)
{
	char *value = line, *colon;

	if (*line != '\t') {
		colon = strstr(line, ": ");
		snprintf(key, key_size, "%.*s", colon ? (int)(colon - line) : 0, line);
		value = colon ? colon + 2 : line;
	}
	if (!m->title[0])
		snprintf(m->title, sizeof(m->title), "%.*s", (int)sizeof(m->title) - 1, line);
	if (!strcmp(key, "Lesson"))
		snprintf(m->lesson, sizeof(m->lesson), "%s/%s", build_srcdir(), value);
	if (!strcmp(key, "Look"))
		text_add(&m->look, "%s %s", m->look.len ? "" : "look", value + (*value == '\t'));
	if (*line && strcmp(key, "Kills") && strcmp(key, "Lesson"))
		text_add(&m->about, "%s\n", line);
}

/* Up to the patch, whose "+++" line tells the file. */
static void read_head(struct mutant *m, FILE *f)
{
	char line[256], key[16] = "";

	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "+++ b/%127s", m->file) == 1)
			return;
		if (strncmp(line, "--- ", 4))
			read_line(m, line, key, sizeof(key));
	}
}

static bool load(struct mutant *m, const char *name)
{
	char folder[512];
	FILE *f;

	memset(m, 0, sizeof(*m));
	folder_path(folder, sizeof(folder));
	snprintf(m->name, sizeof(m->name), "%s", name);
	snprintf(m->patch, sizeof(m->patch), "%s/%s" ENDING, folder, m->name);
	f = strchr(name, '/') ? NULL : fopen(m->patch, "r");
	if (!f)
		return false;
	read_head(m, f);
	fclose(f);
	return true;
}

bool mutant_load(struct mutant *m, const char *name)
{
	char folder[512];
	DIR *dir;

	folder_path(folder, sizeof(folder));
	dir = opendir(folder);
	if (!dir) {
		mutant_say_missing(folder);
		return false;
	}
	closedir(dir);
	if (!load(m, name)) {
		say("sim --mutant=%s: there is no such mutant; vitrine sim --mutants lists them", name);
		return false;
	}
	return true;
}

void mutant_free(struct mutant *m)
{
	text_free(&m->about);
	text_free(&m->look);
}

static int is_patch(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > strlen(ENDING) && !strcmp(entry->d_name + n - strlen(ENDING), ENDING);
}

static void print_one(char *file)
{
	struct mutant m;

	file[strlen(file) - strlen(ENDING)] = '\0';
	if (!load(&m, file))
		return;
	printf("%s%s%s\n    %s\n", m.name, m.lesson[0] ? ", shown by " : "",
	       m.lesson[0] ? strrchr(m.lesson, '/') + 1 : "", m.title);
	mutant_free(&m);
}

bool mutant_list(void)
{
	struct dirent **entry;
	char folder[512];
	int n;

	folder_path(folder, sizeof(folder));
	n = scandir(folder, &entry, is_patch, alphasort);
	if (n < 0) {
		mutant_say_missing(folder);
		return false;
	}
	for (int i = 0; i < n; i++) {
		print_one(entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
	return true;
}
