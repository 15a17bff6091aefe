/* SPDX-License-Identifier: MIT */
/*
 * The reading end of the debug channel: a machine's memory, mapped from the
 * file behind it. Events come out merged in the order of their numbers; what
 * was overwritten before it was read comes out as a `gap` event. Commands and
 * console and GDB bytes go in. Nothing here waits.
 *
 * The memory belongs to a machine that may be broken or hostile: every offset
 * and size in it is checked before use and read once.
 */
#ifndef TUI_LINK_H
#define TUI_LINK_H

#include "hv/channel/channel.h"
#include "tui/event.h"

struct link;

/* Rings the doorbell with a CH_BELL_ byte. */
typedef void (*link_bell_fn)(void *arg, char byte);

/*
 * Maps the file. The header need not be there yet; link_ready() looks for it.
 *   fd     stays the caller's
 *   base   where hpa 0 of the machine lies in the file (0)
 *   header offset of the header, or LINK_SEARCH: by its magic, page by page
 *   returns  NULL if the file cannot be mapped; errno says why
 */
struct link *link_open(int fd, u64 header_offset);
#define LINK_SEARCH (~0ull)

void link_close(struct link *link);
void link_set_bell(struct link *link, link_bell_fn bell, void *arg);

/* A recorded crash: read what the rings still hold, from the oldest whole
 * event on, and store no tails. */
void link_set_postmortem(struct link *link);

/* The writer is gone: what it overwrote is skipped, but its last events are
 * looked for, slot by slot, in what the rings still hold. */
void link_set_ended(struct link *link);

/*
 * Whether the hypervisor is there. *why (may be NULL) is set when the header
 * is one that we cannot work with.
 */
bool link_ready(struct link *link, const char **why);

/*
 * The next event.
 *   returns  false: nothing new. The payload is valid until the next call.
 */
bool link_next(struct link *link, struct event *ev);

/* Tells the writer how far we have read; call it after a batch. */
void link_commit(struct link *link);

/* How full the fullest ring is, 0..100. */
unsigned link_fill(const struct link *link);

/* Events lost so far; whether the writer is in its panic loop; whether it runs
 * the deterministic machine. */
u64 link_lost(const struct link *link);
bool link_in_panic(const struct link *link);
bool link_deterministic(const struct link *link);

/*
 * Posts a command, at once or when the mailbox is free (link_pump()).
 *   data     len bytes, at most 4096
 *   returns  its ticket
 */
u32 link_command(struct link *link, u16 command, u64 a, u64 b, u64 c, u64 d, const void *data,
		 u16 len);

/* Posts what waits. Call it regularly. */
void link_pump(struct link *link);

/* Whether a command lies in the mailbox that nobody has taken. */
bool link_mail_waits(const struct link *link);

/* Moves bytes through a pipe; returns how many went. Rings no bell. */
size_t link_pipe_read(struct link *link, enum ch_pipe_id id, void *buf, size_t len);
size_t link_pipe_write(struct link *link, enum ch_pipe_id id, const void *buf, size_t len);
void link_pipe_open(struct link *link, enum ch_pipe_id id, bool open);
void link_ring_bell(struct link *link, char byte);

#endif
