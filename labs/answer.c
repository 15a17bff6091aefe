/* SPDX-License-Identifier: MIT */
/*
 * The child's side of the questions: reads "NUMBER QUESTION", asks the lab's
 * part, writes "NUMBER ANSWER". What the student's code prints goes nowhere.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labs/lab.h"

/* Moves the answers' way out of reach of printf(). */
static FILE *take_answers_away(void)
{
	int fd = fcntl(1, F_DUPFD_CLOEXEC, 100);
	int null = open("/dev/null", O_WRONLY);

	if (fd < 0 || null < 0)
		return NULL;
	dup2(null, 1);
	return fdopen(fd, "w");
}

int main(void)
{
	FILE *out = take_answers_away();
	char line[300];

	if (!out)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t number, answer = 0;
		int at = 0;

		line[strcspn(line, "\n")] = 0;
		if (sscanf(line, "%" SCNu64 " %n", &number, &at) != 1)
			return 1;
		if (!lab_answer(line + at, &answer))
			return 1;
		fprintf(out, "%" PRIu64 " %" PRIx64 "\n", number, answer);
		fflush(out);
	}
	return 0;
}
