/* SPDX-License-Identifier: MIT */
/*
 * Writes the book's appendices to stdout, from the same .def tables that the
 * programs are made from. The result is part of the release tarball.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *key;
	unsigned id;		/* shown in front of the key unless NO_ID */
	const char *sentence;
	/* NULL where the table has no such column: */
	const char *fields;	/* rows of a Texinfo multitable */
	const char *kvm;	/* tracepoint of Linux KVM with the same meaning */
	const char *args;	/* names of a command's arguments */
};

#define NO_ID	(~0u)

/* The tables' columns by name; parameters differ from the members of struct row. */
#define ROW(text, words)	  { .key = #text, .id = NO_ID, .sentence = words },
#define NUMBERED_ROW(nr, text, words) { .key = #text, .id = nr, .sentence = words },
#define EVENT_ROW(nr, text, words, point, ...) \
	{ .key = #text, .id = nr, .sentence = words, .kvm = point, .fields = "" __VA_ARGS__ },
#define FIELD(type, name, unit)	  "@item " #name "@tab " #type "@tab " #unit "\n"

#define EVENT EVENT_ROW
#define F FIELD
static const struct row mmu_events[] = {
#include "mmu/event.def"
};

#define EVENT EVENT_ROW
#define F FIELD
#define T(name) FIELD(text, name, )
#define B(name) FIELD(bytes, name, )
static const struct row hv_events[] = {
#include "hv/channel/event.def"
};

#define COMMAND(nr, text, words, a, b, c, d)                                                       \
	{ .key = #text, .id = nr, .sentence = words, .args = a " " b " " c " " d },
static const struct row commands[] = {
#include "hv/channel/command.def"
};

#define EXITKIND NUMBERED_ROW
static const struct row exit_kinds[] = {
#include "hv/channel/exitkind.def"
};

#define STATUS ROW
#define VERDICT(name, sentence)
static const struct row statuses[] = {
#include "mmu/status.def"
};

#define STATUS(name, sentence)
#define VERDICT ROW
static const struct row verdicts[] = {
#include "mmu/status.def"
};

#define WHY ROW
static const struct row flushes[] = {
#include "mmu/flush.def"
};

#define POINT ROW
static const struct row points[] = {
#include "mmu/point.def"
};

#define GUEST(name, file, sentence) ROW(name, sentence)
static const struct row guests[] = {
#include "hv/guests/guests.def"
};

#define SPTE_BIT(hi, lo, name, letter, words)                                                      \
	{ .key = #hi ":" #lo " " #name, .id = NO_ID, .sentence = words },
static const struct row spte_bits[] = {
#include "mmu/spte_bits.def"
};

/* Text in which Texinfo's own characters stand for themselves. */
static void put_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '@' || *text == '{' || *text == '}')
			putchar('@');
		putchar(*text);
	}
}

static void put_note(const char *what, const char *text)
{
	if (!text || text[strspn(text, " ")] == '\0')
		return;
	printf("%s: @code{", what);
	put_text(text);
	puts("}.");
}

static void put_row(const struct row *row)
{
	fputs("@item ", stdout);
	if (row->id != NO_ID)
		printf("0x%02x ", row->id);
	put_text(row->key);
	putchar('\n');
	put_text(row->sentence);
	putchar('\n');
	put_note("Arguments", row->args);
	put_note("In Linux KVM", row->kvm);
	if (row->fields && row->fields[0])
		printf("@multitable @columnfractions .3 .2 .4\n%s@end multitable\n", row->fields);
}

static void put_table(const char *title, const char *intro, const struct row *rows, size_t n)
{
	printf("@node %s\n@appendixsec %s\n\n%s\n\n@table @code\n", title, title, intro);
	for (size_t i = 0; i < n; i++)
		put_row(&rows[i]);
	fputs("@end table\n\n", stdout);
}

#define TABLE(title, intro, rows) put_table(title, intro, rows, sizeof(rows) / sizeof(rows[0]))

int main(void)
{
	puts("@c SPDX-License-Identifier: MIT");
	puts("@c Made by docs/gen from the .def tables.");
	TABLE("Events of the MMU",
	      "Every event of the library, with its id, its fields, their types and units.",
	      mmu_events);
	TABLE("Events of the hypervisor", "The same for the hypervisor and the simulated machine.",
	      hv_events);
	TABLE("Commands", "What the host program may ask through the mailbox.", commands);
	TABLE("Kinds of exit", "Why a guest left guest mode.", exit_kinds);
	TABLE("Bits of an SPTE", "Lowest bits first.", spte_bits);
	TABLE("Statuses", "What a call of the library can answer; anything but OK leaves "
	      "nothing half-done.", statuses);
	TABLE("Verdicts", "What a guest's fault means for its host.", verdicts);
	TABLE("Reasons of flushes", "Why a TLB flush is owed.", flushes);
	TABLE("Points", "Atomic steps at which the simulated machine may run another vCPU.", points);
	TABLE("Built-in guests", "What @code{vitrine guests} lists.", guests);
	return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
