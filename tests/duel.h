/* SPDX-License-Identifier: MIT */
/*
 * The duel: random operations on the library, on simulated hardware with a TLB
 * that goes stale, and on the naive MMU. Whatever a guest or a host can see
 * must be the same; what the hardware remembers must never allow more than the
 * library promised; what the user interface knows must be what is.
 *
 * A run is a list of operations made of plain random numbers, each of which
 * means something in any state. So a run is repeated by its seed, and shortened
 * by leaving operations out.
 */
#ifndef TESTS_DUEL_H
#define TESTS_DUEL_H

#include <stdio.h>
#include "hv/sim/scenario.h"
#include "hv/sim/sim.h"
#include "mmu/gfn_cache.h"
#include "tests/naive.h"
#include "tui/link.h"
#include "tui/model.h"

enum duel_kind {
#define OP(name, weight, sentence) DUEL_##name,
#include "tests/duel.def"
	NR_DUEL_KINDS
};

struct duel_op {
	u8 kind;
	u8 cpu;
	u64 r[4];
	bool pinned;	/* an access goes to gva, wherever accesses went before */
	gva_t gva;	/* where it went */
	char text[120];	/* what it was, in words, once it was done */
};

struct duel_config {
	u64 seed;
	unsigned ops;
	unsigned mode;		/* enum mmu_mode, at first */
	bool events;		/* hold the user interface's model against the dump */
	bool verbose;		/* print every operation */
	unsigned every;		/* operations between audits */
	const char *script;	/* write a scenario there, or NULL */
};

#define DUEL_CPUS	NAIVE_CPUS	/* at most */
#define DUEL_RECENT	16
#define DUEL_ALIASES	32
#define DUEL_EVERY	64	/* operations between audits, if nothing else is wanted */
#define DUEL_RAM_FRAMES	2114
#define DUEL_FULL	64	/* audits between comparisons of all memory */

/* Slots that are logged (duel_dirty.c). */
struct duel_log {
	u32 flags[NAIVE_SLOTS];	/* MMU_SLOT_LOG_, 0 for the others */
	u8 *copy;		/* of ram: each frame when it was asked about last */
	u64 frames;		/* bits that were harvested */
};

/* All events of a run, kept for the test of completeness. */
struct duel_tape;

#define DUEL_AGE_FRAMES	0xe00u		/* guest frames that are asked about */
#define DUEL_AGE_BLOCKS	(DUEL_AGE_FRAMES / 512)

/* What must and what can be young (duel_age.c), by address space. */
struct duel_age {
	u64 generation[MMU_NR_AS];
	/* The hardware walked to this frame of ram since it was made old. */
	bool walked[MMU_NR_AS][DUEL_RAM_FRAMES];
	/* Somebody may have been in these 512 guest frames. */
	bool maybe[MMU_NR_AS][DUEL_AGE_BLOCKS];
};

struct duel {
	struct duel_config config;
	struct sim sim;
	struct naive naive;
	hpa_t ram_hpa;
	unsigned cpus;
	enum mmu_mode mode;		/* that all vCPUs have gone over to */
	bool tdp_used;			/* it was TDP once */
	bool switched;			/* it has changed, and not all have gone over */
	bool naive_tdp;			/* for the naive MMU the hardware walks the tables */
	bool for_library;		/* see duel_for_library() */
	unsigned at;			/* operation under way */
	struct duel_age age;
	gva_t recent[DUEL_RECENT];	/* addresses where an access was done */
	unsigned nr_recent;
	gva_t alias[DUEL_ALIASES];	/* where the guest once found a frame of tables mapped */
	u64 pdpt[DUEL_CPUS][4];		/* as each vCPU has them loaded */
	struct mmu_regs saved[DUEL_CPUS]; /* by the last SMI */
	struct mmu_nested nested[DUEL_CPUS]; /* of the last VMRUN */
	struct mmu_regs npt[DUEL_CPUS];	/* what the naive MMU walks nested tables with */
	struct link *link;
	struct model *model;
	struct duel_tape *tape;		/* NULL: not kept */
	u64 seq;			/* of events given to the model */
	FILE *script;			/* what is done, as a scenario; NULL: nobody wants it */
	bool script_open;		/* its last line may get a result */
	struct duel_log log;
	struct mmu_gfn_cache cache[SIM_CACHES]; /* len 0: not made */
	char failure[400];		/* empty: none */
	u64 count[NR_DUEL_KINDS], ok, faults, hits, emulated, nomem, checks;
	u64 edits;	/* entries that the guest changed */
	u64 unseen;	/* ... without an exit that told of it */
	u64 inner;	/* accesses by an inner guest, on nested tables */
	u64 reflected;	/* ... that these forbade */
	u64 root_flushes, refused; /* by root; of them, refused by the host */
	u64 lost;	/* ... with more ways than can be tried */
	u64 windows;	/* accesses that the hardware did while it might still believe the past */
	u64 stale;	/* ... that went where the tables of today do not lead */
};

/* Fills n operations from a seed. */
void duel_generate(struct duel_op *op, unsigned n, u64 seed);

/*
 * Runs the operations on a fresh machine.
 *
 *   returns  true: no difference; else duel->failure says what, duel->at where
 */
bool duel_run(struct duel *duel, const struct duel_config *config, struct duel_op *op, unsigned n);

/*
 * Says how the last run failed. shorten: looks for fewer operations that fail, too,
 * prints these and writes a scenario of them.
 */
void duel_explain(struct duel *duel, const struct duel_config *config, struct duel_op *op,
		  unsigned n, bool shorten);

const char *duel_mode_name(unsigned mode);
double duel_now(void);		/* seconds */

/* Prints what an operation would be, for a person. */
void duel_print_op(const struct duel_op *op, unsigned at);

/* ---- among the duel's files ---------------------------------------------- */

/* Notes the first failure. */
bool duel_fail(struct duel *duel, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Carries out one operation on both sides and compares. */
void duel_step(struct duel *duel, struct duel_op *op);

/* The operations, one function each. */
#define OP(name, weight, sentence)                                                                 \
	void duel_op_##name(struct duel *duel, struct sim_cpu *cpu, struct duel_op *op);
#include "tests/duel.def"

/* Puts an operation into words, for who reads a failure. */
void duel_tell(struct duel_op *op, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Which MMU serves (duel_switch.c); the hardware of this vCPU; does a store that the
 * library sees count for all vCPUs at once? */
bool duel_is_tdp(const struct duel *duel);
bool duel_cpu_is_tdp(const struct duel *duel, const struct sim_cpu *cpu);
bool duel_settles(const struct duel *duel);
void duel_set_mode(struct duel *duel, enum mmu_mode mode);
/* All vCPUs enter, after a switch. */
void duel_arrive(struct duel *duel);
/* Does the storm have switches, too? Then this is their task, with the duel. */
#define DUEL_STORM_SWITCHES 5
bool duel_storm_switches(struct duel *duel, u64 r);
void duel_storm_task(void *arg);

/* A call found no memory. Was a page refused since mem.refused had this value?
 * From now on none is. */
bool duel_refused(struct duel *duel, u64 before);

/* Enters the guest and leaves it, in spite of a refused page. */
void duel_visit(struct duel *duel, struct sim_cpu *cpu);

/* Checks that hold between any two operations. */
void duel_check_always(struct duel *duel);

/* Audit, memory, model. */
void duel_check_all(struct duel *duel);

/* An access on both sides. Fills a. */
void duel_access(struct duel *duel, struct sim_cpu *cpu, struct duel_op *op, struct sim_access *a);
struct sim_access duel_make_access(const struct duel *duel, const struct sim_cpu *cpu,
				   const struct duel_op *op);
const char *duel_kind_name(enum hw_kind kind);
/* For the scenario: what the naive MMU expects of the access. */
void duel_expect(struct duel *duel, const struct naive_access *na, const struct naive_result *nr);

/* The naive MMU with the vCPU's nested tables, if it runs an inner guest on some. */
struct naive *duel_naive(struct duel *duel, const struct sim_cpu *cpu);
/* Judges an access of an inner guest, which had these registers. */
void duel_inner_judge(struct duel *duel, struct sim_cpu *cpu, const struct mmu_regs *regs,
		      const struct sim_access *a, const struct naive_access *na);
/* With nested paging the library's walk is a little more patient than the hardware's. */
void duel_for_library(struct duel *duel, bool on);
void duel_run_access(struct duel *duel, struct sim_cpu *cpu, struct sim_access *a);
/* Is that how it ended? */
bool duel_ends_as(const struct sim_access *a, enum naive_end end);

/* Notes what the library has counted. */
void duel_count_flushes(struct duel *duel);

/* Guests of the guest: #VMEXIT; a flush. Does any use nested tables? */
void duel_vmexit(struct duel *duel, struct sim_cpu *cpu);
void duel_nested_flush(struct duel *duel, struct sim_cpu *cpu);
bool duel_nests(const struct duel *duel);

/* The vCPU's kernel stores to gpa, at an address where that is mapped or, by the host's
 * help, will be.
 *   returns  false: there is no such address */
bool duel_store(struct duel *duel, struct sim_cpu *cpu, struct duel_op *op, gpa_t gpa, u64 value,
		unsigned size, u64 r);

/* The same for what a vCPU may believe (duel_past.c). Is there more than one way for
 * the access? Then: it was done by what the hardware or the shadow tables had from
 * before; or it ended in device memory. */
bool duel_past_counts(struct duel *duel, const struct sim_cpu *cpu, const struct naive_access *na);
void duel_compare_past(struct duel *duel, struct sim_cpu *cpu, const struct sim_access *a,
		       const struct naive_access *na);
void duel_compare_past_mmio(struct duel *duel, struct sim_cpu *cpu, const struct naive_access *na);
/* Where in ram a gpa is, or the TLB leads; ~0: nowhere in it. */
u64 duel_offset(struct duel *duel, unsigned as, gpa_t gpa);
u64 duel_tlb_offset(const struct duel *duel, const struct tlb_entry *e, gva_t gva);
/* Does what the vCPU's TLB holds agree with what it may believe? */
void duel_check_tlb(struct duel *duel, struct sim_cpu *cpu);

/* What an access says about who is young: by a vCPU in address space as. nr: where the
 * naive MMU went; NULL: there was more than one way. Then: any access there may be. */
void duel_age_access(struct duel *duel, unsigned as, struct sim_cpu *cpu,
		     const struct sim_access *a, const struct naive_result *nr);
void duel_age_storm(struct duel *duel);

/* An address where something was done, as this vCPU can use it; and one more. */
gva_t duel_usable(const struct sim_cpu *cpu, gva_t gva);
gva_t duel_recent(const struct duel *duel, const struct sim_cpu *cpu, u64 r);
void duel_remember(struct duel *duel, gva_t gva);

/* Loads registers, forgets an address, on both sides. */
void duel_set_regs(struct duel *duel, struct sim_cpu *cpu, const struct mmu_regs *regs,
		   enum mmu_cr3_load load);
void duel_invlpg(struct duel *duel, struct sim_cpu *cpu, gva_t gva);
/* Loads them into every vCPU; each stays in system-management mode or out of it. */
void duel_same_for_all(struct duel *duel, const struct mmu_regs *regs);
/* Every vCPU forgets everything. */
void duel_flush_all(struct duel *duel);

/* A value that the knob takes. */
u64 duel_knob_value(enum mmu_knob knob, u64 r);

/* Makes a slot as the naive MMU has it. */
enum mmu_status __must_check duel_make_slot(struct duel *duel, unsigned i);

/* The dirty log: of a new machine, its end; a slot came or went, or its memory is
 * what it is now, whoever wrote it. */
bool duel_log_open(struct duel *duel);
void duel_log_close(struct duel *duel);
void duel_log_forget(struct duel *duel, unsigned slot);
void duel_log_storm(struct duel *duel);
/* Does no other slot have these frames in its address space? */
bool duel_is_free(const struct duel *duel, unsigned i, gfn_t gfn);
/* The line that makes it. */
void duel_line_slot(struct duel *duel, unsigned i);
/* Adds the host to a storm: slots go away and come back. */
void duel_disturb(struct duel *duel, u64 r);

/* Writes to memory on both sides, by the host; cpu: for this vCPU, or NULL. */
void duel_put(struct duel *duel, struct sim_cpu *cpu, gpa_t gpa, u64 value, unsigned size);

/* Random things in the geometry of the guest (duel_guest.c). */
extern const struct naive_slot duel_slots[];
extern const unsigned duel_nr_slots;
#define DUEL_RAM	(DUEL_RAM_FRAMES * PAGE_SIZE)
struct mmu_regs duel_level_regs(unsigned levels);
struct mmu_regs duel_mode_regs(u64 r);
u64 duel_root(const struct mmu_regs *regs, u64 r);
gva_t duel_gva(const struct mmu_regs *regs, u64 r);
u64 duel_pte(const struct mmu_regs *regs, u64 r);
gpa_t duel_table_gpa(const struct mmu_regs *regs, u64 r);
unsigned duel_levels(const struct mmu_regs *regs);
/* An entry for gva in the table at this level, and a value that leads from it to
 * a table (level > 1) or a page. */
gpa_t duel_entry(const struct mmu_regs *regs, gpa_t table, gva_t gva, unsigned level);
u64 duel_pte_for(const struct mmu_regs *regs, unsigned level, u64 r);

/* The scenario (duel_script.c): a line; one for an access; how it must end. value:
 * what is read, NULL: nothing. */
void duel_script_begin(struct duel *duel, const char *path);
void duel_script_end(struct duel *duel);
void duel_line(struct duel *duel, const char *format, ...) __attribute__((format(printf, 2, 3)));
void duel_line_access(struct duel *duel, const struct sim_cpu *cpu, const struct sim_access *a);
void duel_line_result(struct duel *duel, enum sim_outcome outcome, u64 error, const u64 *value);

/* The user interface's side (duel_model.c). */
bool duel_model_open(struct duel *duel, bool keep_tape);
void duel_model_close(struct duel *duel);
void duel_model_drain(struct duel *duel);
void duel_model_check(struct duel *duel);

/* What is known about the places in the source that emit. */
#define DUEL_SITES 4096
struct duel_sites {
	bool matters[DUEL_SITES];	/* an event from there changed the model */
	bool noticed[DUEL_SITES];	/* and its loss was noticed */
	u16 id[DUEL_SITES];		/* such an event */
};

/* Replays the tape without the events of one site after the other, and adds to
 * what is known. */
void duel_tape_judge(struct duel_tape *tape, struct duel_sites *sites);
void duel_tape_free(struct duel_tape *tape);

#endif
