/* SPDX-License-Identifier: MIT */
/*
 * Several files in one module. QEMU passes one module (-initrd) to a PVH image; a
 * guest may need more: its kernel, its initrd, modules.
 *
 *   offset 0   "VITRINE3"
 *   8   u64    number of files, from 1 to BUNDLE_MAX
 *   16         of each file: u64 size in bytes, then its string, NUL-terminated, in
 *              LOAD_STRING_MAX bytes
 *   4096       the first file, which is the guest; each begins at a multiple of 4096
 *
 * Numbers are little-endian. Without the magic the module is one plain file.
 */
#ifndef HV_CORE_BUNDLE_H
#define HV_CORE_BUNDLE_H

#include "hv/core/load.h"

#define BUNDLE_MAGIC "VITRINE3"
#define BUNDLE_MAX   (1 + LOAD_MAX_MODULES)

struct bundle_header {
	char magic[8];
	u64 nr;
	struct bundle_file {
		u64 size;
		char string[LOAD_STRING_MAX];
	} file[BUNDLE_MAX];
};
_Static_assert(sizeof(struct bundle_header) <= PAGE_SIZE, "a bundle's header is one page");

/*
 * If l->image is a bundle, replaces the image by the first file and adds the others
 * as modules. What l holds then points into the bundle.
 *
 *   returns  NULL, or why the bundle is no good
 */
const char *bundle_open(struct load_image *l);

#endif
