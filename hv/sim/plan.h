/* SPDX-License-Identifier: MIT */
/*
 * Who runs when: a plan of a few preemptions. Between them a task runs until it
 * ends or waits; then the next in number goes on, after the last the first.
 *
 *	start cpu1
 *	switch cpu1 enter 2 -> cpu0	when cpu1 comes to `enter` for the second time
 *	switch cpu0 spte_cas 1 -> cpu1	in this block, and so on
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stddef.h>
#include "mmu/mmu.h"

enum sim_point {
#define POINT(name, sentence) POINT_##name,
#include "mmu/point.def"
#define POINT(name, sentence) POINT_##name,
#include "hv/sim/point.def"
	NR_POINTS
};

/* Tasks are the vCPUs by number, and the host's own thread. */
#define PLAN_HOST	MMU_MAX_VCPUS
#define PLAN_TASKS	(MMU_MAX_VCPUS + 1)
#define PLAN_SWITCHES	8

struct plan_switch {
	u8 task;		/* who comes ... */
	u8 point;		/* ... to this point ... */
	u8 to;			/* ... and must let this one go on */
	u32 count;		/* the how manieth time, from 1 */
};

struct plan {
	bool given;		/* false: chance decides */
	u8 start;		/* who is first */
	u8 nr;
	struct plan_switch at[PLAN_SWITCHES];
};

/* NR_POINTS: there is no such point. */
enum sim_point plan_point(const char *name);
const char *plan_point_name(enum sim_point point);
const char *plan_point_sentence(enum sim_point point);

/* "cpu3" or "host"; PLAN_TASKS: neither. */
unsigned plan_task(const char *name);

/* text holds at least 8 bytes. returns text */
const char *plan_task_name(unsigned task, char *text);

/* The switch as a line of a scenario, without its end. */
void plan_switch_text(const struct plan_switch *at, char *text, size_t size);

#endif
