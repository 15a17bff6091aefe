/* SPDX-License-Identifier: MIT */
/*
 * Is aging blind somewhere? A page used by the guest, by its guest, by both, by nobody;
 * in either MMU, as a small page or a large one, in either address space, on
 * hardware with A and D bits and without.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hv/sim/run.h"
#include "tests/tap.h"

#define USED_BY_L1 1u
#define USED_BY_L2 2u

static struct run run;
static char text[4000];

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len, format, args);
	va_end(args);
}

static void play(void)
{
	const struct run_options options = { .mode = -1, .messages = stderr };
	struct scn_error error;
	struct scenario scn;

	ck_assert_msg(scn_parse(&scn, "blind", text, &error), "line %u: %s: %s", error.line,
		      error.what, error.why);
	ck_assert_msg(run_scenario(&run, &scn, &options) == RUN_OK, "%s", text);
	scn_free(&scn);
}

/* One field of the matrix. */
struct field {
	bool tdp, large, no_ad;
	unsigned as, used;
};

/* Frame 0x600 and what follows is memory of its own in address space 1; the tables of
 * the guest are in both. */
static void add_machine(const struct field *f)
{
	const char *size = f->large ? "2m" : "4k";

	text[0] = '\0';
	add("mmu %s\nad %s\nram 18M\n", f->tdp ? "tdp" : "shadow", f->no_ad ? "off" : "on");
	add("place 0 0 0 16M 0\nplace 1 0 0 6M 0\nplace 1 1 6M 2M 16M\nknob huge %u\n", f->large);
	add("mode 4level\nmap 0x600000 0x600000 rwxu %s\n", size);
	if (f->tdp)
		add("nested\nnmap 0x600000 0x600000 rwxu %s\n", size);
	add("l2mode unpaged\n");
	add("cpu0: regs 0x80010001 0x10000 0x30 0xd00 %u 1\n", f->as);
}

static void add_l1(void)
{
	add("cpu0: cr3 0x10000\ncpu0: read 0x600000\n");
}

static void add_l2(const struct field *f)
{
	add("cpu0: vmrun%s\n", f->tdp ? "" : " plain");
	add("cpu0: read 0x600000\ncpu0: vmexit\ncpu0: vmflush\n");
}

static void add_question(const struct field *f, bool young)
{
	const char *last = young && f->large ? "young" : "old";

	add("expect %s 0x600000 4K %u\n", young ? "young" : "old", f->as);
	add("expect %s 0x600000 2M %u\n", young ? "young" : "old", f->as);
	add("expect %s 0x7ff000 4K %u\n", last, f->as);
	add("expect old 0x600000 2M %u\n", !f->as);
}

static void one_field(const struct field *f)
{
	add_machine(f);
	add_question(f, false);
	add_l1();
	add_l2(f);
	add_question(f, true);
	add("age 0x600000 2M %u\n", f->as);
	add_question(f, false);
	if (f->used & USED_BY_L1)
		add_l1();
	if (f->used & USED_BY_L2)
		add_l2(f);
	add_question(f, f->used);
	add("age 0x600000 2M %u\n", f->as);
	add_question(f, false);
	play();
}

static void all_uses(struct field field)
{
	for (unsigned i = 0; i < 16; i++) {
		field.large = i & 1;
		field.as = i >> 1 & 1;
		field.used = i >> 2;
		one_field(&field);
	}
}

START_TEST(on_tdp_tables_every_use_is_seen)
{
	all_uses((struct field){ .tdp = true });
}
END_TEST

START_TEST(on_tdp_tables_without_a_bits_every_use_is_seen)
{
	all_uses((struct field){ .tdp = true, .no_ad = true });
}
END_TEST

START_TEST(on_shadow_tables_every_use_is_seen)
{
	all_uses((struct field){ .tdp = false });
}
END_TEST

START_TEST(on_shadow_tables_without_a_bits_every_use_is_seen)
{
	all_uses((struct field){ .no_ad = true });
}
END_TEST

TAP_MAIN("age_blind",
	 on_tdp_tables_every_use_is_seen,
	 on_tdp_tables_without_a_bits_every_use_is_seen,
	 on_shadow_tables_every_use_is_seen,
	 on_shadow_tables_without_a_bits_every_use_is_seen)
