/* SPDX-License-Identifier: MIT */
/*
 * Page by page: where it is, then what stands there.
 */
#include "hv/core/look.h"

#include "hv/core/vcpu.h"

#include <string.h>

#define LOOK_CHUNK 256u

static bool look_translate(struct vcpu *v, enum ch_space space, u64 addr, gpa_t *gpa)
{
	struct mmu_walk walk;

	if (space == CH_GPA) {
		*gpa = addr;
		return true;
	}
	/* SMAP does not keep a tool from what the user can see. */
	if (!mmu_walk(v->walk_mmu, addr, 0, &walk) && !mmu_walk(v->walk_mmu, addr, PFERR_USER, &walk))
		return false;
	*gpa = walk.gpa;
	return true;
}

/* Up to the end of the page or of a chunk. */
static size_t look_piece(gpa_t gpa, size_t len)
{
	size_t n = PAGE_SIZE - (gpa & ~PAGE_MASK);

	n = n < LOOK_CHUNK ? n : LOOK_CHUNK;
	return n < len ? n : len;
}

size_t look_read(struct vcpu *v, enum ch_space space, u64 addr, void *buf, size_t len)
{
	size_t done = 0;
	gpa_t gpa;

	vcpu_sync_mmu(v);
	while (done < len && look_translate(v, space, addr + done, &gpa)) {
		size_t n = look_piece(gpa, len - done);
		size_t got = mmu_vcpu_read(v->mmu, gpa, (u8 *)buf + done, n);

		debug_hide(v->vm, gpa, (u8 *)buf + done, got);
		done += got;
		if (got < n)
			break;
	}
	return done;
}

size_t look_write(struct vcpu *v, enum ch_space space, u64 addr, const void *buf, size_t len)
{
	u8 copy[LOOK_CHUNK]; /* with our breakpoints in it */
	size_t done = 0;
	gpa_t gpa;

	vcpu_sync_mmu(v);
	while (done < len && look_translate(v, space, addr + done, &gpa)) {
		size_t n = look_piece(gpa, len - done), got;

		memcpy(copy, (const u8 *)buf + done, n);
		debug_keep(v->vm, gpa, copy, n);
		got = mmu_vcpu_write(v->mmu, gpa, copy, n);
		done += got;
		if (got < n)
			break;
	}
	return done;
}
