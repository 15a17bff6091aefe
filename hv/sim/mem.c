/* SPDX-License-Identifier: MIT */
/* The simulated machine's memory and who owns which page of it. */
#include "hv/sim/mem.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER_BYTES	0x2000ull
#define RING_SLOTS	0x10000u
#define PIPE_BYTES	0x4000u

_Static_assert(sizeof(struct ch_header) <= HEADER_BYTES, "the header fits in front");

static const char *map_memory(struct sim_mem *mem, const char *path)
{
	int flags = MAP_SHARED | MAP_NORESERVE;

	mem->fd = -1;
	if (path) {
		mem->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (mem->fd < 0)
			return "open";
		if (ftruncate(mem->fd, mem->size)) {
			close(mem->fd);
			return "ftruncate";
		}
	} else {
		flags |= MAP_ANONYMOUS;
	}
	mem->base = mmap(NULL, mem->size, PROT_READ | PROT_WRITE, flags, mem->fd, 0);
	if (mem->base != MAP_FAILED)
		return NULL;
	if (mem->fd >= 0)
		close(mem->fd);
	return "mmap";
}

const char *sim_mem_open(struct sim_mem *mem, const char *path, u64 bytes)
{
	hpa_t at = HEADER_BYTES;
	const char *failed;

	memset(mem, 0, sizeof(*mem));
	mem->ring_hpa = at;
	mem->ring_slots = RING_SLOTS;
	at += (u64)RING_SLOTS * CH_SLOT_SIZE;
	mem->pipe_size = PIPE_BYTES;
	for (unsigned i = 0; i < CH_NR_PIPES; i++, at += PIPE_BYTES)
		mem->pipe_hpa[i] = at;
	mem->first = mem->low = at;
	mem->size = mem->high = at + bytes;
	mem->owned = calloc(mem->size >> PAGE_SHIFT, 1);
	mem->spare = calloc(mem->size >> PAGE_SHIFT, sizeof(*mem->spare));
	failed = mem->owned && mem->spare ? map_memory(mem, path) : "malloc";
	if (failed) {
		free(mem->owned);
		free(mem->spare);
	}
	return failed;
}

void sim_mem_close(struct sim_mem *mem)
{
	munmap(mem->base, mem->size);
	if (mem->fd >= 0)
		close(mem->fd);
	free(mem->owned);
	free(mem->spare);
	memset(mem, 0, sizeof(*mem));
}

static bool refuse(struct sim_mem *mem)
{
	if (!mem->fail_in || --mem->fail_in)
		return false;
	mem->refused++;
	return true;
}

hpa_t sim_mem_page(struct sim_mem *mem)
{
	hpa_t page_hpa;

	if (refuse(mem))
		return HPA_INVALID;
	if (mem->nr_spare) {
		page_hpa = mem->spare[--mem->nr_spare] << PAGE_SHIFT;
		memset(mem->base + page_hpa, 0, PAGE_SIZE);
	} else if (mem->low < mem->high) {
		page_hpa = mem->low;
		mem->low += PAGE_SIZE;
	} else {
		return HPA_INVALID;
	}
	mem->owned[page_hpa >> PAGE_SHIFT] = 1;
	mem->pages_out++;
	return page_hpa;
}

void sim_mem_page_free(struct sim_mem *mem, hpa_t page_hpa)
{
	if (page_hpa & ~PAGE_MASK || page_hpa < mem->first || page_hpa >= mem->size ||
	    !mem->owned[page_hpa >> PAGE_SHIFT]) {
		mem->misuse = "a page was given back that was not handed out";
		return;
	}
	mem->owned[page_hpa >> PAGE_SHIFT] = 0;
	mem->pages_out--;
	memset(mem->base + page_hpa, SIM_MEM_FREED & 0xff, PAGE_SIZE);
	mem->spare[mem->nr_spare++] = page_hpa >> PAGE_SHIFT;
}

hpa_t sim_mem_block(struct sim_mem *mem, u64 bytes, u64 align)
{
	hpa_t block_hpa;

	if (bytes > mem->high - mem->low)
		return HPA_INVALID;
	block_hpa = (mem->high - bytes) & ~(align - 1);
	if (block_hpa < mem->low)
		return HPA_INVALID;
	mem->high = block_hpa;
	return block_hpa;
}
