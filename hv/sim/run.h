/* SPDX-License-Identifier: MIT */
/* Carries a scenario out on a simulated machine and judges it. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdio.h>
#include "hv/sim/scenario.h"
#include "hv/sim/sim.h"
#include "hv/sim/tables.h"
#include "hv/sim/watch.h"
#include "mmu/gfn_cache.h"

struct run;

struct run_options {
	int mode;		/* enum mmu_mode, or -1: as the scenario says (shadow) */
	u64 seed;
	/* Knobs turned before the first line; the scenario's own words for these do
	 * nothing. */
	bool is_set[MMU_NR_KNOBS];
	u64 set[MMU_NR_KNOBS];
	const char *shared;	/* file for the host program, or NULL */
	FILE *messages;		/* what went wrong; never NULL */
	/* The plan of one together (from 0), whatever the scenario says; NULL: as it
	 * says. Who is told of every point the block comes to; NULL: nobody. */
	const struct plan *plan;
	unsigned plan_block;
	void (*passed)(void *arg, const struct sched_step *step);
	void *passed_arg;
	/* Called when the machine exists, and between lines; may wait, may end
	 * the run by returning false. line is NULL the first and the last time. */
	bool (*between)(void *arg, struct run *run, const struct scn_line *line);
	/* Told of every event, as ch_emitter.seen; may be NULL. */
	void (*seen)(void *arg, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len);
	void *arg;
};

/* A slot of a scenario has at most 1 GiB. */
#define RUN_DIRTY_WORDS ((1ull << 30) / PAGE_SIZE / 64)

struct run {
	const struct scenario *scn;
	const struct run_options *options;
	struct sim sim;
	struct watch watch;
	struct guest_tables tables;
	struct guest_tables npt, l2;	/* a hypervisor's nested tables, its guest's own */
	struct sim_access last[MMU_MAX_VCPUS];
	unsigned last_cpu;	/* whose access was the last */
	u64 ghosts_known;	/* uses of ghosts that the scenario expects */
	u64 flushes_known, root_flushes_known;	/* when these were last asked for */
	bool have_slot;
	hpa_t ram_hpa;		/* the block of memory on which place puts slots */
	u64 ram_bytes;		/* 0: there is none */
	u64 harvested[RUN_DIRTY_WORDS];	/* what the last harvest had, of the slot it was of */
	u64 harvest_as, harvest_id;
	unsigned held, failed;	/* expectations */
	unsigned steps;
	unsigned blocks;	/* together's so far */
	struct mmu_gfn_cache cache[SIM_CACHES];	/* len 0: not made */
	struct mmu_regs interrupted[MMU_MAX_VCPUS]; /* by the last SMI */
};

enum run_status { RUN_OK = 0, RUN_FAILED = 1, RUN_BAD = 2 };

/*
 * Runs the scenario to its end.
 *
 *   returns  RUN_OK      it ran, what it expects holds, the audit is green
 *            RUN_FAILED  not; each reason is a line of messages
 *            RUN_BAD     the scenario cannot be carried out
 */
enum run_status run_scenario(struct run *run, const struct scenario *scn,
			     const struct run_options *options);

/* ---- among the files of the runner ------------------------------------- */

/* A failed expectation. */
void run_fail(struct run *run, const struct scn_line *line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Judges an "expect" line. */
void run_expect(struct run *run, const struct scn_line *line);

/* Judges how the access of a line ended. */
void run_judge_access(struct run *run, const struct scn_line *line, const struct sim_access *a);

/* Audits now; false: a rule is broken, which is said in messages. */
bool run_audit(struct run *run, const struct scn_line *line);

/* Carries out a line that no vCPU does.
 *   returns  NULL, or why it cannot be done */
const char *run_machine_line(struct run *run, const struct scn_line *line);

/* Runs the lines between `together` and its `end`, which it returns. Afterwards
 * every vCPU enters the guest once, and the audit is made: all must be green.
 * NULL: the vCPUs are stuck, nothing can go on. */
const struct scn_line *run_together(struct run *run, const struct scn_line *line);

/* What a vCPU does on a line. */
void run_cpu_line(struct run *run, const struct scn_line *line);

/* Lines about aging (age.c): makes memory old; is it young, old, or unknown, as the wish
 * says? */
const char *run_age(struct run *run, const struct scn_line *line);
bool run_is_of_age(struct run *run, const struct scn_line *line);

/* Has the log of this slot the frame at the offset? Has it, or had the last harvest? log.c */
bool run_is_dirty(struct run *run, const struct scn_line *line);
bool run_was_harvested(struct run *run, const struct scn_line *line);

/* Lines of host.c and log.c. NULL, or why a line cannot be carried out. */
bool run_make_ram(struct run *run);
const char *run_host(struct run *run, const struct scn_line *line);
const char *run_log(struct run *run, const struct scn_line *line);
void run_put(struct run *run, const struct scn_line *line);
void run_tool(struct run *run, const struct scn_line *line);
void run_regs(struct run *run, const struct scn_line *line);

/* NULL, or why nothing could be done to a slot. */
const char *run_slot_status(enum mmu_status status);

/* Lines of slots.c: NULL, or why one cannot be carried out, NULL also if it is none of
 * them; whether it is one. */
const char *run_slot_line(struct run *run, const struct scn_line *line);
bool run_smm_line(struct run *run, const struct scn_line *line);

#endif
