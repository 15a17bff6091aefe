/* SPDX-License-Identifier: MIT */
/*
 * Taking a bundle apart.
 */
#include "hv/core/bundle.h"

#include <string.h>

const char *bundle_open(struct load_image *l)
{
	struct bundle_header h;
	u64 second;

	if (l->size < PAGE_SIZE || memcmp(l->image, BUNDLE_MAGIC, sizeof(h.magic)))
		return NULL;
	memcpy(&h, l->image, sizeof(h));
	if (h.size[0] > l->size - PAGE_SIZE)
		return "the bundle of guest and initrd is cut off";
	second = PAGE_SIZE + ((h.size[0] + PAGE_SIZE - 1) & PAGE_MASK);
	if (h.size[1] && (second > l->size || h.size[1] > l->size - second))
		return "the bundle of guest and initrd is cut off";
	if (h.size[1]) {
		l->initrd = l->image + second;
		l->initrd_size = h.size[1];
	}
	l->image += PAGE_SIZE;
	l->size = h.size[0];
	return NULL;
}
