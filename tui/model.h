/* SPDX-License-Identifier: MIT */
/*
 * The world as the host program knows it, rebuilt from events and from nothing
 * else: a live machine, a recording and a test feed the same model_apply().
 *
 *	model -- shared: console bytes, places in the source (they only grow)
 *	  \---- vm[] -- slots, shadow pages, links, rmaps, tracked frames
 *	          \--- vcpu[] -- roles, roots, last exit and registers, TLB (sim)
 *
 * Events are hostile input: a field out of range, a payload too short or an
 * event that contradicts the model never does harm; it is noted as damage.
 * After a gap in the sequence the model is `unknown` until a snapshot; a
 * snapshot that differs from what was known is damage, too.
 */
#ifndef TUI_MODEL_H
#define TUI_MODEL_H

#include "mmu/types.h"
#include "tui/event.h"
#include "tui/map.h"
#include "tui/text.h"

#define MODEL_MAX_VMS	8
#define MODEL_MAX_VCPUS 16
#define MODEL_ROOTS	4	/* the current one and three before */
#define MODEL_CONTEXTS	3
#define MODEL_DAMAGES	16
#define MODEL_LEDGER	64
#define MODEL_MAX_KNOBS 64
#define MODEL_FINDINGS	32

/* Flags of sp_new, as mmu/internal.h has them. */
#define MODEL_SP_TDP	 1u
#define MODEL_SP_SPECIAL 2u
#define MODEL_SP_DUMMY	 4u

/* A shadow page. Shared between copies of a model until one changes it. */
struct model_sp {
	u32 refs;
	u32 sp;		/* its number */
	u64 gfn, hpa;
	u32 role, flags, root_count;
	bool unsync, zapped;
	u16 present;	/* entries that are not 0 */
	u8 why;		/* it was zapped: a row of mmu/zap.def */
	u16 changed;	/* index of the entry changed last */
	u64 changed_at;	/* seq of that change; 0: never */
	u64 born;	/* seq of its sp_new */
	u64 spte[PT_ENTRIES];
};

/* What a link, an rmap entry and a slot are; see the keys below. */
struct model_rmap {
	u64 gfn;
	u8 as, level;
};

struct model_slot {
	u64 gfn, npages, hpa;
	u8 as, flags;
	u16 slot;
	bool invalid;	/* about to go or to move */
};

struct model_root {
	u32 sp;		/* 0: none */
	u64 hpa, pgd;
};

struct model_tlb {
	u64 gva, hpa;
	u8 level, access, vcpu;
	bool global, ghost;
};

/* A line of the flush ledger. */
struct model_flush {
	u64 seq;
	u16 id;		/* of the event */
	u8 why, target;
	bool ok;	/* flush_root: it was done */
	u32 sp;		/* flush_root */
	u32 asked;	/* flush_done: how often the vCPU had been told since its last one */
	u64 gfn, npages;
};

struct model_finding {
	u16 rule, index;
	u32 sp;
	u64 have, want;
};

/* A way to translate, by enum mmu_context: roles and roots. */
struct model_context {
	u32 cpu_role, cpu_ext, root_role;
	struct model_root root[MODEL_ROOTS];
};

struct model_vcpu {
	bool known;
	u8 state;		/* enum ch_vstate */
	bool smm;		/* in system-management mode */
	bool inner, np;		/* a guest of the guest runs; on nested tables at ncr3 */
	u64 ncr3;
	u64 cr3;		/* last loaded by who runs */
	struct model_context context[MODEL_CONTEXTS];
	struct ev_exit exit;
	u64 exit_seq;		/* 0: never seen */
	u8 exit_bytes[16], exit_len;
	struct ev_regs regs;
	u64 regs_seq;
	u64 flushed_seq;	/* last flush_done */
	u32 flush_asked;	/* flush_vcpu since then */
	u32 flush_root;		/* the page noted for flushes by root; 0: none */
	u32 requests;		/* pending: a bit each, rows of mmu/request.def */
};

struct model_vm {
	u8 vm, level;
	bool unknown;		/* events were lost; see the gap's seq */
	bool in_snapshot;
	struct model_vm *before;	/* what was known when the snapshot began, else NULL */
	u64 unknown_since;
	bool configured;
	struct ev_mmu_config config;
	u64 knob[MODEL_MAX_KNOBS];	/* by enum mmu_knob; of a recording: its own */
	struct map slots;	/* model_slot_key -> struct model_slot */
	u64 generation[MMU_NR_AS];
	struct map sps;		/* number -> struct model_sp * */
	struct map links;	/* model_entry_key(parent, index) -> u32 child */
	struct map rmaps;	/* model_entry_key(sp, index) -> struct model_rmap */
	struct map tracks;	/* model_frame_key -> u16 */
	struct map dirty;	/* model_frame_key -> u64: a bit for each of 64 frames */
	struct map tlb;		/* model_tlb_key -> struct model_tlb */
	struct model_vcpu vcpu[MODEL_MAX_VCPUS];
	struct model_flush ledger[MODEL_LEDGER];
	u32 nr_ledger;		/* ever; the last MODEL_LEDGER are kept */
	u64 audit_seq;		/* of the last audit_begin; 0: never audited */
	u32 audit_rules, audit_broken;
	bool audit_done;
	struct model_finding finding[MODEL_FINDINGS];
	u32 nr_findings;
};

struct model_damage {
	u64 seq;
	char text[104];
};

/* A place in the source. */
struct model_site {
	char *file;		/* NULL: unknown */
	u32 line;
};

struct model_shared;

struct model {
	struct model_shared *shared;
	struct model_vm *vm[MODEL_MAX_VMS];
	unsigned nr_vms;
	u64 seq, clock;		/* of the last event */
	size_t console_len;	/* bytes the guest has written so far */
	bool booted;
	struct ev_boot boot;
	char version[32], guest[64];
	bool stopped, panicked, ended;
	u8 stop_why;
	u64 stop_seq;		/* the event it stopped at */
	u8 end_status;
	char end_reason[64];
	u64 lost;		/* events, as far as known */
	struct model_damage damage[MODEL_DAMAGES];
	u32 nr_damage;		/* ever; the last MODEL_DAMAGES are kept */
};

struct model *model_new(void);
struct model *model_copy(const struct model *from);
void model_free(struct model *model);

/* Takes the next event. seq rises by one from event to event; a step forward
 * by more is a gap. */
void model_apply(struct model *model, const struct event *ev);

/*
 * Whether two models hold the same paging state: config, slots, pages, entries,
 * links, rmaps, tracked frames, roles and roots, that is what mmu_dump() tells.
 *
 *   difference  (may be NULL) gets the first difference in words
 */
bool model_equal(const struct model *a, const struct model *b, struct text *difference);

/* Keys of the maps. */
static inline u64 model_entry_key(u32 sp, unsigned index)
{
	return (u64)sp << 9 | index;
}

static inline u64 model_slot_key(u8 as, u16 slot)
{
	return (u64)as << 16 | slot;
}

static inline u64 model_frame_key(u8 as, u64 gfn)
{
	return (u64)as << 52 | (gfn & BITS(51, 0));
}

static inline u64 model_tlb_key(u8 vcpu, u64 gva)
{
	return (u64)(vcpu & 0xf) << 52 | gva >> 12;
}

/* The context whose root the hardware has, and the one of the tables that who runs
 * calls its own. */
const struct model_context *model_hardware(const struct model_vcpu *vcpu);
const struct model_context *model_walked(const struct model_vcpu *vcpu);

/* Looking. All return NULL where there is nothing. */
const struct model_vm *model_vm(const struct model *model, u8 level, u8 vm);
const struct model_sp *model_sp(const struct model_vm *vm, u32 sp);
u32 model_child(const struct model_vm *vm, u32 sp, unsigned index);	/* 0: none */
u32 model_parent(const struct model_vm *vm, u32 sp, unsigned *index);	/* first; 0: none */
u32 model_ghosts(const struct model_vm *vm);	/* TLB entries that are stale */
const struct model_site *model_site(const struct model *model, u16 site);
const u8 *model_console(const struct model *model, size_t *len);

#endif
