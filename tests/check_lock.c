/* SPDX-License-Identifier: MIT */
/* The library's locks between real threads. */
#include "mmu/lock.h"
#include "tests/fake_env.h"

#define THREADS 4
#define ROUNDS	20000

struct arena {
	struct fake fake;
	struct rw_lock rw;
	struct spin_lock spin;
	u64 a, b;		/* equal whenever nobody writes; plain on purpose */
	_Atomic u32 readers, most_readers, torn;
	_Atomic bool stop;
};

static void run_threads(struct arena *arena, void *(*body)(void *), unsigned nr)
{
	pthread_t thread[THREADS];

	for (unsigned i = 0; i < nr; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, body, arena), 0);
	for (unsigned i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
}

static void *spin_body(void *arg)
{
	struct arena *arena = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		spin_lock(&arena->fake.env, &arena->spin);
		arena->a++;
		spin_unlock(&arena->spin);
	}
	return NULL;
}

START_TEST(a_spin_lock_lets_one_in)
{
	static struct arena arena;

	fake_init(&arena.fake);
	run_threads(&arena, spin_body, THREADS);
	ck_assert_uint_eq(arena.a, (u64)THREADS * ROUNDS);
	fake_fini(&arena.fake);
}
END_TEST

static void write_once(struct arena *arena)
{
	rw_write_lock(&arena->fake.env, &arena->rw);
	if (arena->readers || !rw_is_write_locked(&arena->rw))
		arena->torn++;
	arena->a++;
	arena->b++;
	rw_write_unlock(&arena->rw);
}

static void read_once(struct arena *arena)
{
	rw_read_lock(&arena->fake.env, &arena->rw);
	arena->readers++;
	if (arena->a != arena->b || rw_is_write_locked(&arena->rw) || !rw_is_read_locked(&arena->rw))
		arena->torn++;
	arena->readers--;
	rw_read_unlock(&arena->rw);
}

static void *rw_body(void *arg)
{
	struct arena *arena = arg;

	for (unsigned i = 0; i < ROUNDS; i++)
		if (i % 8 == 0)
			write_once(arena);
		else
			read_once(arena);
	return NULL;
}

START_TEST(readers_never_see_half_a_write)
{
	static struct arena arena;

	fake_init(&arena.fake);
	run_threads(&arena, rw_body, THREADS);
	ck_assert_uint_eq(arena.torn, 0);
	ck_assert_uint_eq(arena.a, (u64)THREADS * ROUNDS / 8);
	ck_assert(!rw_is_write_locked(&arena.rw) && !rw_is_read_locked(&arena.rw));
	fake_fini(&arena.fake);
}
END_TEST

/* Always one more reader before the last one leaves. */
static void *chain_body(void *arg)
{
	struct arena *arena = arg;

	while (!arena->stop)
		read_once(arena);
	return NULL;
}

START_TEST(a_stream_of_readers_does_not_starve_a_writer)
{
	static struct arena arena;
	pthread_t thread[THREADS];

	fake_init(&arena.fake);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, chain_body, &arena), 0);
	for (unsigned i = 0; i < 200; i++)
		write_once(&arena);
	arena.stop = true;
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(arena.a, 200);
	ck_assert_uint_eq(arena.torn, 0);
	fake_fini(&arena.fake);
}
END_TEST

static jmp_buf kept_out;

static void reader_relaxes(struct fake *fake)
{
	(void)fake;
	longjmp(kept_out, 1);
}

/* The writer waits: a new reader must wait, too, though only readers are in. */
static void drop_read(struct fake *fake)
{
	struct arena *arena = fake->hook_arg;

	fake->on_relax = reader_relaxes;
	if (!setjmp(kept_out)) {
		rw_read_lock(&fake->env, &arena->rw);
		ck_abort_msg("a reader overtook a waiting writer");
	}
	fake->on_relax = NULL;
	rw_read_unlock(&arena->rw);
}

START_TEST(a_waiting_writer_waits_by_relaxing_and_keeps_new_readers_out)
{
	static struct arena arena;

	fake_init(&arena.fake);
	arena.fake.hook_arg = &arena;
	rw_read_lock(&arena.fake.env, &arena.rw);
	arena.fake.on_relax = drop_read;
	rw_write_lock(&arena.fake.env, &arena.rw);
	ck_assert_uint_eq(arena.fake.relaxes, 2);
	ck_assert(rw_is_write_locked(&arena.rw));
	rw_write_unlock(&arena.rw);
	ck_assert_uint_eq(arena.rw.word, 0);
	fake_fini(&arena.fake);
}
END_TEST

TAP_MAIN("lock",
	 a_spin_lock_lets_one_in,
	 readers_never_see_half_a_write,
	 a_stream_of_readers_does_not_starve_a_writer,
	 a_waiting_writer_waits_by_relaxing_and_keeps_new_readers_out)
