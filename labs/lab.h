/* SPDX-License-Identifier: MIT */
/*
 * Labs: what the files of this folder share.
 *
 * The student's code runs in a child process that answers one question at a
 * time; the parent alone knows the seeds, the oracle and the verdict. A child
 * that crashes, hangs or prints whatever it likes can only fail to answer.
 */
#ifndef LABS_LAB_H
#define LABS_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A lab of the course: a row of labs.def and its tests. */
struct lab {
	unsigned number;
	const char *folder;	/* below labs/ */
	const char *file;	/* the student's source */
	const char *replaces;	/* the library's own */
	unsigned minutes;
	const char *title;
	const struct lab_test *tests;	/* ends with a NULL name */
};

struct grading;

/* One property and its points. */
struct lab_test {
	const char *name;
	unsigned points;
	const char *sentence;
	/*
	 * Tries the property with one seed.
	 *   returns  true if it holds; else the reason is in grading's `why`
	 */
	bool (*holds)(struct grading *g, uint64_t seed);
};

/* The grading under way. */
struct grading {
	const struct lab *lab;
	const char *student;	/* path of the student's file */
	const char *program;	/* the child built from it */
	char why[512];		/* of the test that failed last */
	struct child *child;	/* NULL: not running */
};

/* Every lab there is; ends with a zero number. lab_find: NULL if there is none. */
extern const struct lab lab_table[];
const struct lab *lab_find(const char *name_or_number);

/* Writes the reason why a property does not hold; returns false. */
bool lab_fails(struct grading *g, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A random number; the same sequence for the same seed. */
uint64_t lab_random(uint64_t *state);

/* ---- building (build.c) -------------------------------------------------- */

/*
 * Compiles the student's file with the lab's answering part, linked before the
 * library so that the library's own file stays out.
 *
 *   out      path of the program to make
 *   log      the compiler's words, for the student
 *   returns  false if it does not compile or link
 */
bool lab_build(const struct lab *lab, const char *student, const char *out, char *log,
	       size_t log_size);

/*
 * Runs a scenario on a simulated machine built from the student's file, at most
 * 20 seconds. The student's code shares the process with the judge here, so a
 * row that rests on this alone should carry few points.
 *
 *   returns  true: everything the scenario expects holds and the audit is green
 */
bool lab_run_scenario(struct grading *g, const char *text, uint64_t seed);

/* ---- asking (ask.c) ------------------------------------------------------ */

/*
 * Asks the child one question and waits for the answer, at most two seconds.
 * Starts it if it is not running.
 *
 *   question  a line without its end
 *   returns   false: it did not answer (crash, time-out, nonsense); `why` tells
 */
bool lab_ask(struct grading *g, uint64_t *answer, const char *question, ...)
	__attribute__((format(printf, 3, 4)));

/* Ends the child. */
void lab_ask_end(struct grading *g);

/* ---- the child's side (answer.c; linked with the student's file) ---------- */

/* Written by each lab: answers one question.
 *   returns  false if there is no such question */
bool lab_answer(const char *question, uint64_t *answer);

/* ---- grading (grade.c) --------------------------------------------------- */

enum lab_format { LAB_TEXT, LAB_TAP };

/*
 * Grades the file and prints the points.
 *   seed     of the inputs that are not shown; 0: a fresh one
 *   returns  the points, 0..100
 */
unsigned lab_grade(const struct lab *lab, const char *student, uint64_t seed,
		   enum lab_format format);

#endif
