/* SPDX-License-Identifier: MIT */
/* A private build of the simulated machine: hv/sim/mutants/NAME in the build folder
 * holds the patched file, the program, and the key of what they were made from. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mmu/types.h"
#include "tui/build.h"
#include "tui/mutant.h"
#include "tui/mutant_i.h"
#include "tui/say.h"

#define COMMAND_S	10
#define LOG		8192

/* ---- what it is made from ------------------------------------------------------------ */

/* Goes on with a hash (FNV-1a) over a file's bytes. */
static bool add_file(u64 *hash, const char *path)
{
	FILE *f = fopen(path, "r");
	char buf[16384];
	size_t n;

	if (!f) {
		mutant_say_missing(path);
		return false;
	}
	while ((n = fread(buf, 1, sizeof(buf), f)))
		for (size_t i = 0; i < n; i++)
			*hash = (*hash ^ (u8)buf[i]) * 0x100000001b3ull;
	fclose(f);
	return true;
}

static bool add_below(u64 *hash, const char *folder, const char *file)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return add_file(hash, path);
}

static bool make_key(const struct mutant *m, u64 *key)
{
	*key = 0xcbf29ce484222325ull;
	return add_file(key, m->patch) && add_below(key, build_srcdir(), m->file) &&
	       add_below(key, build_srcdir(), "hv/sim/main.c") &&
	       add_below(key, build_builddir(), "mmu/libmmu.a") &&
	       add_below(key, build_builddir(), "hv/sim/libsim.a") &&
	       add_below(key, build_builddir(), "hv/libhv.a");
}

static bool is_built(const struct mutant *m, u64 key)
{
	char path[1400];
	u64 built = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/key", m->folder);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%" SCNx64, &built) != 1)
		built = ~key;
	fclose(f);
	return built == key && !access(m->program, X_OK);
}

static bool note_key(const char *folder, u64 key)
{
	char path[1400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/key", folder);
	f = fopen(path, "w");
	return f && fprintf(f, "%" PRIx64 "\n", key) > 0 && !fclose(f);
}

/* ---- making it ------------------------------------------------------------------------ */

/* Runs a command; what it says is told if it fails. */
static bool run(const struct mutant *m, char *const argv[], const char *otherwise)
{
	char log[LOG];

	if (!build_run(argv, COMMAND_S, log, sizeof(log)))
		return true;
	log[strcspn(log, "\n")] = '\0';
	say("sim --mutant=%s: %s: %s", m->name, log[0] ? log : argv[0], otherwise);
	return false;
}

/* The file as the patch makes it, below the folder. */
static bool patch_copy(const struct mutant *m, char *folder)
{
	char from[4200], to[1400], *slash, *patch = realpath(m->patch, NULL);
	char *mkdir[] = { "mkdir", "-p", to, NULL }, *copy[] = { "cp", from, to, NULL };
	char *apply[] = { "patch", "-s", "-p1", "-F3", "--no-backup-if-mismatch", "-d", folder,
			  "-i", patch, NULL };
	bool ok;

	snprintf(from, sizeof(from), "%s/%s", build_srcdir(), m->file);
	snprintf(to, sizeof(to), "%s/%s", folder, m->file);
	slash = strrchr(to, '/');
	*slash = '\0';
	ok = patch && run(m, mkdir, "the build folder must be writable");
	*slash = '/';
	ok = ok && run(m, copy, "the build folder must be writable") &&
	     run(m, apply, "patch is needed, and sources as the mutant was written for");
	free(patch);
	return ok;
}

static bool compile(const struct mutant *m, const char *folder)
{
	char source[1400], program[1400], log[LOG];

	snprintf(source, sizeof(source), "%s/%s", folder, m->file);
	snprintf(program, sizeof(program), "%s/vitrine-sim", folder);
	if (build_sim(source, m->file, program, log, sizeof(log)))
		return true;
	fputs(log, stderr);
	say("sim --mutant=%s: it cannot be built; the compiler is needed with which vitrine was built",
	    m->name);
	return false;
}

static void remove_folder(char *folder)
{
	char log[LOG], *rm[] = { "rm", "-rf", folder, NULL };

	build_run(rm, COMMAND_S, log, sizeof(log));
}

/* All in a folder of its own, which then takes the place of the old one: another
 * vitrine may be doing the same. */
static bool make(struct mutant *m, u64 key)
{
	char folder[700], *parents[] = { "mkdir", "-p", folder, NULL };
	bool ok;

	snprintf(folder, sizeof(folder), "%s/hv/sim/mutants", build_builddir());
	if (!run(m, parents, "the build folder must be writable"))
		return false;
	snprintf(folder, sizeof(folder), "%s.XXXXXX", m->folder);
	if (!mkdtemp(folder)) {
		say("sim --mutant=%s: %s: %s: the build folder must be writable", m->name, folder,
		    strerror(errno));
		return false;
	}
	ok = patch_copy(m, folder) && compile(m, folder) && note_key(folder, key);
	if (ok) {
		remove_folder(m->folder);
		ok = !rename(folder, m->folder) || is_built(m, key);
	}
	remove_folder(folder);
	return ok;
}

bool mutant_build(struct mutant *m)
{
	u64 key;

	snprintf(m->folder, sizeof(m->folder), "%s/hv/sim/mutants/%s", build_builddir(), m->name);
	snprintf(m->program, sizeof(m->program), "%s/vitrine-sim", m->folder);
	if (strncmp(m->file, "mmu/", 4)) {
		say("sim --mutant=%s: it breaks %s, which the simulated machine does without", m->name,
		    m->file);
		return false;
	}
	return make_key(m, &key) && (is_built(m, key) || make(m, key));
}
