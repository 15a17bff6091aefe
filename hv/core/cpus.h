/* SPDX-License-Identifier: MIT */
/*
 * The real CPUs, and the lock that all of the core runs under.
 *
 * vCPU i belongs to real CPU i modulo their number; there it runs, and nowhere else.
 * Whoever is in the core holds the lock. It is given up
 *
 *   away      while a vCPU is in the guest, or the MMU looks for what a fault wants:
 *             the library has locks of its own
 *   asleep    while a CPU has nothing to do
 *
 * A kick is an interrupt for a real CPU: one in the guest leaves it, one that sleeps
 * wakes; for any other it is nothing. So whoever changes, under the lock, what a vCPU
 * of another CPU would do next, kicks that CPU. A flush of the library kicks, too, and
 * waits until the other vCPU is out of the guest: that needs no lock, so it may be
 * waited for under any.
 *
 *	one turn of a vCPU, on its CPU        |  gathering, on another
 *	                                      |
 *	[lock]  prepare, mmu_enter            |
 *	 away   guest                        <--- kick
 *	        mmu_leave                     |   waits, and gives the lock up to let
 *	[lock]  the exit is handled           |   turns be ended
 *	        between two turns: asleep    ---> all stand between two turns
 */
#ifndef HV_CORE_CPUS_H
#define HV_CORE_CPUS_H

#include <stdatomic.h>
#include "hv/core/platform.h"

struct vm;

struct cpus_one {
	_Atomic bool away; /* without the lock, for a vCPU */
	bool busy;         /* in a turn of a vCPU */
	bool kicked;       /* since it went away; by who gathers */
	u8 current;        /* the vCPU that had the last turn */
	u64 slice_end;     /* when others of this CPU have their turn, if they want it */
	u64 deadline;      /* it left the core until this clock at most */
};

struct cpus {
	_Atomic bool locked;
	_Atomic bool over;           /* a panic: nobody goes on */
	bool gathered;               /* by: nobody else begins a turn */
	unsigned gatherer;
	struct cpus_one one[PLATFORM_MAX_CPUS];
};

/* The lock is held by the CPU that makes the VM, until it first sleeps or is away. */
void cpus_init(struct vm *vm);

/* The number of the CPU this runs on, and its part. Any context. */
unsigned cpus_self(const struct vm *vm);
struct cpus_one *cpus_this(struct vm *vm);

/* context: interrupts on, or off for one who goes away next. Does not return after a
 * panic elsewhere. */
void cpus_lock(struct vm *vm);
void cpus_unlock(struct vm *vm);

/* Gives the lock up, away; and has it again. context: in a turn */
void cpus_leave(struct vm *vm);
void cpus_return(struct vm *vm);

/* Sleeps without the lock until a kick, another interrupt or the deadline. A kick since
 * the lock was last taken is not lost. context: between two turns */
void cpus_wait(struct vm *vm, u64 deadline);

/* A CPU, if it is not this one; all others. context: holding the lock */
void cpus_kick(struct vm *vm, unsigned cpu);
void cpus_kick_all(struct vm *vm);

/*
 * On return every other CPU stands between two turns, until cpus_release(): nothing
 * runs, no operation of the MMU is under way. Meanwhile others may have been first: what
 * was true before needs another look.
 *
 *   context  between two turns, holding the lock, which is given up in between
 */
void cpus_gather(struct vm *vm);
void cpus_release(struct vm *vm);

/* While another CPU gathers: stands here. context: between two turns */
void cpus_stand(struct vm *vm);

/* One turn of any waiting loop. */
void cpus_relax(struct vm *vm);

/* Our own bug: the others come to rest where they next touch the core. The lock is
 * not needed any more. */
void cpus_end(struct vm *vm);

#endif
