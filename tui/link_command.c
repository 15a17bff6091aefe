/* SPDX-License-Identifier: MIT */
/* The way in: the mailbox and the byte pipes. */
#include "tui/link_i.h"
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

void link_ring_bell(struct link *link, char byte)
{
	if (link->bell)
		link->bell(link->bell_arg, byte);
}

/* Puts the command into the mailbox; false while another one is in it. */
static bool post(struct link *link, const struct waiting *w)
{
	struct ch_mail *mail = &link->header->mail;

	if (atomic_load_explicit(&mail->state, memory_order_acquire) != CH_MAIL_FREE)
		return false;
	mail->ticket = w->ticket;
	mail->command = w->command;
	mail->len = w->len;
	memcpy(mail->arg, w->arg, sizeof(mail->arg));
	memcpy(mail->data, w->data, w->len);
	atomic_store_explicit(&mail->state, CH_MAIL_POSTED, memory_order_release);
	link_ring_bell(link, CH_BELL_MAIL);
	return true;
}

void link_pump(struct link *link)
{
	unsigned done = 0;

	if (!link_ready(link, NULL))
		return;
	while (done < link->nr_waiting && post(link, link->waiting[done]))
		free(link->waiting[done++]);
	if (!done)
		return;
	link->nr_waiting -= done;
	memmove(link->waiting, link->waiting + done, link->nr_waiting * sizeof(*link->waiting));
}

bool link_mail_waits(const struct link *link)
{
	return link->header && atomic_load(&link->header->mail.state) != CH_MAIL_FREE;
}

u32 link_command(struct link *link, u16 command, u64 a, u64 b, u64 c, u64 d, const void *data,
		 u16 len)
{
	struct waiting *w;
	u16 most = sizeof(((struct ch_mail *)NULL)->data);

	if (len > most)
		len = most;
	w = xcalloc(1, sizeof(*w) + len);
	w->ticket = ++link->next_ticket;
	w->command = command;
	w->len = len;
	memcpy(w->arg, (u64[]){ a, b, c, d }, sizeof(w->arg));
	if (len)
		memcpy(w->data, data, len);
	link->waiting = xrealloc(link->waiting, (link->nr_waiting + 1) * sizeof(*link->waiting));
	link->waiting[link->nr_waiting++] = w;
	link_pump(link);
	return link->next_ticket;
}

/* The pipe and its bytes; false while it is not there or makes no sense. */
static bool pipe_of(struct link *link, enum ch_pipe_id id, struct ch_pipe **pipe, u8 **bytes,
		    u32 *size)
{
	if (!link_ready(link, NULL))
		return false;
	*pipe = &link->header->pipe[id];
	*size = (*pipe)->size;
	if (!*size || *size & (*size - 1))
		return false;
	*bytes = link_memory(link, (*pipe)->hpa, *size);
	return *bytes;
}

size_t link_pipe_read(struct link *link, enum ch_pipe_id id, void *buf, size_t len)
{
	struct ch_pipe *pipe;
	u8 *bytes;
	u32 size;
	u64 head, tail;
	size_t n = 0;

	if (!pipe_of(link, id, &pipe, &bytes, &size))
		return 0;
	tail = atomic_load_explicit(&pipe->tail, memory_order_relaxed);
	head = atomic_load_explicit(&pipe->head, memory_order_acquire);
	for (; n < len && tail + n != head; n++)
		((u8 *)buf)[n] = bytes[(tail + n) & (size - 1)];
	atomic_store_explicit(&pipe->tail, tail + n, memory_order_release);
	return n;
}

size_t link_pipe_write(struct link *link, enum ch_pipe_id id, const void *buf, size_t len)
{
	struct ch_pipe *pipe;
	u8 *bytes;
	u32 size;
	u64 head, tail;
	size_t n = 0;

	if (!pipe_of(link, id, &pipe, &bytes, &size))
		return 0;
	head = atomic_load_explicit(&pipe->head, memory_order_relaxed);
	tail = atomic_load_explicit(&pipe->tail, memory_order_acquire);
	for (; n < len && head + n - tail < size; n++)
		bytes[(head + n) & (size - 1)] = ((const u8 *)buf)[n];
	atomic_store_explicit(&pipe->head, head + n, memory_order_release);
	return n;
}

void link_pipe_open(struct link *link, enum ch_pipe_id id, bool open)
{
	_Atomic u32 *state;
	u32 was;

	if (!link_ready(link, NULL))
		return;
	state = &link->header->pipe[id].open;
	was = atomic_load(state);
	atomic_store(state, open ? (was | 1) + 2 : was & ~1u);
}
