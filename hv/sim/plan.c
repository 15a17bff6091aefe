/* SPDX-License-Identifier: MIT */
/* Names of tasks and points. */
#include "hv/sim/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *sentence;
} points[NR_POINTS] = {
#define POINT(name, sentence) { #name, sentence },
#include "mmu/point.def"
#define POINT(name, sentence) { #name, sentence },
#include "hv/sim/point.def"
};

enum sim_point plan_point(const char *name)
{
	unsigned point = 0;

	while (point < NR_POINTS && strcmp(points[point].name, name))
		point++;
	return point;
}

const char *plan_point_name(enum sim_point point)
{
	return points[point].name;
}

const char *plan_point_sentence(enum sim_point point)
{
	return points[point].sentence;
}

unsigned plan_task(const char *name)
{
	unsigned long cpu;
	char *end;

	if (!strcmp(name, "host"))
		return PLAN_HOST;
	if (strncmp(name, "cpu", 3) || name[3] < '0' || name[3] > '9')
		return PLAN_TASKS;
	cpu = strtoul(name + 3, &end, 10);
	return *end || cpu >= MMU_MAX_VCPUS ? PLAN_TASKS : cpu;
}

const char *plan_task_name(unsigned task, char *text)
{
	if (task == PLAN_HOST)
		strcpy(text, "host");
	else
		snprintf(text, 8, "cpu%u", (u8)task);
	return text;
}

void plan_switch_text(const struct plan_switch *at, char *text, size_t size)
{
	char from[8], to[8];

	snprintf(text, size, "switch %s %s %u -> %s", plan_task_name(at->task, from),
		 plan_point_name(at->point), at->count, plan_task_name(at->to, to));
}
