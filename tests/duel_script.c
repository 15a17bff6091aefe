/* SPDX-License-Identifier: MIT */
/*
 * The duel writes down what it does as a scenario, with what the naive MMU says as
 * what is expected. So whoever replays it meets the same failure, with all that
 * `vitrine sim` has to look at it.
 */
#include <stdarg.h>
#include <stdio.h>
#include "tests/duel.h"

const char *duel_kind_name(enum hw_kind kind)
{
	static const char *const name[] = {
		[HW_READ] = "read", [HW_WRITE] = "write", [HW_FETCH] = "fetch"
	};

	return name[kind];
}

/* Ends a line of which the result was awaited. */
static void end_line(struct duel *d)
{
	if (d->script_open)
		fputc('\n', d->script);
	d->script_open = false;
}

void duel_line(struct duel *d, const char *format, ...)
{
	va_list args;

	if (!d->script)
		return;
	end_line(d);
	va_start(args, format);
	vfprintf(d->script, format, args);
	va_end(args);
	d->script_open = true;
}

void duel_script_begin(struct duel *d, const char *path)
{
	d->script = fopen(path, "w");
	if (!d->script)
		return;
	fprintf(d->script, "# from the duel, seed %llu\n", (unsigned long long)d->config.seed);
	duel_line(d, "mmu %s", duel_is_tdp(d) ? "tdp" : "shadow");
	duel_line(d, "vcpus %u", d->cpus);
	duel_line(d, "maxphyaddr %u", d->sim.config.maxphyaddr);
	duel_line(d, "tdp-levels %u", d->sim.config.tdp_level);
	if (d->sim.config.flushes_roots)
		duel_line(d, "flush-roots");
	duel_line(d, "ad %s", d->sim.config.ad_disabled ? "off" : "on");
	duel_line(d, "ram %llu", (unsigned long long)DUEL_RAM);
}

void duel_script_end(struct duel *d)
{
	if (!d->script)
		return;
	end_line(d);
	if (d->failure[0])
		fprintf(d->script, "# %s\n", d->failure);
	fclose(d->script);
	d->script = NULL;
}

/* ---- accesses ------------------------------------------------------------------ */

void duel_line_access(struct duel *d, const struct sim_cpu *cpu, const struct sim_access *a)
{
	char value[24] = "";

	if (a->kind == HW_WRITE)
		snprintf(value, sizeof(value), " = 0x%llx", (unsigned long long)a->value);
	duel_line(d, "cpu%u:%s%s %s 0x%llx%s %u", cpu->id, a->user ? " user" : "",
		  a->ac ? " ac" : "", duel_kind_name(a->kind), (unsigned long long)a->gva, value,
		  a->size);
}

void duel_line_result(struct duel *d, enum sim_outcome outcome, u64 error, const u64 *value)
{
	if (!d->script || !d->script_open)
		return;
	if (outcome == SIM_FAULT)
		fprintf(d->script, " -> fault 0x%llx", (unsigned long long)error);
	else if (outcome == SIM_REFLECT)
		fprintf(d->script, " -> reflect 0x%llx", (unsigned long long)error);
	else if (outcome == SIM_MMIO)
		fprintf(d->script, " -> mmio");
	else if (outcome == SIM_READONLY)
		fprintf(d->script, " -> readonly");
	else if (outcome == SIM_NOMEM)
		fprintf(d->script, " -> nomem");
	else if (outcome != SIM_OK)
		fprintf(d->script, " -> any");
	else if (value)
		fprintf(d->script, " -> 0x%llx", (unsigned long long)*value);
	end_line(d);
}
