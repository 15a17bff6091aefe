/* SPDX-License-Identifier: MIT */
/*
 * vitrine-lab: what `vitrine lab` runs. Lists the labs, puts the starter file
 * into a folder of the student's, gives hints, grades.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "labs/lab.h"
#include "tui/build.h"
#include "labs/lab07.h"

#define TESTS_7 lab07_tests
#define LAB(number, folder, file, replaces, minutes, title)                                        \
	{ number, folder, file, replaces, minutes, title, TESTS_##number },

const struct lab lab_table[] = {
#include "labs/labs.def"
	{ 0, NULL, NULL, NULL, 0, NULL, NULL },
};

enum { EXIT_FULL = 0, EXIT_LESS = 1, EXIT_USAGE = 2, EXIT_CANNOT = 125 };

static int usage_error(const char *what, const char *why)
{
	fprintf(stderr, "vitrine: %s: %s; see vitrine lab --help\n", what, why);
	return EXIT_USAGE;
}

static void help(void)
{
	puts("Usage: vitrine lab COMMAND [LAB] [OPTION]...\n"
	     "Exercises: you write one file of the library, it takes the place of the library's own.\n\n"
	     "  list              the labs there are\n"
	     "  start LAB [DIR]   put the starter file and the text into DIR (default: ./NN-NAME)\n"
	     "  grade LAB [DIR]   build your file, try it, print points\n"
	     "  run LAB [DIR]     run the lab's guest on your file, on the simulated machine\n"
	     "  hint LAB [N]      hint N, 1 (the default) to 3\n\n"
	     "  --file=FILE       your file, if it is not in DIR\n"
	     "  --seed=N          the seed of the inputs that are not shown\n"
	     "  --tap             grade: print the result as TAP\n"
	     "  --tui             run: look at it, step by step\n"
	     "  --help            this text\n\n"
	     "LAB is a number or a name. Exit status: 0 all points, 1 fewer, 2 wrong usage,\n"
	     "125 vitrine could not do it.");
}

const struct lab *lab_find(const char *name)
{
	for (const struct lab *lab = lab_table; lab->number; lab++) {
		char number[12];

		snprintf(number, sizeof(number), "%u", lab->number);
		if (!strcmp(name, number) || !strcmp(name, lab->folder) ||
		    !strcmp(name, strchr(lab->folder, '-') + 1))
			return lab;
	}
	return NULL;
}

static int list(void)
{
	for (const struct lab *lab = lab_table; lab->number; lab++)
		printf("%3u  %-16s %3u min  %s\n", lab->number, strchr(lab->folder, '-') + 1,
		       lab->minutes, lab->title);
	return 0;
}

/* The words of the command line. */
struct words {
	const char *command, *lab, *dir, *file;
	uint64_t seed;
	enum lab_format format;
	bool tui;
};

static bool copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "r"), *out = in ? fopen(to, "wx") : NULL;
	bool ok = in && out;
	int c;

	while (ok && (c = getc(in)) != EOF)
		ok = putc(c, out) != EOF;
	if (in)
		fclose(in);
	if (out && fclose(out))
		ok = false;
	return ok;
}

static const char *dir_of(const struct lab *lab, const struct words *w)
{
	return w->dir ? w->dir : lab->folder;
}

static int put(const struct lab *lab, const char *dir, const char *name)
{
	char from[4200], to[4200];

	snprintf(from, sizeof(from), "%s/labs/%s/%s", build_srcdir(), lab->folder, name);
	snprintf(to, sizeof(to), "%s/%s", dir, name);
	if (copy_file(from, to)) {
		printf("%s\n", to);
		return 0;
	}
	if (errno == EEXIST)
		fprintf(stderr, "vitrine: %s: is already there and is kept; to begin anew, "
				"move it away\n", to);
	else
		fprintf(stderr, "vitrine: %s: %s\n", to, strerror(errno));
	return EXIT_CANNOT;
}

static int start(const struct lab *lab, const struct words *w)
{
	const char *dir = dir_of(lab, w);
	int first, second;

	if (mkdir(dir, 0777) && errno != EEXIST) {
		fprintf(stderr, "vitrine: %s: %s; give another folder\n", dir, strerror(errno));
		return EXIT_CANNOT;
	}
	first = put(lab, dir, lab->file);
	second = put(lab, dir, "README.md");
	return first ? first : second;
}

/* The student's file.
 * returns  false: there is none, and it was said */
static bool student_file(const struct lab *lab, const struct words *w, char *path, size_t size)
{
	if (w->file)
		snprintf(path, size, "%s", w->file);
	else
		snprintf(path, size, "%s/%s", dir_of(lab, w), lab->file);
	if (access(path, R_OK) == 0)
		return true;
	if (!w->file && !w->dir && access(lab->file, R_OK) == 0) {	/* inside the folder */
		snprintf(path, size, "%s", lab->file);
		return true;
	}
	fprintf(stderr, "vitrine: %s: %s; vitrine lab start %u puts the starter there\n", path,
		strerror(errno), lab->number);
	return false;
}

static int grade(const struct lab *lab, const struct words *w)
{
	char path[4200];

	if (!student_file(lab, w, path, sizeof(path)))
		return EXIT_CANNOT;
	return lab_grade(lab, path, w->seed, w->format) == 100 ? EXIT_FULL : EXIT_LESS;
}

/* Shows the scenario in the glass, on the machine built from the student's file. */
static int look(const char *program, const char *scenario)
{
	char vitrine[4200], *argv[] = { vitrine, "sim", "--tui", (char *)scenario, NULL };
	int status;
	pid_t pid;

	snprintf(vitrine, sizeof(vitrine), "%s/tui/vitrine", build_builddir());
	if (access(vitrine, X_OK))
		snprintf(vitrine, sizeof(vitrine), "vitrine");
	setenv("VITRINE_SIM", program, 1);
	pid = fork();
	if (pid == 0) {
		execvp(vitrine, argv);
		fprintf(stderr, "vitrine: %s: %s\n", vitrine, strerror(errno));
		_exit(EXIT_CANNOT);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return EXIT_CANNOT;
	return WEXITSTATUS(status);
}

static int run(const struct lab *lab, const struct words *w)
{
	char path[4200], scenario[4200], program[] = "/tmp/vitrine-lab-XXXXXX";
	char *log = calloc(1, 1 << 16), *argv[] = { program, scenario, NULL };
	int fd, status = EXIT_CANNOT;

	if (!log || !student_file(lab, w, path, sizeof(path)) || (fd = mkstemp(program)) < 0) {
		free(log);
		return EXIT_CANNOT;
	}
	close(fd);
	snprintf(scenario, sizeof(scenario), "%s/labs/%s/guest.scn", build_srcdir(), lab->folder);
	if (!build_sim(path, lab->replaces, program, log, 1 << 16))
		fputs(log, stderr);
	else if (w->tui)
		status = look(program, scenario);
	else
		status = build_run(argv, 60, log, 1 << 16);
	if (status != EXIT_CANNOT && !w->tui)
		fputs(log, stdout);
	unlink(program);
	free(log);
	return status < 0 ? EXIT_CANNOT : status;
}

static int hint(const struct lab *lab, const struct words *w)
{
	char path[4200], line[200];
	unsigned n = w->dir ? strtoul(w->dir, NULL, 10) : 1;
	FILE *f;

	if (n < 1 || n > 3)
		return usage_error(w->dir, "hints are numbered 1 to 3");
	snprintf(path, sizeof(path), "%s/labs/%s/hint-%u.txt", build_srcdir(), lab->folder, n);
	f = fopen(path, "r");
	if (!f) {
		fprintf(stderr, "vitrine: %s: %s\n", path, strerror(errno));
		return EXIT_CANNOT;
	}
	printf("Hint %u of 3 for lab %u:\n\n", n, lab->number);
	while (fgets(line, sizeof(line), f))
		fputs(line, stdout);
	if (n < 3)
		printf("\nMore: vitrine lab hint %u %u\n", lab->number, n + 1);
	fclose(f);
	return 0;
}

static int dispatch(const struct words *w)
{
	static const struct {
		const char *name;
		int (*fn)(const struct lab *lab, const struct words *w);
	} commands[] = { { "start", start }, { "grade", grade }, { "run", run }, { "hint", hint } };
	const struct lab *lab;

	if (!strcmp(w->command, "list"))
		return list();
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(w->command, commands[i].name))
			continue;
		if (!w->lab)
			return usage_error(w->command, "which lab? give its number");
		lab = lab_find(w->lab);
		if (!lab)
			return usage_error(w->lab, "there is no such lab; vitrine lab list shows them");
		return commands[i].fn(lab, w);
	}
	return usage_error(w->command, "is no command of vitrine lab");
}

/* One argument; returns false if it is no option. */
static bool option(const char *arg, struct words *w, bool *bad)
{
	char *end = "";

	*bad = false;
	if (arg[0] != '-')
		return false;
	if (!strncmp(arg, "--file=", 7))
		w->file = arg + 7;
	else if (!strncmp(arg, "--seed=", 7))
		w->seed = strtoull(arg + 7, &end, 0);
	else if (!strcmp(arg, "--tap"))
		w->format = LAB_TAP;
	else if (!strcmp(arg, "--tui"))
		w->tui = true;
	else
		*bad = true;
	*bad = *bad || *end;
	return true;
}

int main(int argc, char **argv)
{
	struct words w = { 0 };
	const char **word[] = { &w.command, &w.lab, &w.dir };
	unsigned n = 0;
	bool bad;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help"))
			return help(), 0;
		if (!strcmp(argv[i], "--version"))
			return puts("vitrine-lab " LAB_VERSION), 0;
		if (option(argv[i], &w, &bad)) {
			if (bad)
				return usage_error(argv[i], "no such option, or a bad value");
		} else if (n < 3) {
			*word[n++] = argv[i];
		} else {
			return usage_error(argv[i], "one word too many");
		}
	}
	if (!w.command)
		return help(), EXIT_USAGE;
	return dispatch(&w);
}
