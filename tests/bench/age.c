/* SPDX-License-Identifier: MIT */
/*
 * How fast it is asked which of a GiB's frames were used: by bitmap, and one by one.
 * Frames a second, the median of several rounds; before each all of them were used, or
 * none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include "mmu/age.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

#define FRAMES	(1u << 18)
#define ROUNDS	5

/* hpa 0 .. RAM_HPA: pages of the library. Nothing touches the guest's memory. */
#define RAM_HPA	(1ull << 30)

static struct mmu_env env;
static struct mmu_vm *vm;
static hpa_t next_hpa;

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: age: %s\n", what);
	exit(1);
}

/* ---- the host ------------------------------------------------------------------ */

static hpa_t page_alloc(void *ctx)
{
	(void)ctx;
	next_hpa += PAGE_SIZE;
	return next_hpa < RAM_HPA ? next_hpa : HPA_INVALID;
}

static void page_free(void *ctx, hpa_t page_hpa)
{
	(void)ctx;
	(void)page_hpa;
}

static void kick(void *ctx, u8 vcpu)
{
	(void)ctx;
	(void)vcpu;
}

static void relax(void *ctx)
{
	(void)ctx;
}

static void __attribute__((noreturn)) panic(void *ctx, const char *file, u32 line,
					    const char *text, u64 a, u64 b)
{
	(void)ctx;
	fprintf(stderr, "%s:%u: %s (0x%llx, 0x%llx)\n", file, line, text, (unsigned long long)a,
		(unsigned long long)b);
	exit(1);
}

static void open_host(void)
{
	u8 *base = mmap(NULL, RAM_HPA, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	require(base != MAP_FAILED, "no memory");
	env = (struct mmu_env){ .direct_map = base, .page_alloc = page_alloc,
				.page_free = page_free, .kick = kick, .relax = relax,
				.panic = panic };
	next_hpa = 0;
}

/* ---- what is measured ------------------------------------------------------------ */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* The guest has used all its memory. */
static void use_all(void)
{
	for (struct sp *sp = sp_next(vm, NULL); sp; sp = sp_next(vm, sp))
		for (unsigned i = 0; i < PT_ENTRIES; i++) {
			spte_t *sptep = sp_entry(vm, sp, i);

			if (spte_is_leaf(sptep->raw, sp->role.level))
				sptep->raw |= SPTE_A;
		}
}

static u64 young[MMU_AGE_WORDS(FRAMES)], known[MMU_AGE_WORDS(FRAMES)];

static void by_bitmap(void)
{
	const struct mmu_age_bitmap bitmap = { young, known };

	mmu_age_bitmap(vm, 0, 0, FRAMES, &bitmap);
}

static void one_by_one(void)
{
	for (gfn_t gfn = 0; gfn < FRAMES; gfn++)
		(void)mmu_age_gfn(vm, 0, gfn);
}

static int by_value(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

/* Frames a second, in millions. */
static double rate(void (*ask)(void), bool used)
{
	double seconds[ROUNDS], begin;

	for (unsigned i = 0; i < ROUNDS; i++) {
		by_bitmap();
		if (used)
			use_all();
		begin = now();
		ask();
		seconds[i] = now() - begin;
	}
	qsort(seconds, ROUNDS, sizeof(seconds[0]), by_value);
	return FRAMES / seconds[ROUNDS / 2] / 1e6;
}

static void row(const char *name, bool used)
{
	double bitmap = rate(by_bitmap, used), single = rate(one_by_one, used);

	printf("%-22s %-8s %10.1f %12.2f %9.0f\n", name, used ? "all" : "none", bitmap, single,
	       bitmap / single);
}

static void measure(const char *name, enum mmu_mode mode, bool huge)
{
	const struct mmu_config config = { .mode = mode, .nr_vcpus = 1, .tdp_level = 4,
					   .maxphyaddr = 48 };
	struct mmu_vcpu *vcpu = NULL;
	struct mmu_entry entry;
	struct mmu_fault fault;

	open_host();
	require(mmu_vm_create(&env, &config, &vm) == MMU_OK &&
		mmu_vcpu_create(vm, 0, &vcpu) == MMU_OK &&
		mmu_set_knob(vm, MMU_KNOB_huge, huge) == MMU_OK &&
		mmu_slot_create(vm, 0, 0, 0, FRAMES, RAM_HPA, 0) == MMU_OK &&
		mmu_enter(vcpu, &entry) == MMU_OK, "no machine");
	mmu_leave(vcpu);
	for (gfn_t gfn = 0; gfn < FRAMES; gfn++)
		require(mmu_fault(vcpu, gfn << PAGE_SHIFT, PFERR_USER, &fault) != MMU_NO_MEMORY,
			"no memory for tables");
	row(name, true);
	row(name, false);
	mmu_vm_destroy(vm);
	munmap(env.direct_map, RAM_HPA);
}

int main(void)
{
	printf("million frames a second     used       bitmap   one by one   quotient\n");
	measure("TDP, 4 KiB", MMU_MODE_TDP, false);
	measure("TDP, 2 MiB and 1 GiB", MMU_MODE_TDP, true);
	measure("shadow, 4 KiB", MMU_MODE_SHADOW, false);
	return 0;
}
