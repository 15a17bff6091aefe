/* SPDX-License-Identifier: MIT */
/*
 * The writing end of the channel: events into rings, bytes through pipes. Used
 * by both machines. Nothing here waits, allocates or takes a lock of the MMU.
 */
#ifndef CHANNEL_EMIT_H
#define CHANNEL_EMIT_H

#include "hv/channel/channel.h"
#include "hv/channel/event.h"

/* Supplied by the C library, or by hv/svm on bare metal. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);

/*
 * The emitter of one hypervisor. The machine fills it once: header, base,
 * clock. `seen` is told of every event after it was stored, in their order, for
 * breaks and stepping, and in snapshots to wait for the reader; it must not emit.
 */
struct ch_emitter {
	struct ch_header *header;
	u8 *direct_map;		/* hpa to pointer */
	u64 (*clock)(void *ctx);
	unsigned (*cpu)(void *ctx);	/* index of the real CPU we run on */
	void (*seen)(void *ctx, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len);
	void *ctx;
	u8 vm, level;
	bool synthetic;		/* a snapshot is being written */
	u64 cause[CH_MAX_RINGS];	/* per CPU: seq of the exit or command at work */
	_Atomic u32 lock;	/* makes seq order the order in each ring */
};

/* The real CPU this runs on: the number of its ring. */
static inline unsigned ch_cpu(const struct ch_emitter *em)
{
	return em->cpu ? em->cpu(em->ctx) : 0;
}

/*
 * Prepares header and rings: hpas of nr_rings blocks of nr_slots slots, and of
 * one block per pipe, all in memory the host can see.
 */
void ch_init(struct ch_emitter *em, struct ch_header *header, u64 self_hpa, u32 flags);
void ch_add_ring(struct ch_emitter *em, hpa_t hpa, u32 nr_slots);
void ch_add_pipe(struct ch_emitter *em, enum ch_pipe_id id, hpa_t hpa, u32 size);

/*
 * Stores an event and returns its sequence number. tail (may be NULL) is
 * appended to the fixed part: text or bytes; what exceeds CH_MAX_PAYLOAD is
 * cut off. Interrupts must be off on this CPU.
 */
u64 ch_emit(struct ch_emitter *em, u8 vcpu, u16 id, const struct mmu_site *site,
	    const void *fixed, u16 fixed_len, const void *tail, size_t tail_len);

/* As mmu_emit(), for the hypervisor's rows. */
#define hv_emit(em, vcpu, name, ...)                                                               \
	({                                                                                         \
		const struct ev_##name hv_emit_ev = { __VA_ARGS__ };                               \
		ch_emit((em), (vcpu), EV_##name, MMU_SITE, &hv_emit_ev, sizeof(hv_emit_ev), NULL,  \
			0);                                                                        \
	})

/* The same for rows that end in text or bytes. */
#define hv_emit_tail(em, vcpu, name, tail, tail_len, ...)                                          \
	({                                                                                         \
		const struct ev_##name hv_emit_ev = { __VA_ARGS__ };                               \
		ch_emit((em), (vcpu), EV_##name, MMU_SITE, &hv_emit_ev, sizeof(hv_emit_ev),        \
			(tail), (tail_len));                                                       \
	})

/* What follows on this CPU is caused by event seq (0: by nothing). */
void ch_set_cause(struct ch_emitter *em, u64 seq);
u64 ch_get_cause(struct ch_emitter *em);

/* Slots of this CPU's ring that are free by the reader's account. */
u32 ch_free_slots(struct ch_emitter *em);

/* Emits a `site` event for every place in this program that can emit. */
void ch_emit_sites(struct ch_emitter *em);

/* Bytes that a pipe takes now. */
size_t ch_pipe_room(struct ch_emitter *em, enum ch_pipe_id id);

/* Moves bytes; returns how many went. */
size_t ch_pipe_write(struct ch_emitter *em, enum ch_pipe_id id, const void *buf, size_t len);
size_t ch_pipe_read(struct ch_emitter *em, enum ch_pipe_id id, void *buf, size_t len);

#endif
