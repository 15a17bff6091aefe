/* SPDX-License-Identifier: MIT */
/*
 * Taking a bundle apart.
 */
#include "hv/core/bundle.h"

#include <string.h>

const char *bundle_open(struct load_image *l)
{
	const struct bundle_header *h = (const void *)l->image;
	const u8 *bundle = l->image;
	u64 at = PAGE_SIZE, room = l->size;

	if (room < PAGE_SIZE || memcmp(bundle, BUNDLE_MAGIC, sizeof(h->magic)))
		return NULL;
	if (!h->nr || h->nr > BUNDLE_MAX)
		return "the bundle holds more files than a guest can take";
	for (unsigned i = 0; i < h->nr; i++) {
		const struct bundle_file *f = &h->file[i];

		if (f->size && (at > room || f->size > room - at))
			return "the bundle of the guest's files is cut off";
		if (f->string[LOAD_STRING_MAX - 1])
			return "the bundle of the guest's files is damaged";
		if (i)
			l->module[i - 1] = (struct load_module){ bundle + at, f->size, f->string };
		at += (f->size + PAGE_SIZE - 1) & PAGE_MASK;
	}
	l->image = bundle + PAGE_SIZE;
	l->size = h->file[0].size;
	l->nr_modules = (unsigned)h->nr - 1;
	return NULL;
}
