/* SPDX-License-Identifier: MIT */
/* Waiting locks on one atomic word each. */
#include "mmu/lock.h"

#define RW_WRITER	(1u << 31)
#define RW_WAITING	(1u << 30)
#define RW_READERS	(RW_WAITING - 1)

/* A waiting writer keeps new readers out, or readers could starve it. */
static bool rw_try_read(struct rw_lock *lock)
{
	u32 word = atomic_load_explicit(&lock->word, memory_order_relaxed);

	return !(word & (RW_WRITER | RW_WAITING)) &&
	       atomic_compare_exchange_weak_explicit(&lock->word, &word, word + 1,
						     memory_order_acquire, memory_order_relaxed);
}

void rw_read_lock(const struct mmu_env *env, struct rw_lock *lock)
{
	while (!rw_try_read(lock))
		env->relax(env->ctx);
}

void rw_read_unlock(struct rw_lock *lock)
{
	atomic_fetch_sub_explicit(&lock->word, 1, memory_order_release);
}

/* Taking the lock clears the mark of all waiting writers; those that still wait
 * set it again at their next turn. */
static bool rw_try_write(struct rw_lock *lock)
{
	u32 word = atomic_load_explicit(&lock->word, memory_order_relaxed);

	return !(word & (RW_WRITER | RW_READERS)) &&
	       atomic_compare_exchange_weak_explicit(&lock->word, &word, RW_WRITER,
						     memory_order_acquire, memory_order_relaxed);
}

void rw_write_lock(const struct mmu_env *env, struct rw_lock *lock)
{
	while (!rw_try_write(lock)) {
		atomic_fetch_or_explicit(&lock->word, RW_WAITING, memory_order_relaxed);
		env->relax(env->ctx);
	}
}

void rw_write_unlock(struct rw_lock *lock)
{
	atomic_fetch_and_explicit(&lock->word, ~RW_WRITER, memory_order_release);
}

bool rw_is_read_locked(const struct rw_lock *lock)
{
	return atomic_load_explicit(&lock->word, memory_order_relaxed) & RW_READERS;
}

bool rw_is_write_locked(const struct rw_lock *lock)
{
	return atomic_load_explicit(&lock->word, memory_order_relaxed) & RW_WRITER;
}

void spin_lock(const struct mmu_env *env, struct spin_lock *lock)
{
	while (atomic_exchange_explicit(&lock->word, 1, memory_order_acquire))
		env->relax(env->ctx);
}

void spin_unlock(struct spin_lock *lock)
{
	atomic_store_explicit(&lock->word, 0, memory_order_release);
}
