/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the stub: what a command handler gets, gives and may
 * use. Not for others.
 */
#ifndef HV_GDB_STUB_I_H
#define HV_GDB_STUB_I_H

#include "hv/gdb/stub.h"
#include "hv/gdb/text.h"

/* In a thread id, in either part: any one, every one. */
#define GDB_TID_ANY	0u
#define GDB_TID_ALL	UINT32_MAX

/* Memory looked at for one qSearch or qCRC: GDB waits two seconds. */
#define GDB_SCAN_MAX	(64ull << 20)
#define GDB_PATTERN_MAX 256

enum gdb_answer {
	GDB_ANSWER, /* `reply` is sent, an empty one too: "not supported" */
	GDB_SILENT, /* nothing is sent now */
};

/*
 * `args` is what follows the prefix; its bytes may be overwritten. `reply` is
 * empty, in stub->reply.
 */
typedef enum gdb_answer (*gdb_handler_t)(struct gdb_stub *stub, struct gdb_scan *args,
					 struct gdb_buf *reply);

#define GDB_CMD(prefix, handler, flags, sentence)                             \
	enum gdb_answer handler(struct gdb_stub *stub, struct gdb_scan *args, \
				struct gdb_buf *reply);
#include "hv/gdb/cmd.def"

/* OK, E and a number, or nothing for GDB_UNSUPPORTED. */
enum gdb_answer gdb_answer_status(struct gdb_buf *reply, enum gdb_status status);

/* Asks the target to stop the guest, once, and only if it runs. */
void gdb_stub_interrupt(struct gdb_stub *stub);

/* Sends reply[0, len) of the stub. */
void gdb_stub_send(struct gdb_stub *stub, size_t len);

/* Sends the stop reply for stub->last. */
void gdb_stub_send_stop(struct gdb_stub *stub);

/* The index-th thread this GDB can name: without multiprocess, of pid 1 only. */
bool gdb_thread_at(struct gdb_stub *stub, unsigned int index, struct gdb_tid *thread);
/* Whether `thread` is one that `id`, which may say any or all, speaks of. */
bool gdb_thread_match(struct gdb_tid id, struct gdb_tid thread);
/* The first thread that matches `id`. */
bool gdb_thread_find(struct gdb_stub *stub, struct gdb_tid id, struct gdb_tid *thread);
/* TID, pPID or pPID.TID. */
bool gdb_scan_tid(struct gdb_scan *scan, struct gdb_tid *id);
void gdb_put_tid(struct gdb_stub *stub, struct gdb_buf *buf, struct gdb_tid thread);

/* The documents of qXfer. */
void gdb_describe_target(struct gdb_buf *buf);
void gdb_describe_memory(struct gdb_stub *stub, struct gdb_buf *buf);
void gdb_describe_threads(struct gdb_stub *stub, struct gdb_buf *buf);

#endif
