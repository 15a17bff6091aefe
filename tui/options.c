/* SPDX-License-Identifier: MIT */
/* Reading the options of run, sim and demo from their table. */
#include "tui/options.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

static const struct row {
	int letter;
	const char *name, *argument;
	int which;
	const char *sentence;
} rows[] = {
#define OPTION(letter, name, argument, which, sentence) { letter, name, argument, which, sentence },
#include "tui/option.def"
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool bad(const char *name, const char *value, const char *wanted)
{
	say("--%s=%s: %s", name, value, wanted);
	return false;
}

static bool one_of(const char *name, const char *value, const char *a, const char *b)
{
	char wanted[64];

	if (!strcmp(value, a) || !strcmp(value, b))
		return true;
	snprintf(wanted, sizeof(wanted), "it is %s or %s", a, b);
	return bad(name, value, wanted);
}

static bool number(const char *name, const char *value, u64 low, u64 high, u64 *to)
{
	char wanted[80], *end;

	errno = 0;
	*to = strtoull(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && !errno && *to >= low && *to <= high)
		return true;
	snprintf(wanted, sizeof(wanted), "a number from %llu to %llu is wanted",
		 (unsigned long long)low, (unsigned long long)high);
	return bad(name, value, wanted);
}

static bool unsigned_number(const char *name, const char *value, u64 low, u64 high, unsigned *to)
{
	u64 n;

	if (!number(name, value, low, high, &n))
		return false;
	*to = n;
	return true;
}

static bool port(const char *name, const char *value, int fallback, int *to)
{
	u64 n = fallback;

	if (value && !number(name, value, 0, 65535, &n))
		return false;
	*to = n;
	return true;
}

/* "64M", "1G"; a multiple of 2 MiB. */
static bool size(const char *value, u64 *to)
{
	char *end;
	unsigned shift;

	*to = strtoull(value, &end, 10);
	shift = *end == 'G' || *end == 'g' ? 30 : *end == 'M' || *end == 'm' ? 20 : 0;
	if (!shift || end[1] || *value < '0' || *value > '9' || *to > 4096)
		return bad("mem", value, "a size like 64M or 1G is wanted");
	*to <<= shift;
	if (*to < level_bytes(LEVEL_2M) || *to > (3ull << 30) || *to % level_bytes(LEVEL_2M))
		return bad("mem", value, "from 2M to 3G, a multiple of 2M");
	return true;
}

struct knob_row {
	const char *name;
	unsigned long long min, max;
};

static const struct knob_row knob_rows[] = {
#define KNOB(name, initial, min, max, sentence) { #name, min, max },
#include "mmu/knob.def"
};

static bool is_knob(const struct knob_row *row, const char *value)
{
	size_t len = strlen(row->name);
	unsigned long long n;
	char *end;

	if (strncmp(value, row->name, len) || value[len] != '=' ||
	    !strchr("0123456789", value[len + 1]) || !value[len + 1])
		return false;
	errno = 0;
	n = strtoull(value + len + 1, &end, 10);
	return !*end && !errno && n >= row->min && n <= row->max;
}

/* "the knobs are huge=0..1 budget=0..4294967295" */
static bool bad_knob(const char *value)
{
	char text[400] = "the knobs are";
	size_t at = strlen(text);

	for (size_t i = 0; i < sizeof(knob_rows) / sizeof(knob_rows[0]); i++)
		at += snprintf(text + at, sizeof(text) - at, " %s=%llu..%llu", knob_rows[i].name,
			       knob_rows[i].min, knob_rows[i].max);
	return bad("set", value, text);
}

static bool knob(struct start_options *opt, const char *value)
{
	size_t n = strlen(opt->words);

	for (size_t i = 0; i < sizeof(knob_rows) / sizeof(knob_rows[0]); i++) {
		if (!is_knob(&knob_rows[i], value))
			continue;
		if (n + strlen(value) + 2 > sizeof(opt->words))
			return bad("set", value, "too many knobs");
		snprintf(opt->words + n, sizeof(opt->words) - n, "%s%s", n ? " " : "", value);
		return true;
	}
	return bad_knob(value);
}

/* Which features there are the hypervisor knows. */
static bool cpu(struct start_options *opt, const char *value)
{
	size_t n = strlen(opt->words);

	if ((*value != '+' && *value != '-') || strpbrk(value, " =") || strlen(value) > 127)
		return bad("cpu", value, "it takes features with + or - before each: -smep,+la57");
	if (n + strlen(value) + 6 > sizeof(opt->words))
		return bad("cpu", value, "too much, together with --set");
	snprintf(opt->words + n, sizeof(opt->words) - n, "%scpu=%s", n ? " " : "", value);
	return true;
}

static bool entry(struct start_options *opt, const char *value)
{
	size_t n = strlen(opt->words);

	if (strcmp(value, "32"))
		return bad("entry", value, "it takes 32; without it a kernel's own is used");
	if (n + sizeof(" entry=32") > sizeof(opt->words))
		return bad("entry", value, "too many knobs and features");
	snprintf(opt->words + n, sizeof(opt->words) - n, "%sentry=32", n ? " " : "");
	return true;
}

static bool add_module(struct machine_options *m, const char *value)
{
	if (m->modules == MACHINE_MAX_MODULES)
		return bad("module", value, "no more than 12 files fit besides the guest");
	m->module[m->modules++] = value;
	return true;
}

static bool set_machine(struct start_options *opt, int letter, const char *value)
{
	struct machine_options *m = &opt->machine;

	switch (letter) {
	case 'm':
		m->mmu = value;
		return one_of("mmu", value, "tdp", "shadow");
	case 'v':
		return unsigned_number("vcpus", value, 1, 16, &m->vcpus);
	case 'c':
		return unsigned_number("cpus", value, 1, 8, &m->cpus);
	case 'M':
		return size(value, &m->mem);
	case 'i':
		m->initrd = value;
		return true;
	case 'a':
		m->append = value;
		return true;
	case 'F':
		return add_module(m, value);
	case 'S':
		return knob(opt, value);
	case 'C':
		return cpu(opt, value);
	case 'E':
		return entry(opt, value);
	case 'A':
		m->accel = value;
		return !strcmp(value, "tcg") || !strcmp(value, "kvm") || !strcmp(value, "auto") ||
		       bad("accel", value, "it is tcg, kvm or auto");
	case 'I':
		m->icount = true;
		return true;
	case 'U':
		m->audit = UINT32_MAX;
		return !value || unsigned_number("audit", value, 1, UINT32_MAX, &m->audit);
	case 'H':
		return port("hv-gdb", value, 1235, &m->hv_gdb_port);
	case 'x':
		opt->explore = value ? value : "";
		return true;
	case 'y':
		opt->tries = value;
		return true;
	case 'o':
		opt->output = value;
		return true;
	case 'X':
		opt->mutant = value;
		return true;
	default:
		opt->seed = value;
		return true;
	}
}

static bool set_live(struct start_options *opt, int letter, const char *value)
{
	struct live_options *l = &opt->live;

	switch (letter) {
	case 't':
		l->tui = true;
		return true;
	case 'p':
		l->plain = true;
		return true;
	case 'f':
		l->script = value;
		return true;
	case 'z':
		l->size = value;
		return true;
	case 'd':
		l->source = value;
		return true;
	case 'r':
		l->record = value;
		return true;
	case 'b':
		l->break_event = value;
		return true;
	case 'g':
		return port("gdb", value, 1234, &l->gdb_port);
	case 'n':
		l->gdb_nowait = true;
		return true;
	case 'T':
		return unsigned_number("timeout", value, 1, 1000000, &l->timeout_s);
	case 'V':
		l->verbose = true;
		return true;
	default:
		return set_machine(opt, letter, value);
	}
}

static void make_longs(struct option *longs, int which)
{
	for (size_t i = 0; i < NR_ROWS; i++) {
		if (!(rows[i].which & which))
			continue;
		*longs++ = (struct option){
			.name = rows[i].name, .val = rows[i].letter,
			.has_arg = !rows[i].argument	      ? no_argument :
				   rows[i].argument[0] == '[' ? optional_argument :
								required_argument,
		};
	}
	*longs = (struct option){ 0 };
}

static bool consistent(const struct start_options *opt)
{
	if (opt->machine.icount && live_waits(&opt->live)) {
		say("--icount: the deterministic machine takes no commands: not with --tui, --script, "
		    "--break or --gdb; record it, and view the recording");
		return false;
	}
	if (opt->machine.icount && opt->machine.cpus > 1) {
		say("--icount: the deterministic machine has one CPU: not with --cpus=%u",
		    opt->machine.cpus);
		return false;
	}
	if (opt->live.break_event && !opt->live.tui && !opt->live.script) {
		say("--break=%s: needs --tui or --script, which can go on from there",
		    opt->live.break_event);
		return false;
	}
	if (opt->live.tui && opt->live.plain) {
		say("--tui and --plain: one of them");
		return false;
	}
	return true;
}

int options_read(struct start_options *opt, int argc, char **argv, int which)
{
	struct option longs[NR_ROWS + 1];
	int c;

	*opt = (struct start_options){
		.machine = { .mmu = which == FOR_SIM ? NULL : "tdp", .vcpus = 1, .cpus = 1,
			     .accel = "tcg", .hv_gdb_port = -1 },
		.live = { .gdb_port = -1 },
	};
	make_longs(longs, which);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == '?' || c == ':') {
			say("%s: %s; vitrine %s --help lists the options", argv[optind - 1],
			    c == '?' ? "there is no such option, or it takes no value" :
				       "a value is missing", argv[0]);
			return EXIT_USAGE;
		}
		if (c == 'h')
			opt->help = true;
		else if (!set_live(opt, c, optarg))
			return EXIT_USAGE;
	}
	opt->machine.words = opt->words;
	return consistent(opt) ? 0 : EXIT_USAGE;
}

void options_help(int which)
{
	char left[64];

	for (size_t i = 0; i < NR_ROWS; i++) {
		const char *arg = rows[i].argument;

		if (!(rows[i].which & which))
			continue;
		if (!arg)
			snprintf(left, sizeof(left), "--%s", rows[i].name);
		else if (arg[0] == '[')
			snprintf(left, sizeof(left), "--%s[=%.*s]", rows[i].name,
				 (int)strlen(arg) - 2, arg + 1);
		else
			snprintf(left, sizeof(left), "--%s=%s", rows[i].name, arg);
		printf("  %-18s %s\n", left, rows[i].sentence);
	}
}
