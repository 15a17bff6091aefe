/* SPDX-License-Identifier: MIT */
/*
 * The process that is the machine: QEMU with the hypervisor, or vitrine-sim.
 * Both keep their memory in a shared file, take doorbell bytes through a
 * socket, and die with this program.
 */
#ifndef TUI_MACHINE_H
#define TUI_MACHINE_H

#include <sys/types.h>
#include "mmu/types.h"

struct machine {
	pid_t pid;		/* 0: ended */
	int ram_fd;
	int bell_fd;		/* doorbell bytes are written here */
	int log_fd;		/* what it says: QEMU's messages, the hypervisor's boot log */
	u64 header_offset;	/* of the channel's header in the file */
	bool simulated;
	bool stopped;		/* by machine_freeze() */
	bool ended, signalled;
	int status;		/* of exit(), or the signal */
};

/* Files that a guest can take besides itself: hv/core/bundle.h. */
#define MACHINE_MAX_MODULES 12

/* Options of a QEMU machine. */
struct machine_options {
	const char *mmu;	/* "tdp" */
	const char *guest_name, *guest, *initrd, *append;	/* NULL: none */
	/* "FILE ARGUMENTS" each; the initrd, if there is one, goes before them. */
	const char *module[MACHINE_MAX_MODULES];
	unsigned modules;
	u64 mem;		/* bytes of the guest's RAM */
	unsigned vcpus, cpus;
	unsigned audit;		/* exits between two audits, one follows at the end; 0: none */
	const char *words;	/* further words for the hypervisor's command line, or "" */
	const char *accel;	/* "tcg", "kvm"; "auto" until host_accel() */
	bool icount, wait, events;
	int hv_gdb_port;	/* -1: none */
};

/* Starts QEMU. false: it was said why. */
bool machine_start_qemu(struct machine *m, const struct machine_options *opt);

/* Starts vitrine-sim with these arguments (NULL-terminated, argv[0] is filled
 * in; room for one more must be at argv[1]). */
bool machine_start_sim(struct machine *m, char **argv);

/* Looks whether it has ended. */
void machine_poll(struct machine *m);

/* Stops and continues the whole process. */
void machine_freeze(struct machine *m, bool freeze);

/* Ends it for good and gives everything back but ram_fd. */
void machine_kill(struct machine *m);

/* The name of QEMU's program. */
const char *machine_qemu(void);

#endif
