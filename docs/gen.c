/* SPDX-License-Identifier: MIT */
/*
 * Writes the book's appendices to stdout, from the same .def tables that the
 * programs are made from. The result is part of the release tarball.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct range {
	unsigned long long initial, min, max;
};

struct row {
	const char *key;
	unsigned id;		/* shown in front of the key unless NO_ID */
	const char *sentence;
	/* NULL where the table has no such column: */
	const char *fields;	/* rows of a Texinfo multitable */
	const char *kvm;	/* tracepoint of Linux KVM with the same meaning */
	const char *args;	/* names of a command's arguments */
	const struct range *range;	/* of a knob */
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

#define KNOB(text, initial, min, max, words) \
	{ .key = #text, .id = NO_ID, .sentence = words, \
	  .range = &(const struct range){ initial, min, max } },
static const struct row knobs[] = {
#include "mmu/knob.def"
};

#define CONTEXT ROW
static const struct row contexts[] = {
#include "mmu/context.def"
};

#define WHY ROW
static const struct row flushes[] = {
#include "mmu/flush.def"
};

#define ZAP ROW
static const struct row zaps[] = {
#include "mmu/zap.def"
};

#define REQUEST ROW
static const struct row requests[] = {
#include "mmu/request.def"
};

#define POINT ROW
static const struct row points[] = {
#include "mmu/point.def"
#define POINT ROW
#include "hv/sim/point.def"
};

#define INVARIANT(nr, text, words) { .key = text, .id = NO_ID, .sentence = words },
static const struct row rules[] = {
#include "mmu/invariants.def"
};

#define VERB(name, usage, words) { .key = #name " " usage, .id = NO_ID, .sentence = words },
static const struct row verbs[] = {
#include "tui/verb.def"
};

#define ACTION(name, keys, group, words) { .key = keys, .id = NO_ID, .sentence = words },
static const struct row actions[] = {
#include "tui/action.def"
};

#define WORD(name, who, args, usage, words) { .key = usage, .id = NO_ID, .sentence = words },
static const struct row scenario_words[] = {
#include "hv/sim/scenario.def"
};

#define WISH(name, args, usage, words) { .key = usage, .id = NO_ID, .sentence = words },
static const struct row wishes[] = {
#include "hv/sim/expect.def"
};

#define GDB_CMD(prefix, handler, flags, words) { .key = prefix, .id = NO_ID, .sentence = words },
static const struct row packets[] = {
#include "hv/gdb/cmd.def"
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

#define PORTS(first, last, device, what) { .key = #first " to " #last, .id = NO_ID, .sentence = what },
static const struct row ports[] = {
#include "hv/dev/ports.def"
};

#define MMIO(start, bytes, device, what) { .key = #start ", " #bytes " bytes", .id = NO_ID, .sentence = what },
static const struct row device_memory[] = {
#include "hv/dev/mmio.def"
};

#define FEATURE(leaf, sub, reg, bit, name, words) \
	{ .key = #name, .id = NO_ID, .sentence = words " CPUID leaf " #leaf ", " #reg " bit " #bit "." },
#define HIDE(leaf, sub, reg, bit, name) FEATURE(leaf, sub, reg, bit, name, "Never shown.")
#define OURS(leaf, sub, reg, bit, name) FEATURE(leaf, sub, reg, bit, name, "Modelled here.")
#define ASK(leaf, sub, reg, bit, name) \
	FEATURE(leaf, sub, reg, bit, name, "Shown when asked for, if the machine has it.")
#define GIVEN(leaf, sub, reg, bit, name) \
	FEATURE(leaf, sub, reg, bit, name, "Shown if the machine has it.")
static const struct row features[] = {
#include "hv/core/cpuid.def"
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
	if (row->range)
		printf("From %llu to %llu, at first %llu.\n", row->range->min, row->range->max,
		       row->range->initial);
	put_note("Arguments", row->args);
	put_note("In Linux KVM", row->kvm);
	if (row->fields && row->fields[0])
		printf("@multitable @columnfractions .3 .2 .4\n%s@end multitable\n", row->fields);
}

/* The book's list of tables. */
static const struct table {
	const char *title, *intro;
	const struct row *rows;
	size_t nr_rows;
} tables[] = {
#define TABLE(title, intro, rows) { title, intro, rows, sizeof(rows) / sizeof(rows[0]) },
	TABLE("Commands of vitrine", "What can follow @command{vitrine}.", verbs)
	TABLE("Keys", "What the keys do; the help screen shows the same.", actions)
	TABLE("Built-in guests", "What @command{vitrine guests} lists.", guests)
	TABLE("Words of a scenario", "What a line of a scenario can say.", scenario_words)
	TABLE("Expectations", "What a scenario can expect.", wishes)
	TABLE("Events of the MMU", "Every event of the library: id, fields, their types and units.",
	      mmu_events)
	TABLE("Events of the hypervisor", "The same for the hypervisor and the simulated machine.",
	      hv_events)
	TABLE("Mailbox commands", "What the host program may ask of the hypervisor.", commands)
	TABLE("Kinds of exit", "Why a guest left guest mode.", exit_kinds)
	TABLE("Values of knobs", "Mechanisms of the MMU that can be turned (@pxref{Knobs}).", knobs)
	TABLE("Contexts", "Of a vCPU: which tables are walked (@pxref{Nesting}).", contexts)
	TABLE("Rules of the audit", "What @code{mmu_audit} checks.", rules)
	TABLE("Bits of an SPTE", "Lowest bits first.", spte_bits)
	TABLE("Statuses", "What a call of the library can answer; anything but OK leaves nothing "
	      "half-done.", statuses)
	TABLE("Verdicts", "What a guest's fault means for its host.", verdicts)
	TABLE("Reasons of flushes", "Why a TLB flush is owed.", flushes)
	TABLE("Reasons of zaps", "Why a shadow page was zapped.", zaps)
	TABLE("Requests", "What a vCPU can be asked to do before it runs the guest again.", requests)
	TABLE("Points", "Atomic steps at which the simulated machine may run another vCPU.", points)
	TABLE("Ports", "Who answers; all others read ones.", ports)
	TABLE("Device memory", "The same for addresses; the local APICs have theirs besides.",
	      device_memory)
	TABLE("CPU features", "What @option{--cpu} switches.", features)
	TABLE("GDB packets", "What the stub answers; all else it does not support.", packets)
};

static void put_table(const struct table *table)
{
	printf("@node %s\n@appendixsec %s\n\n%s\n\n@table @code\n", table->title, table->title,
	       table->intro);
	for (size_t i = 0; i < table->nr_rows; i++)
		put_row(&table->rows[i]);
	fputs("@end table\n\n", stdout);
}

int main(void)
{
	const size_t n = sizeof(tables) / sizeof(tables[0]);

	puts("@c SPDX-License-Identifier: MIT");
	puts("@c Made by docs/gen from the .def tables.");
	puts("@menu");
	for (size_t i = 0; i < n; i++)
		printf("* %s::\n", tables[i].title);
	puts("@end menu\n");
	for (size_t i = 0; i < n; i++)
		put_table(&tables[i]);
	return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
