/* SPDX-License-Identifier: MIT */
/*
 * A pretended machine for the core: a script stands for the guest and says why it
 * was left; the reader of the channel reads when it is waited for.
 */
#ifndef TESTS_FAKE_MACHINE_H
#define TESTS_FAKE_MACHINE_H

#include "hv/core/vcpu.h"
#include "tests/tap.h"

#define RAM        (32ull << 20)
#define PIPES_HPA  0x200000u

/* In the paged guest (make_paged). */
#define CODE_GPA  0x1000u
#define DATA_GPA  0x3000u
#define PD_GPA    0x10000u
#define PT_GPA    0x11000u
#define OTHER_GPA 0x12000u

extern struct ch_emitter em;
extern struct vm vm;
extern struct platform platform;
extern u64 now;            /* ns; each look at the clock takes 1 us */
extern bool reading;       /* the reader keeps up when it is waited for */
extern u64 events[0x200];  /* by id, of those read */
extern u64 lost;           /* slots overwritten before they were read */
extern unsigned rounds;    /* runs of the guest and sleeps */

/* The guest. The exit is CH_EXIT_intr unless it says something else. */
extern void (*script)(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit);
extern void (*on_wait)(void); /* the machine has nothing to do; NULL: it sleeps */

struct ch_header *header(void);
void read_ring(void);

/* A machine with one guest, in flat protected mode at CODE_GPA; and its end. */
void make(enum mmu_mode mode, unsigned nr_vcpus, bool huge);
void finish(void);

/* One with 4 MiB mapped as they are under shadow paging, by two-level tables which
 * lie in them, incl [DATA_GPA] at RIP; and another address space used before. */
void make_paged(void);

/* Puts code where RIP is. */
/* Whether the CPU has one; after make() it has. */
void choose_long_mode(bool has_long_mode);

void put_code(const u8 *code, size_t n);

/* Gives vCPU 0 a root. */
void enter_once(void);

#endif
