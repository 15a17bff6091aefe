/* SPDX-License-Identifier: MIT */
/* Lab 7, the child's side: what the student's role.c can be asked. */
#include <inttypes.h>
#include <stdio.h>

#include "labs/lab.h"
#include "mmu/role.h"

bool lab_answer(const char *question, uint64_t *answer)
{
	struct cpu_role cpu;
	unsigned parent, index, direct, access;

	if (sscanf(question, "root %x %x", &cpu.base.word, &cpu.ext.word) == 2) {
		*answer = role_root_shadow(cpu).word;
		return true;
	}
	if (sscanf(question, "child %x %u %u %u", &parent, &index, &direct, &access) == 4) {
		*answer = role_child((union mmu_role){ .word = parent }, index, direct, access)
				  .word;
		return true;
	}
	return false;
}
