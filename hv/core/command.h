/* SPDX-License-Identifier: MIT */
/*
 * Commands inside: one function per row of hv/channel/command.def.
 */
#ifndef HV_CORE_COMMAND_H
#define HV_CORE_COMMAND_H

#include "hv/core/vm.h"

/* A command at work: a copy, for the host may write to the mailbox at any time. */
struct command {
	u16 id, len;
	u32 ticket;
	u64 arg[4];
	const char *text; /* of the reply; "" */
	char said[64];	/* room for it, where it is made up */
};

/*
 * Each carries out its command, with the arguments as its row names them.
 *
 *   context  at a safe point
 *   returns  the status of the reply; c->text may say more
 */
#define COMMAND(id, name, sentence, a, b, c, d) \
	enum mmu_status command_##name(struct vm *vm, struct command *cmd);
#include "hv/channel/command.def"

/* The vCPU an argument names; NULL if there is none. */
struct vcpu *command_vcpu(struct vm *vm, u64 id);

#endif
