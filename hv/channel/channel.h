/* SPDX-License-Identifier: MIT */
/*
 * The debug channel's layout in shared memory: what a hypervisor and the host
 * program agree on. Both sides see the machine's memory, the hypervisor as its
 * RAM and the host as a mapped file, so this file is the wire format.
 *
 *	struct ch_header      at a fixed offset of the image: magic, where all
 *	                      else is. It is found after a crash, and in an
 *	                      inner hypervisor's memory, by its magic.
 *	rings                 one per real CPU; events flow out
 *	mailbox               one command at a time flows in
 *	pipes                 byte streams: console and GDB, each way
 *
 *	ring of slots, 64 bytes each
 *	+--------+--------+--------+------------------+------------------+
 *	| stamp  | seq    | clock  | cause id site .. | payload, 24 bytes|
 *	+--------+--------+--------+------------------+------------------+
 *	| stamp  | payload, the next 56 bytes                            |
 *	+--------+-------------------------------------------------------+
 *
 * A slot's stamp is its position in the ring's whole history plus one, stored
 * last (release) by the writer. A reader that expects position p and finds the
 * stamp p + 1 may read the slot; it reads the stamp again afterwards. A larger
 * stamp means that it was overtaken: events are lost there.
 *
 * Back-pressure. The reader stores how far it has read (tail). The writer
 * looks at it only between operations, and after each event of a snapshot, which
 * may be longer than the ring: if few slots are free it waits, at most
 * two seconds, then goes lossy, overwriting what was not read. In the
 * deterministic machine (CH_FLAG_DETERMINISTIC) it never looks; there the host
 * stops the whole machine while it reads.
 *
 * Physical addresses in here are the hypervisor's own (hpa); for the file
 * offset of an address above the PCI hole see ch_file_offset().
 */
#ifndef CHANNEL_CHANNEL_H
#define CHANNEL_CHANNEL_H

#include <stdatomic.h>
#include "mmu/types.h"

#define CH_MAGIC	0x31656e6972746976ull	/* "vitrine1" */
#define CH_VERSION	1

/* Where the header lies in the svm image: this far behind the image's start,
 * which is at 1 MiB. A file of the sim begins with the header. */
#define CH_IMAGE_BASE	0x100000ull
#define CH_HEADER_OFFSET 0x1000ull

#define CH_SLOT_SIZE	64
#define CH_MAX_RINGS	16
#define CH_FIRST_PAYLOAD 24
#define CH_NEXT_PAYLOAD	56
#define CH_MAX_PAYLOAD	1024

/* First slot of an event. */
struct ch_slot {
	_Atomic u64 stamp;
	u64 seq;	/* number of the event, 1.. , across all rings; replay order */
	u64 clock;	/* TSC; in the sim, operations */
	u32 cause;	/* seq minus the seq of its cause; 0: it has none */
	u16 id;
	u16 site;	/* 0xffff: none */
	u8 vm;
	u8 level;	/* of the guest it is about: 1 under the outermost hypervisor */
	u8 vcpu;	/* 0xff: none */
	u8 flags;	/* CH_EV_ */
	u16 len;	/* bytes of payload */
	u16 zero;
	u8 payload[CH_FIRST_PAYLOAD];
};

/* A further slot of a long event. */
struct ch_more {
	_Atomic u64 stamp;
	u8 payload[CH_NEXT_PAYLOAD];
};

_Static_assert(sizeof(struct ch_slot) == CH_SLOT_SIZE, "a slot is a cache line");
_Static_assert(sizeof(struct ch_more) == CH_SLOT_SIZE, "a slot is a cache line");

#define CH_EV_SYNTHETIC	1u	/* restates what is, in a snapshot; nothing happened */

/* Slots that an event with this payload takes. */
static inline unsigned ch_slots(unsigned len)
{
	return len <= CH_FIRST_PAYLOAD
		       ? 1
		       : 1 + (len - CH_FIRST_PAYLOAD + CH_NEXT_PAYLOAD - 1) / CH_NEXT_PAYLOAD;
}

struct ch_ring {
	u64 hpa;		/* of the first slot */
	u32 nr_slots;		/* a power of two */
	u32 zero;
	_Atomic u64 head;	/* position of the next slot to be written */
	_Atomic u64 tail;	/* stored by the reader: all before it has been read */
	_Atomic u64 lost;	/* events the writer dropped or overwrote unread */
};

/* A byte pipe: one writer, one reader, positions count bytes for ever. */
struct ch_pipe {
	u64 hpa;
	u32 size;		/* a power of two */
	u32 zero;
	_Atomic u64 head;	/* stored by the writer */
	_Atomic u64 tail;	/* stored by the reader */
	_Atomic u32 open;	/* GDB pipes, stored by the host: odd while a debugger is
				 * connected, another number for each connection */
	u32 zero2;
};

enum ch_pipe_id {
	CH_CONSOLE_OUT,	/* what the guest writes to its first serial port */
	CH_CONSOLE_IN,
	CH_GDB_OUT,	/* stub to debugger */
	CH_GDB_IN,
	CH_NR_PIPES
};

/* The mailbox. The host fills it, then stores state POSTED (release) and rings
 * the doorbell; the hypervisor takes it and stores FREE. */
enum { CH_MAIL_FREE, CH_MAIL_POSTED };

struct ch_mail {
	_Atomic u32 state;
	u32 ticket;	/* the host's number for this command, never 0 */
	u16 command;	/* of command.def */
	u16 len;	/* bytes of data */
	u32 zero;
	u64 arg[4];
	u8 data[4096];
};

#define CH_FLAG_DETERMINISTIC	1u	/* instruction-counting clock; reads nothing but the doorbell */
#define CH_FLAG_PANIC		2u	/* the hypervisor is in its panic loop */

struct ch_header {
	u64 magic;
	u32 version;
	u32 size;		/* of this struct */
	u64 self_hpa;
	u32 event_hash;		/* ev_table_hash() */
	_Atomic u32 flags;
	u64 image_end_hpa;
	_Atomic u64 seq;	/* number of the last event */
	_Atomic u32 reader;	/* the host stores 1 while somebody reads: waiting is allowed */
	u32 nr_rings;
	struct ch_ring ring[CH_MAX_RINGS];
	struct ch_pipe pipe[CH_NR_PIPES];
	struct ch_mail mail;
};

_Static_assert(sizeof(struct ch_header) <= 0x2000, "the header has two pages");

/* Doorbell bytes on COM2 (the sim: a function call). */
#define CH_BELL_MAIL	'm'	/* a command is in the mailbox */
#define CH_BELL_CONSOLE	'c'	/* console input */
#define CH_BELL_GDB	'g'	/* GDB input, or connect and disconnect */

/*
 * Where physical address hpa lies in the file behind a machine's RAM: QEMU's
 * `pc` puts what is above the PCI hole (3 GiB) at 4 GiB.
 */
static inline u64 ch_file_offset(u64 hpa)
{
	return hpa >= (4ull << 30) ? hpa - (1ull << 30) : hpa;
}

#endif
