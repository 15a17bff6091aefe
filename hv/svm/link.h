/* SPDX-License-Identifier: MIT */
/*
 * This machine's end of the debug channel: the header in the image, rings and
 * pipes in RAM, and the messages that go both to the boot log and into the
 * event stream.
 */
#ifndef HV_SVM_LINK_H
#define HV_SVM_LINK_H

#include "hv/channel/emit.h"
#include "hv/core/pages.h"

/* The emitter; usable after link_init(). */
extern struct ch_emitter link_emitter;

/* Slots of a ring: 4 MiB per CPU. */
#define LINK_RING_SLOTS 65536u
#define LINK_PIPE_SIZE  65536u

/*
 * Makes the rings and pipes and publishes the header. deterministic: the
 * machine counts instructions; nothing but the doorbell may be read.
 *
 *   context   boot CPU, once; panics if there is no memory
 */
void link_init(struct pages *pages, unsigned nr_cpus, bool deterministic);

/* Whether link_init() has been done. */
bool link_up(void);

/* One line, without newline: to the boot log, and as event `log`. */
void link_log(const char *f, ...) __attribute__((format(printf, 1, 2)));

#endif
