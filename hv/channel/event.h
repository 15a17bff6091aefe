/* SPDX-License-Identifier: MIT */
/*
 * All events, the MMU's and the hypervisor's: payload structs, and one table
 * that describes every row, for decoders, screens and the book.
 */
#ifndef CHANNEL_EVENT_H
#define CHANNEL_EVENT_H

#include "mmu/event.h"

enum hv_event_id {
#define EVENT(id, name, sentence, kvm, ...) EV_##name = id,
#include "hv/channel/event.def"
};

#define F(type, name, unit) type name;
#define T(name)
#define B(name)
#define EVENT(id, name, sentence, kvm, ...)                                                        \
	struct __attribute__((packed)) ev_##name {                                                 \
		__VA_ARGS__                                                                        \
	};
#include "hv/channel/event.def"

/* One field of a row. Fields are packed in order; the last may be the rest. */
struct ev_field {
	const char *name;	/* "gfn"; NULL ends the list */
	const char *unit;	/* "gfn": how it is printed; "text" or "bytes": the rest */
	u8 size;		/* bytes: 1, 2, 4, 8; 0 for the rest of the payload */
};

#define EV_MAX_FIELDS	28

/* One row. */
struct ev_info {
	u16 id;
	const char *name;	/* "spte_set" */
	const char *sentence;
	const char *kvm;	/* tracepoints of Linux KVM that say the same, or "" */
	struct ev_field fields[EV_MAX_FIELDS + 1];
};

extern const struct ev_info ev_table[];
extern const unsigned ev_table_size;

/* The row of an id or a name; NULL if there is none. */
const struct ev_info *ev_info(u16 id);
const struct ev_info *ev_info_by_name(const char *name, size_t len);

/* Bytes of the fixed fields; text or bytes follow after them. */
unsigned ev_fixed_size(const struct ev_info *info);

/*
 * Where a field lies in the payload, -1 if the row has no such field. name is
 * compared whole.
 */
int ev_field_offset(const struct ev_info *info, const char *name);

/*
 * The value of field number i.
 *   returns  false if the payload is too short, or the field is text or bytes
 */
bool ev_value(const struct ev_info *info, unsigned i, const void *payload, size_t len,
	      u64 *value);

/* A number that changes with any change of the table: hypervisor and host
 * program must agree on it. */
u32 ev_table_hash(void);

/* Meanings of small enumerations in payloads. */
enum ch_machine { CH_MACHINE_SVM = 1, CH_MACHINE_SIM = 2 };
/* WAITING: for its start by another vCPU. */
enum ch_vstate { CH_RUNNING, CH_HALTED, CH_STOPPED, CH_ENDED, CH_WAITING };
enum ch_stop { CH_STOP_PAUSE, CH_STOP_STEP, CH_STOP_BREAK, CH_STOP_GDB, CH_STOP_START, CH_STOP_AUDIT,
	       CH_STOP_PANIC };
enum ch_step { CH_STEP_NONE, CH_STEP_INSN, CH_STEP_EVENT, CH_STEP_FAULT, CH_STEP_EXIT };
enum ch_space { CH_GVA, CH_GPA, CH_HPA };
enum ch_dirty { CH_DIRTY_OFF, CH_DIRTY_ON, CH_DIRTY_BY_D, CH_DIRTY_HARVEST };

/* Kinds of exits, the same on both machines. */
enum ch_exit {
#define EXITKIND(id, name, sentence) CH_EXIT_##name = id,
#include "hv/channel/exitkind.def"
};

const char *ch_exit_name(unsigned kind);	/* "cpuid"; "?" if unknown */

#endif
