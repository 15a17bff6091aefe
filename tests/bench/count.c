/* SPDX-License-Identifier: MIT */
/*
 * Counts instructions exactly, without any counter of the hardware's: with RFLAGS.TF
 * set the CPU traps after each one, and the handler of SIGTRAP counts. AMD64 Manual
 * volume 2, 13.1.4 "Single Stepping".
 */
#include <signal.h>
#include <stddef.h>
#include <x86intrin.h>
#include "tests/bench/bench.h"

#define RFLAGS_TF 0x100ull

static volatile long steps;
static bool counting;

static void on_trap(int signal)
{
	(void)signal;
	steps++;
}

static void step(bool on)
{
	u64 flags = __readeflags() & ~RFLAGS_TF;

	__writeeflags(on ? flags | RFLAGS_TF : flags);
}

/* Not by a flag of ours: an instruction that fills a page traps for each byte. */
void count_pause(bool pause)
{
	if (counting)
		step(!pause);
}

void count_begin(void)
{
	static const struct sigaction action = { .sa_handler = on_trap };

	bench_check(sigaction(SIGTRAP, &action, NULL) == 0);
	steps = 0;
	counting = true;
	step(true);
}

long count_end(void)
{
	step(false);
	counting = false;
	return steps;
}
