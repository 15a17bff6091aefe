/* SPDX-License-Identifier: MIT */
/* A tiny machine that emits events into a shared file. */
#define _GNU_SOURCE
#include "tests/tui/fake.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "mmu/mmu.h"
#include "tui/parse.h"

#define PIPE_SIZE 256u

static u64 clock_of(void *ctx)
{
	return ((struct fake *)ctx)->clock += 10;
}

static unsigned cpu_of(void *ctx)
{
	return ((struct fake *)ctx)->cpu;
}

static u64 take(struct fake *fake, u64 bytes)
{
	u64 hpa = fake->next;

	fake->next += (bytes + PAGE_SIZE - 1) & PAGE_MASK;
	ck_assert(fake->next <= fake->size);
	return hpa;
}

void fake_open(struct fake *fake, unsigned nr_rings, u32 nr_slots)
{
	memset(fake, 0, sizeof(*fake));
	fake->size = 0x4000 + (u64)nr_rings * (nr_slots * CH_SLOT_SIZE + PAGE_SIZE) +
		     CH_NR_PIPES * PAGE_SIZE;
	fake->fd = memfd_create("fake", MFD_CLOEXEC);
	ck_assert_int_ge(fake->fd, 0);
	ck_assert_int_eq(ftruncate(fake->fd, fake->size), 0);
	fake->memory = mmap(NULL, fake->size, PROT_READ | PROT_WRITE, MAP_SHARED, fake->fd, 0);
	ck_assert(fake->memory != MAP_FAILED);
	fake->next = 0x2000;
	fake->em = (struct ch_emitter){ .direct_map = fake->memory, .clock = clock_of,
					.cpu = cpu_of, .ctx = fake, .level = 1 };
	ch_init(&fake->em, (struct ch_header *)fake->memory, 0, 0);
	for (unsigned i = 0; i < nr_rings; i++)
		ch_add_ring(&fake->em, take(fake, nr_slots * CH_SLOT_SIZE), nr_slots);
	for (unsigned i = 0; i < CH_NR_PIPES; i++)
		ch_add_pipe(&fake->em, i, take(fake, PIPE_SIZE), PIPE_SIZE);
}

void fake_close(struct fake *fake)
{
	munmap(fake->memory, fake->size);
	close(fake->fd);
}

void fake_history(struct fake *fake)
{
	struct ch_emitter *em = &fake->em;
	u64 exit;

	hv_emit_tail(em, MMU_NO_VCPU, boot, "0.1", 3, CH_MACHINE_SVM, 1, 1, 1000000);
	hv_emit(em, MMU_NO_VCPU, mmu_config, MMU_MODE_SHADOW, 1, 4, 40);
	hv_emit(em, MMU_NO_VCPU, slot_create, 0, 0, 0, 0x1000, 0x2000000, 0);
	hv_emit(em, MMU_NO_VCPU, slot_generation, 0, 1);
	exit = hv_emit_tail(em, 0, exit, "\x0f\xa2", 2, CH_EXIT_fault, 0x4e, 6, 0x403000, 0x1000);
	ch_set_cause(em, exit);
	hv_emit(em, 0, mmu_role, 0x3002, 1, 0x3003, MMU_CONTEXT_root);
	hv_emit(em, 0, sp_new, 1, 0, 0x3003, 0x1000000, MODEL_SP_SPECIAL);
	hv_emit(em, 0, root_set, 0, 1, 0x1000000, 0x101000, MMU_CONTEXT_root);
	hv_emit(em, 0, sp_new, 2, 0x101, 0x3712, 0x1001000, 0);
	hv_emit(em, 0, track_add, 0, 0x101, 1);
	hv_emit(em, 0, spte_set, 1, 0, 3, 0, 0, 0x1001801);
	hv_emit(em, 0, sp_link, 1, 0, 2);
	hv_emit(em, 0, spte_set, 2, 5, 2, 0x2000, 0, 0x2e00c67);
	hv_emit(em, 0, rmap_add, 0, 0x2000, 1, 2, 5);
	hv_emit(em, 0, flush_request, 3, 0x2000, 1);
	ch_set_cause(em, 0);
	hv_emit_tail(em, 0, console, "hello\n", 6);
}

char *fake_file(const char *path)
{
	const char *srcdir = getenv("srcdir");
	char full[4096], *text;
	long len;
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", srcdir ? srcdir : ".", path);
	file = fopen(full, "rb");
	if (!file)
		ck_abort_msg("cannot open %s", full);
	fseek(file, 0, SEEK_END);
	len = ftell(file);
	rewind(file);
	text = calloc(1, len + 1);
	ck_assert_int_eq(fread(text, 1, len, file), len);
	fclose(file);
	return text;
}

struct timeline *fake_timeline(const struct schema *schema, const char *path)
{
	struct timeline *tl = timeline_new(schema);
	char *text = fake_file(path);
	const char *why = "";
	unsigned line = parse_events(text, tl, &why);

	if (line)
		ck_abort_msg("%s:%u: %s", path, line, why);
	free(text);
	return tl;
}
