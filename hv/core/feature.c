/* SPDX-License-Identifier: MIT */
/*
 * CPUID bits by the table.
 */
#include "hv/core/feature.h"

#include "hv/core/fmt.h"

#include <string.h>

enum { EAX, EBX, ECX, EDX };
enum feature_kind { HIDE, OURS, ASK, GIVEN };

static const struct feature_row {
	const char *name;
	enum feature_kind kind;
	u32 leaf, sub;
	u8 reg;
	u32 bit;
} feature_rows[] = {
#define HIDE(leaf, sub, reg, bit, name)	 { #name, HIDE, leaf, sub, reg, 1u << bit },
#define OURS(leaf, sub, reg, bit, name)	 { #name, OURS, leaf, sub, reg, 1u << bit },
#define ASK(leaf, sub, reg, bit, name)	 { #name, ASK, leaf, sub, reg, 1u << bit },
#define GIVEN(leaf, sub, reg, bit, name) { #name, GIVEN, leaf, sub, reg, 1u << bit },
#include "hv/core/cpuid.def"
};

#define NR_ROWS (sizeof(feature_rows) / sizeof(*feature_rows))
_Static_assert(NR_ROWS <= 64, "one bit a row");

static const char *const feature_names[] = {
	[FEATURE_apic] = "apic",	 [FEATURE_x2apic] = "x2apic",
	[FEATURE_tsc_deadline] = "tsc_deadline", [FEATURE_la57] = "la57",
	[FEATURE_pse] = "pse",		 [FEATURE_pae] = "pae",
	[FEATURE_pge] = "pge",		 [FEATURE_fsgsbase] = "fsgsbase",
	[FEATURE_smep] = "smep",	 [FEATURE_smap] = "smap",
	[FEATURE_umip] = "umip",	 [FEATURE_syscall] = "syscall",
	[FEATURE_nx] = "nx",		 [FEATURE_lm] = "lm",
	[FEATURE_tsc_adjust] = "tsc_adjust",
};

static bool feature_is_named(const struct feature_row *row, const char *name, size_t length)
{
	return fmt_length(row->name) == length && !memcmp(row->name, name, length);
}

static bool feature_in_machine(const struct platform *p, const struct feature_row *row)
{
	u32 out[4];

	p->cpuid(row->leaf & 0x80000000, 0, out);
	if (out[EAX] < row->leaf)
		return false;
	p->cpuid(row->leaf, row->sub, out);
	return out[row->reg] & row->bit;
}

/* "+name" or "-name" */
static const char *features_change(struct features *f, const struct platform *p, const char *word,
				   size_t length)
{
	const char *error = "cpu= names a feature that there is no switch for";

	for (size_t i = 0; i < NR_ROWS; i++) {
		const struct feature_row *row = &feature_rows[i];

		if (!feature_is_named(row, word + 1, length - 1))
			continue;
		error = NULL;
		if (*word == '-')
			f->shown &= ~BIT(i);
		else if (row->kind == HIDE)
			return "cpu= asks for a feature that vitrine has no model of";
		else if (row->kind != OURS && !feature_in_machine(p, row))
			return "cpu= asks for a feature that this machine has not";
		else
			f->shown |= BIT(i);
	}
	return error;
}

static bool feature_is_shown(const struct features *f, const char *name)
{
	for (size_t i = 0; i < NR_ROWS; i++) {
		if (f->shown & BIT(i) && feature_is_named(&feature_rows[i], name, fmt_length(name)))
			return true;
	}
	return false;
}

/* Without a local APIC there is neither its other mode nor its timer. */
static void features_follow(struct features *f, const struct platform *p)
{
	if (feature_is_shown(f, "apic"))
		return;
	features_change(f, p, "-x2apic", 7);
	features_change(f, p, "-tsc_deadline", 13);
}

const char *features_init(struct features *f, const struct platform *p, const char *changes)
{
	const char *error = NULL;

	f->shown = 0;
	for (size_t i = 0; i < NR_ROWS; i++) {
		const struct feature_row *row = &feature_rows[i];

		if (row->kind == OURS || (row->kind == GIVEN && feature_in_machine(p, row)))
			f->shown |= BIT(i);
	}
	while (changes && *changes && !error) {
		size_t n = 0;

		while (changes[n] && changes[n] != ',')
			n++;
		if (*changes != '+' && *changes != '-')
			return "cpu= takes features with + or - before each: cpu=+la57,-smep";
		error = features_change(f, p, changes, n);
		changes += changes[n] ? n + 1 : n;
	}
	features_follow(f, p);
	f->has = 0;
	for (unsigned i = 0; i < sizeof(feature_names) / sizeof(*feature_names); i++)
		f->has |= (u32)feature_is_shown(f, feature_names[i]) << i;
	return error;
}

void features_cpuid(const struct features *f, u32 leaf, u32 sub, u32 regs[4])
{
	for (size_t i = 0; i < NR_ROWS; i++) {
		const struct feature_row *row = &feature_rows[i];

		if (row->leaf != leaf || (leaf == 7 && row->sub != sub))
			continue;
		if (f->shown & BIT(i))
			regs[row->reg] |= row->bit;
		else
			regs[row->reg] &= ~row->bit;
	}
}
