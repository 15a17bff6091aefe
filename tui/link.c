/* SPDX-License-Identifier: MIT */
/* Rings: following them all, merging by number, noticing losses. */
#include "tui/link_i.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "tui/say.h"

struct link *link_open(int fd, u64 header_offset)
{
	struct link *link;
	struct stat st;
	void *map;

	if (fstat(fd, &st))
		return NULL;
	if (st.st_size < (off_t)sizeof(struct ch_header)) {
		errno = EINVAL;
		return NULL;
	}
	map = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	link = xcalloc(1, sizeof(*link));
	link->map = map;
	link->size = st.st_size;
	link->header_offset = header_offset;
	return link;
}

void link_close(struct link *link)
{
	if (!link)
		return;
	if (link->header && !link->postmortem)
		atomic_store(&link->header->reader, 0);
	munmap(link->map, link->size);
	for (unsigned i = 0; i < link->nr_waiting; i++)
		free(link->waiting[i]);
	free(link->waiting);
	free(link);
}

void link_set_bell(struct link *link, link_bell_fn bell, void *arg)
{
	link->bell = bell;
	link->bell_arg = arg;
}

void link_set_postmortem(struct link *link)
{
	link->postmortem = true;
}

void *link_memory(const struct link *link, u64 hpa, u64 len)
{
	u64 offset = ch_file_offset(hpa);

	return offset <= link->size && len <= link->size - offset ? link->map + offset : NULL;
}

/* ---- the header ------------------------------------------------------------- */

static struct ch_header *header_at(const struct link *link, u64 offset)
{
	struct ch_header *header = (void *)(link->map + offset);

	if (offset > link->size || link->size - offset < sizeof(*header))
		return NULL;
	return __atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) == CH_MAGIC ? header : NULL;
}

static struct ch_header *find_header(const struct link *link)
{
	struct ch_header *header = NULL;

	if (link->header_offset != LINK_SEARCH)
		return header_at(link, link->header_offset);
	for (u64 at = 0; at < link->size && !header; at += PAGE_SIZE)
		header = header_at(link, at);
	return header;
}

static bool is_power_of_two(u64 n)
{
	return n && !(n & (n - 1));
}

/* Takes over the rings that have appeared; their sizes are read once. */
static bool take_rings(struct link *link)
{
	unsigned nr = link->header->nr_rings;

	if (nr > CH_MAX_RINGS)
		return false;
	for (; link->nr_rings < nr; link->nr_rings++) {
		struct ch_ring *ring = &link->header->ring[link->nr_rings];
		struct reader *reader = &link->reader[link->nr_rings];

		reader->nr_slots = ring->nr_slots;
		if (!is_power_of_two(reader->nr_slots))
			return false;
		reader->slots = link_memory(link, ring->hpa, (u64)reader->nr_slots * CH_SLOT_SIZE);
		if (!reader->slots)
			return false;
	}
	return true;
}

/* In a dead machine's ring events begin at unknown places. Try the oldest
 * slots until one looks like a whole event. */
static void find_oldest(struct link *link, unsigned i)
{
	struct reader *reader = &link->reader[i];
	u64 head = atomic_load(&link->header->ring[i].head);

	reader->position = head > reader->nr_slots ? head - reader->nr_slots : 0;
	while (reader->position < head && !link_slot_plausible(link, i))
		reader->position++;
}

static void start_postmortem(struct link *link)
{
	for (unsigned i = 0; i < link->nr_rings; i++)
		find_oldest(link, i);
}

bool link_ready(struct link *link, const char **why)
{
	struct ch_header *header = link->header ? link->header : find_header(link);

	if (!header)
		return false;
	if (!link->header) {
		*(why ? why : &(const char *){ NULL }) = NULL;
		if (header->version != CH_VERSION || header->size != sizeof(*header)) {
			if (why)
				*why = "the hypervisor speaks another version of the debug channel";
			return false;
		}
		if (header->event_hash != ev_table_hash()) {
			if (why)
				*why = "the hypervisor was built with another table of events";
			return false;
		}
		link->header = header;
		if (!link->postmortem)
			atomic_store(&header->reader, 1);
	}
	if (!take_rings(link)) {
		if (why)
			*why = "the debug channel's header is damaged";
		return false;
	}
	if (link->postmortem && !link->started)
		start_postmortem(link);
	link->started = link->nr_rings != 0;
	return link->started;
}

/* ---- events ----------------------------------------------------------------- */

static struct ch_slot *slot_at(const struct reader *reader, u64 position)
{
	return &reader->slots[position & (reader->nr_slots - 1)];
}

enum peek { PEEK_NOTHING, PEEK_EVENT, PEEK_OVERTAKEN };

/* Copies the payload's further slots; false if one was overwritten. */
static bool copy_more(struct link *link, const struct reader *reader, unsigned len)
{
	unsigned done = CH_FIRST_PAYLOAD;

	for (unsigned i = 1; done < len; i++) {
		struct ch_more *more = (struct ch_more *)slot_at(reader, reader->position + i);
		unsigned some = len - done < CH_NEXT_PAYLOAD ? len - done : CH_NEXT_PAYLOAD;

		if (atomic_load_explicit(&more->stamp, memory_order_acquire) !=
		    reader->position + i + 1)
			return false;
		memcpy(link->payload + done, more->payload, some);
		done += some;
	}
	return true;
}

/* Looks at the next event of a ring, without its payload. */
static enum peek peek(const struct link *link, unsigned ring, struct ch_slot *copy)
{
	const struct reader *reader = &link->reader[ring];
	struct ch_slot *slot = slot_at(reader, reader->position);
	u64 head = atomic_load_explicit(&link->header->ring[ring].head, memory_order_acquire);
	u64 stamp = atomic_load_explicit(&slot->stamp, memory_order_acquire);

	if (head > reader->position + reader->nr_slots || stamp > reader->position + 1)
		return PEEK_OVERTAKEN;
	if (stamp != reader->position + 1 || head <= reader->position)
		return PEEK_NOTHING;
	memcpy((void *)copy, (const void *)slot, sizeof(*copy));
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&slot->stamp, memory_order_relaxed) != stamp ||
	    copy->len > CH_MAX_PAYLOAD)
		return PEEK_OVERTAKEN;
	return PEEK_EVENT;
}

bool link_slot_plausible(const struct link *link, unsigned ring)
{
	struct ch_slot slot;

	return peek(link, ring, &slot) == PEEK_EVENT && ev_info(slot.id) && !slot.zero &&
	       slot.seq > link->last_seq && slot.seq <= atomic_load(&link->header->seq);
}

void link_set_ended(struct link *link)
{
	if (link->ended)
		return;
	link->ended = true;
	/* Rings whose rest was given up already, when it was still being written. */
	for (unsigned i = 0; i < link->nr_rings; i++)
		if (link->reader[i].position == atomic_load(&link->header->ring[i].head) &&
		    link->last_seq < atomic_load(&link->header->seq))
			find_oldest(link, i);
}

/* Only the writer's head is surely the beginning of an event. */
static void resync(struct link *link, unsigned ring)
{
	if (link->ended) {
		find_oldest(link, ring);
		return;
	}
	link->reader[ring].position =
		atomic_load_explicit(&link->header->ring[ring].head, memory_order_acquire);
}

/* The ring with the lowest number next, -1: none. */
static int lowest(struct link *link, struct ch_slot *best)
{
	struct ch_slot slot;
	int ring = -1;

	for (unsigned i = 0; i < link->nr_rings; i++) {
		enum peek what = peek(link, i, &slot);

		if (what == PEEK_OVERTAKEN) {
			resync(link, i);
			what = peek(link, i, &slot);
		}
		if (what != PEEK_EVENT || (ring >= 0 && slot.seq >= best->seq))
			continue;
		ring = i;
		memcpy((void *)best, &slot, sizeof(slot));
	}
	return ring;
}

static void make_gap(struct link *link, u64 next_seq, struct event *ev)
{
	struct ev_gap gap = { next_seq - link->last_seq - 1 };

	memcpy(link->payload, &gap, sizeof(gap));
	*ev = (struct event){ .seq = next_seq - 1, .clock = link->last_clock, .id = EV_gap,
			      .site = EVENT_NO_SITE, .vcpu = EVENT_NO_VCPU, .len = sizeof(gap),
			      .payload = link->payload };
	link->lost += gap.lost;
	link->last_seq = next_seq - 1;
}

static void make_event(struct link *link, const struct ch_slot *slot, struct event *ev)
{
	*ev = (struct event){
		.seq = slot->seq, .clock = slot->clock,
		.cause = slot->cause && slot->cause < slot->seq ? slot->seq - slot->cause : 0,
		.id = slot->id, .site = slot->site, .len = slot->len, .vm = slot->vm,
		.level = slot->level, .vcpu = slot->vcpu, .flags = slot->flags,
		.payload = link->payload,
	};
	link->last_seq = slot->seq;
	link->last_clock = slot->clock;
}

bool link_next(struct link *link, struct event *ev)
{
	struct ch_slot slot = { 0 };
	struct reader *reader;
	int ring;

	if (!link_ready(link, NULL))
		return false;
	for (;;) {
		ring = lowest(link, &slot);
		/* A number was skipped: it may have come up in a ring that we had
		 * looked at already. */
		if (ring >= 0 && slot.seq != link->last_seq + 1)
			ring = lowest(link, &slot);
		if (ring < 0)
			return false;
		reader = &link->reader[ring];
		if (slot.seq > link->last_seq + 1 && (link->last_seq || !link->postmortem)) {
			make_gap(link, slot.seq, ev);
			return true;
		}
		memcpy(link->payload, slot.payload, CH_FIRST_PAYLOAD);
		if (slot.seq <= link->last_seq || !copy_more(link, reader, slot.len)) {
			resync(link, ring);
			continue;
		}
		reader->position += ch_slots(slot.len);
		make_event(link, &slot, ev);
		return true;
	}
}

void link_commit(struct link *link)
{
	if (!link->header || link->postmortem)
		return;
	for (unsigned i = 0; i < link->nr_rings; i++)
		atomic_store_explicit(&link->header->ring[i].tail, link->reader[i].position,
				      memory_order_release);
}

unsigned link_fill(const struct link *link)
{
	unsigned fullest = 0;

	for (unsigned i = 0; i < link->nr_rings; i++) {
		u64 head = atomic_load(&link->header->ring[i].head);
		u64 used = head - link->reader[i].position;
		unsigned percent = used >= link->reader[i].nr_slots ?
					   100 :
					   used * 100 / link->reader[i].nr_slots;

		if (percent > fullest)
			fullest = percent;
	}
	return fullest;
}

u64 link_lost(const struct link *link)
{
	return link->lost;
}

bool link_in_panic(const struct link *link)
{
	return link->header && atomic_load(&link->header->flags) & CH_FLAG_PANIC;
}

bool link_deterministic(const struct link *link)
{
	return link->header && atomic_load(&link->header->flags) & CH_FLAG_DETERMINISTIC;
}
