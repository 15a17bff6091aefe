/* SPDX-License-Identifier: MIT */
/*
 * The writing end of the channel. An event takes one slot, or several when its
 * payload is long; all its slots are written before the stamp of the first, so
 * that a reader who sees that stamp sees the whole event.
 */
#include "hv/channel/emit.h"

/* The bounds of the section that MMU_SITE fills; the linker knows them. */
extern const struct mmu_site __start_vitrine_sites[];
extern const struct mmu_site __stop_vitrine_sites[];

#define SITE_NONE 0xffff

static u16 site_number(const struct mmu_site *site)
{
	return site ? (u16)(site - __start_vitrine_sites) : SITE_NONE;
}

void ch_init(struct ch_emitter *em, struct ch_header *header, u64 self_hpa, u32 flags)
{
	em->header = header;
	header->version = CH_VERSION;
	header->size = sizeof(*header);
	header->self_hpa = self_hpa;
	header->event_hash = ev_table_hash();
	atomic_store(&header->flags, flags);
	header->nr_rings = 0;
	atomic_thread_fence(memory_order_release);
	header->magic = CH_MAGIC;
}

void ch_add_ring(struct ch_emitter *em, hpa_t hpa, u32 nr_slots)
{
	struct ch_ring *ring = &em->header->ring[em->header->nr_rings];

	ring->hpa = hpa;
	ring->nr_slots = nr_slots;
	atomic_thread_fence(memory_order_release);
	em->header->nr_rings++;
}

void ch_add_pipe(struct ch_emitter *em, enum ch_pipe_id id, hpa_t hpa, u32 size)
{
	em->header->pipe[id].hpa = hpa;
	em->header->pipe[id].size = size;
}

static struct ch_slot *slot_at(struct ch_emitter *em, struct ch_ring *ring, u64 position)
{
	struct ch_slot *slots = (void *)(em->direct_map + ring->hpa);

	return &slots[position & (ring->nr_slots - 1)];
}

static void lock(struct ch_emitter *em)
{
	while (atomic_exchange_explicit(&em->lock, 1, memory_order_acquire))
		__builtin_ia32_pause();
}

static void unlock(struct ch_emitter *em)
{
	atomic_store_explicit(&em->lock, 0, memory_order_release);
}

/* A payload in two parts, taken piece by piece. */
struct parts {
	const u8 *part[2];
	size_t len[2];
};

static void take(struct parts *parts, u8 *to, size_t n)
{
	for (unsigned i = 0; i < 2 && n; i++) {
		size_t some = parts->len[i] < n ? parts->len[i] : n;

		if (some)
			memcpy(to, parts->part[i], some);
		parts->part[i] += some;
		parts->len[i] -= some;
		to += some;
		n -= some;
	}
	memset(to, 0, n);
}

/* Writes the slots after the first, then the first; its stamp comes last. */
static void store(struct ch_emitter *em, struct ch_ring *ring, const struct ch_slot *first,
		  struct parts *parts)
{
	u64 at = atomic_load_explicit(&ring->head, memory_order_relaxed);
	unsigned n = ch_slots(first->len);
	struct ch_slot *slot = slot_at(em, ring, at);

	atomic_store_explicit(&slot->stamp, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	slot->seq = first->seq;
	slot->clock = first->clock;
	memcpy(&slot->cause, &first->cause, offsetof(struct ch_slot, payload) -
					     offsetof(struct ch_slot, cause));
	take(parts, slot->payload, CH_FIRST_PAYLOAD);
	for (unsigned i = 1; i < n; i++) {
		struct ch_more *more = (struct ch_more *)slot_at(em, ring, at + i);

		take(parts, more->payload, CH_NEXT_PAYLOAD);
		atomic_store_explicit(&more->stamp, at + i + 1, memory_order_release);
	}
	atomic_store_explicit(&slot->stamp, at + 1, memory_order_release);
	atomic_store_explicit(&ring->head, at + n, memory_order_release);
}

u64 ch_emit(struct ch_emitter *em, u8 vcpu, u16 id, const struct mmu_site *site, const void *fixed,
	    u16 fixed_len, const void *tail, size_t tail_len)
{
	unsigned cpu = ch_cpu(em);
	struct ch_slot first = { .id = id, .site = site_number(site), .vm = em->vm,
				 .level = em->level, .vcpu = vcpu };
	struct parts parts = { { fixed, tail }, { fixed_len, tail_len } };
	u64 cause = em->cause[cpu];

	if (tail_len > (size_t)(CH_MAX_PAYLOAD - fixed_len))
		parts.len[1] = CH_MAX_PAYLOAD - fixed_len;
	first.len = parts.len[0] + parts.len[1];
	first.flags = em->synthetic ? CH_EV_SYNTHETIC : 0;
	lock(em);
	first.clock = em->clock(em->ctx);
	first.seq = atomic_load_explicit(&em->header->seq, memory_order_relaxed) + 1;
	first.cause = cause && first.seq - cause <= UINT32_MAX ? first.seq - cause : 0;
	store(em, &em->header->ring[cpu], &first, &parts);
	atomic_store_explicit(&em->header->seq, first.seq, memory_order_release);
	if (em->seen)
		em->seen(em->ctx, first.seq, vcpu, id, fixed, fixed_len);
	unlock(em);
	return first.seq;
}

u64 ch_get_cause(struct ch_emitter *em)
{
	return em->cause[ch_cpu(em)];
}

void ch_set_cause(struct ch_emitter *em, u64 seq)
{
	em->cause[ch_cpu(em)] = seq;
}

u32 ch_free_slots(struct ch_emitter *em)
{
	struct ch_ring *ring = &em->header->ring[ch_cpu(em)];
	u64 used = atomic_load(&ring->head) - atomic_load(&ring->tail);

	return used >= ring->nr_slots ? 0 : ring->nr_slots - used;
}

void ch_emit_sites(struct ch_emitter *em)
{
	for (const struct mmu_site *s = __start_vitrine_sites; s < __stop_vitrine_sites; s++) {
		size_t n = 0;

		while (s->file[n])
			n++;
		hv_emit_tail(em, MMU_NO_VCPU, site, s->file, n, site_number(s), s->line);
	}
}

size_t ch_pipe_room(struct ch_emitter *em, enum ch_pipe_id id)
{
	const struct ch_pipe *pipe = &em->header->pipe[id];
	u64 used = atomic_load_explicit(&pipe->head, memory_order_relaxed) -
		   atomic_load_explicit(&pipe->tail, memory_order_acquire);

	return used >= pipe->size ? 0 : pipe->size - used;
}

size_t ch_pipe_write(struct ch_emitter *em, enum ch_pipe_id id, const void *buf, size_t len)
{
	struct ch_pipe *pipe = &em->header->pipe[id];
	u8 *bytes = em->direct_map + pipe->hpa;
	u64 head = atomic_load_explicit(&pipe->head, memory_order_relaxed);
	u64 used = head - atomic_load_explicit(&pipe->tail, memory_order_acquire);
	size_t n = 0;

	for (; n < len && used + n < pipe->size; n++)
		bytes[(head + n) & (pipe->size - 1)] = ((const u8 *)buf)[n];
	atomic_store_explicit(&pipe->head, head + n, memory_order_release);
	return n;
}

size_t ch_pipe_read(struct ch_emitter *em, enum ch_pipe_id id, void *buf, size_t len)
{
	struct ch_pipe *pipe = &em->header->pipe[id];
	const u8 *bytes = em->direct_map + pipe->hpa;
	u64 tail = atomic_load_explicit(&pipe->tail, memory_order_relaxed);
	u64 head = atomic_load_explicit(&pipe->head, memory_order_acquire);
	size_t n = 0;

	for (; n < len && tail + n != head; n++)
		((u8 *)buf)[n] = bytes[(tail + n) & (pipe->size - 1)];
	atomic_store_explicit(&pipe->tail, tail + n, memory_order_release);
	return n;
}
