/* SPDX-License-Identifier: MIT */
/* Whether a scenario that can be read also makes sense: values in range, words
 * in an order that means something. */
#include <stdio.h>
#include <string.h>
#include "hv/sim/guest_mode.h"
#include "hv/sim/scenario.h"
#include "mmu/mmu.h"

static bool one_of(const char *word, const char *a, const char *b)
{
	return !strcmp(word, a) || !strcmp(word, b);
}

/* What must stand before everything else. */
static bool is_setup(enum scn_word_id word)
{
	if (word == WORD_ad)
		return true;
	return word == WORD_vcpus || word == WORD_ram ||
	       word == WORD_maxphyaddr || word == WORD_tdp_levels ||
	       word == WORD_flush_roots;
}

/* The first words may also say which MMU is the first. */
static bool may_begin(enum scn_word_id word)
{
	return is_setup(word) || word == WORD_mmu;
}

bool scn_names_first_mmu(const struct scenario *scn, const struct scn_line *line)
{
	for (const struct scn_line *before = scn->line; before != line; before++)
		if (!may_begin(before->word))
			return false;
	return line->word == WORD_mmu;
}

static bool writes(enum scn_word_id word)
{
	return word == WORD_write || word == WORD_poke || word == WORD_put;
}

static const char *check_size(const struct scn_line *line, u64 *size)
{
	unsigned at = writes(line->word) ? 2 : 1;

	*size = line->nr_n > at ? line->n[at] : 4;
	if (*size != 1 && *size != 2 && *size != 4 && *size != 8)
		return "the size is 1, 2, 4 or 8";
	if (writes(line->word) && *size < 8 && line->n[1] >> (8 * *size))
		return "the value does not fit into the size";
	return NULL;
}

static const char *check_access(const struct scn_line *line)
{
	const char *why;
	u64 size;

	why = check_size(line, &size);
	if (why)
		return why;
	if ((line->n[0] & ~PAGE_MASK) + size > PAGE_SIZE)
		return "the access would cross a page";
	return NULL;
}

static const char *check_slot(u64 id, gpa_t gpa, u64 size)
{
	if (id >= MMU_MAX_SLOTS)
		return "a slot's number is below 32";
	if ((gpa | size) & ~PAGE_MASK || !size)
		return "address and size are multiples of 4096, the size not 0";
	return size > 1ull << 30 ? "a slot has at most 1G" : NULL;
}

static const char *check_new_slot(const struct scn_line *line)
{
	if (line->nr_w && strcmp(line->w[0], "ro"))
		return "only ro may follow";
	return check_slot(line->n[0], line->n[1], line->n[2]);
}

static const char *check_place(const struct scn_line *line)
{
	if (line->n[0] >= MMU_NR_AS)
		return "the address space is 0 or 1";
	if (line->nr_w && !one_of(line->w[0], "ro", "smram"))
		return "only ro or smram may follow";
	if (line->nr_w && !line->n[0] && !strcmp(line->w[0], "smram"))
		return "smram is for address space 1";
	if (line->n[4] & ~PAGE_MASK)
		return "the offset is a multiple of 4096";
	return check_slot(line->n[1], line->n[2], line->n[3]);
}

static const char *check_as(const struct scn_line *line, unsigned at)
{
	return line->nr_n <= at || line->n[at] < MMU_NR_AS ? NULL : "the address space is 0 or 1";
}

static const char *check_log(const struct scn_line *line)
{
	if (line->word == WORD_log && log_flags(line->w[0]) == LOG_UNKNOWN)
		return "it is on, by-d or off";
	if (line->nr_n == 3)
		return "with the offset goes a size";
	if (line->nr_n == 4 && (line->n[2] % (64 * PAGE_SIZE) || line->n[3] & ~PAGE_MASK))
		return "the offset is a multiple of 256K, the size of 4096";
	return line->n[1] < MMU_MAX_SLOTS ? check_as(line, 0) : "a slot's number is below 32";
}

static const char *check_cache(const struct scn_line *line)
{
	unsigned given = line->word == WORD_cached_write ? 3 : 2;

	if (line->n[0] >= SIM_CACHES)
		return "there are caches 0 to 3";
	if (line->word == WORD_cache)
		return line->n[2] && line->n[2] <= 2 * PAGE_SIZE ? NULL : "1 byte to 8K";
	return line->nr_n <= given || (line->n[given] && line->n[given] <= 8) ? NULL :
										"1 to 8 bytes";
}

/* Words of slots.c; of others nothing. */
static const char *check_slot_word(const struct scn_line *line)
{
	switch (line->word) {
	case WORD_move:
		return line->n[1] & ~PAGE_MASK ? "the address is a multiple of 4096" :
						 check_as(line, 2);
	case WORD_cache:
	case WORD_cached_read:
	case WORD_cached_write:
		return check_cache(line);
	default:
		return NULL;
	}
}

static const char *check_config(const struct scn_line *line)
{
	u64 n = line->n[0];

	if (line->word == WORD_tdp_levels)
		return n == 4 || n == 5 ? NULL : "there are 4 or 5 levels";
	return n >= 36 && n <= 52 ? NULL : "it is 36 to 52";
}

static const char *check_vmrun(const struct scn_line *line)
{
	if (line->word == WORD_vmrun)
		return line->nr_w && strcmp(line->w[0], "plain") ? "only plain may follow" : NULL;
	return line->nr_w && strcmp(line->w[0], "refused") ? "only refused may follow" : NULL;
}

/* Asks which memory was used, or makes it old. */
static bool is_about_age(const struct scn_line *line)
{
	return line->word == WORD_age ||
	       (line->word == WORD_expect && (line->wish == WISH_young || line->wish == WISH_old ||
					      line->wish == WISH_unknown));
}

static const char *check_age(const struct scn_line *line)
{
	if (line->word == WORD_ad)
		return one_of(line->w[0], "on", "off") ? NULL : "it is on or off";
	return is_about_age(line) ? check_as(line, 2) : NULL;
}

static const char *check_values(const struct scn_line *line)
{
	u64 size;

	switch (line->word) {
	case WORD_mmu:
		return one_of(line->w[0], "shadow", "tdp") ? NULL : "it is shadow or tdp";
	case WORD_knob:
		return mmu_knob_by_name(line->w[0]) < MMU_NR_KNOBS ? NULL : "there is no such knob";
	case WORD_vcpus:
		return line->n[0] && line->n[0] <= MMU_MAX_VCPUS ? NULL : "1 to 16 vCPUs";
	case WORD_mem:
	case WORD_ram:
		return check_slot(0, 0, line->n[0]);
	case WORD_maxphyaddr:
	case WORD_tdp_levels:
		return check_config(line);
	case WORD_place:
		return check_place(line);
	case WORD_unslot:
		return line->n[0] < MMU_MAX_SLOTS ? check_as(line, 1) :
						    "a slot's number is below 32";
	case WORD_log:
	case WORD_harvest:
		return check_log(line);
	case WORD_zap:
		return check_as(line, 2);
	case WORD_regs:
		return line->n[4] < 2 && line->n[5] < 3 ? NULL : "SMM is 0 or 1, LOAD is 0 to 2";
	case WORD_cr3:
		return !line->nr_w || !strcmp(line->w[0], "noflush") ? NULL
								     : "only noflush may follow";
	case WORD_poke:
	case WORD_put:
	case WORD_peek:
		return check_size(line, &size);
	case WORD_slot:
		return check_new_slot(line);
	case WORD_mode:
	case WORD_l2mode:
		return guest_mode_by_name(line->w[0]) < NR_GUEST_MODES
			       ? NULL
			       : "modes are unpaged 2level pae 4level 5level";
	case WORD_vmrun:
	case WORD_vmrun_on:
		return check_vmrun(line);
	case WORD_set:
	case WORD_clear:
		return guest_knows_bit(line->w[0]) ? NULL : "bits are pg wp pse pae pge pcide smep smap nx";
	case WORD_read:
	case WORD_write:
	case WORD_fetch:
		return check_access(line);
	case WORD_expect:
		return line->wish == WISH_ghost && line->nr_w && strcmp(line->w[0], "used")
			       ? "only used may follow"
			       : NULL;
	default:
		return check_slot_word(line);
	}
}

/* What came before a line decides whether it may stand there. */
struct order {
	bool begun, together;
	unsigned vcpus, switches;
	enum scn_word_id before;
};

/* What the host's thread may do while vCPUs run. */
static bool is_host(enum scn_word_id word)
{
	return word == WORD_pte || word == WORD_poke || word == WORD_zap || word == WORD_slot ||
	       word == WORD_log || word == WORD_harvest ||
	       word == WORD_unslot || word == WORD_unprotect || word == WORD_shrink || word == WORD_knob ||
	       word == WORD_mmu || word == WORD_place || word == WORD_move ||
	       word == WORD_split || word == WORD_recover ||
	       word == WORD_cached_read || word == WORD_cached_write;
}

static bool is_task(const struct order *order, u64 task)
{
	return task < order->vcpus || task == PLAN_HOST;
}

static const char *check_plan(struct order *order, const struct scn_line *line)
{
	if (line->word == WORD_start && (!order->together || order->before != WORD_together))
		return "it stands in the line after together";
	if (line->word == WORD_start)
		return is_task(order, line->n[0]) ? NULL : "there are not so many vCPUs; see vcpus";
	if (!order->together || (order->before != WORD_start && order->before != WORD_switch))
		return "it stands after start or another switch";
	if (!is_task(order, line->n[0]) || !is_task(order, line->n[3]))
		return "there are not so many vCPUs; see vcpus";
	if (line->n[0] == line->n[3])
		return "it switches to another one";
	if (!line->n[2] || line->n[2] > UINT32_MAX)
		return "the first time is 1";
	order->switches = order->before == WORD_start ? 1 : order->switches + 1;
	return order->switches <= PLAN_SWITCHES ? NULL : "at most 8 switches";
}

static const char *check_together(const struct order *order, const struct scn_line *line)
{
	if (line->word == WORD_end && !order->together)
		return "there is no together before it";
	if (order->together && is_about_age(line))
		return NULL;
	if (order->together && line->word != WORD_end && !is_host(line->word) &&
	    scn_words[line->word].who != SCN_CPU)
		return "between together and end only vCPUs do something, and the host with "
		       "pte, poke, zap, slot, place, move, unslot, cached-read, cached-write, "
		       "log, harvest, unprotect, knob and mmu";
	return NULL;
}

static const char *check_order(struct order *order, const struct scn_line *line)
{
	bool cpu = scn_words[line->word].who == SCN_CPU;
	const char *why;

	if (is_setup(line->word) && order->begun)
		return "it must stand before everything else";
	order->begun |= !may_begin(line->word);
	if (line->word == WORD_vcpus)
		order->vcpus = line->n[0];
	if (cpu && line->cpu >= order->vcpus)
		return "there are not so many vCPUs; see vcpus";
	if (line->word == WORD_start || line->word == WORD_switch)
		why = check_plan(order, line);
	else
		why = check_together(order, line);
	if (line->word == WORD_together || line->word == WORD_end)
		order->together = line->word == WORD_together;
	order->before = line->word;
	return why;
}

bool scn_check(const struct scenario *scn, struct scn_error *error)
{
	struct order order = { .vcpus = 1 };
	const char *why = NULL;
	unsigned i = 0;

	for (; i < scn->nr && !why; i++) {
		why = check_values(&scn->line[i]);
		if (!why)
			why = check_age(&scn->line[i]);
		if (!why)
			why = check_order(&order, &scn->line[i]);
	}
	if (!why && order.together)
		why = "together has no end";
	if (!why)
		return true;
	error->line = scn->line[i - 1].number;
	snprintf(error->what, sizeof(error->what), "%.60s", scn->line[i - 1].text);
	snprintf(error->why, sizeof(error->why), "%s", why);
	return false;
}
