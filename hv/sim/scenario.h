/* SPDX-License-Identifier: MIT */
/*
 * Scenarios: a small language of memory operations and expectations.
 *
 *	# two vCPUs, one page
 *	vcpus 2
 *	mode 4level
 *	map 0x400000 0x200000 rwu
 *	cpu0: write 0x400000 = 5
 *	cpu1: user read 0x400000 -> 5
 *	cpu1: user write 0x500000 = 1 -> fault 0x6
 *	expect no ghost
 *
 * One thing a line; # begins a comment. Numbers are decimal or 0x hex, with K,
 * M or G. After -> stands a value, or: fault ERROR, reflect ERROR, mmio, readonly,
 * nomem, any.
 * The words are the rows of scenario.def, the wishes those of
 * expect.def. An access that ends in anything but success, and no "-> RESULT"
 * and no expectation in the next line says so, is a failure.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "hv/sim/hwwalk.h"
#include "hv/sim/plan.h"

enum scn_who { SCN_MACHINE, SCN_CPU };

enum scn_word_id {
#define WORD(name, who, args, usage, sentence) WORD_##name,
#include "hv/sim/scenario.def"
	NR_WORDS
};

enum scn_wish_id {
#define WISH(name, args, usage, sentence) WISH_##name,
#include "hv/sim/expect.def"
	NR_WISHES
};

/* A row of either table. */
struct scn_row {
	const char *name;
	enum scn_who who;
	const char *args, *usage, *sentence;
};

extern const struct scn_row scn_words[NR_WORDS];
extern const struct scn_row scn_wishes[NR_WISHES];

/* What an access is to end in; NONE: nothing is said, so it must succeed. */
enum scn_result { RESULT_NONE, RESULT_VALUE, RESULT_FAULT, RESULT_MMIO, RESULT_READONLY,
		  RESULT_NOMEM, RESULT_REFLECT, RESULT_LATER };

#define SIM_CACHES	4	/* of the word cache, by number */
#define SCN_NUMBERS	6
#define SCN_WORDS	2
#define SCN_ANY		(~0ull)	/* a key that was left out */

/* The keys of "expect sp". */
enum scn_key { KEY_gfn, KEY_level, KEY_quadrant, KEY_direct, KEY_access, KEY_smm, KEY_count, NR_KEYS };

struct scn_line {
	unsigned number;	/* of the line in the file */
	char *text;		/* the whole line, without comment and outer blanks */
	enum scn_word_id word;
	enum scn_wish_id wish;	/* WORD_expect only */
	bool no;		/* ... turned round */
	bool user, ac;
	unsigned cpu;
	u64 n[SCN_NUMBERS];	/* numbers in the order they stand */
	unsigned nr_n;
	char w[SCN_WORDS][16];	/* words in the order they stand */
	unsigned nr_w;
	const char *rest;	/* the rest of the line, in text */
	u64 key[NR_KEYS];
	enum scn_result result;
	u64 result_value;
};

/* The flags of a slot that "log" names; LOG_UNKNOWN: it names none. */
#define LOG_UNKNOWN (~0u)
u32 log_flags(const char *word);

struct scenario {
	char *name;		/* of the file, for messages */
	struct scn_line *line;
	unsigned nr;
};

/* What is wrong with a scenario. */
struct scn_error {
	unsigned line;		/* 0: the file itself */
	char what[64], why[160];
};

/* Reads a scenario from text; false: *error says what is wrong, nothing is to
 * be freed. */
bool scn_parse(struct scenario *scn, const char *name, const char *text, struct scn_error *error);

/* The same from a file. */
bool scn_load(struct scenario *scn, const char *path, struct scn_error *error);

void scn_free(struct scenario *scn);

/* Does this line say which MMU serves first? Later ones are operations. */
bool scn_names_first_mmu(const struct scenario *scn, const struct scn_line *line);

/* Does what can be read make sense? Called by scn_parse(). */
bool scn_check(const struct scenario *scn, struct scn_error *error);

#endif
