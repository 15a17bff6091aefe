/* SPDX-License-Identifier: MIT */
/*
 * Two files in one module. QEMU passes one module (-initrd) to a PVH image, a
 * Linux guest needs two: its kernel and its initrd.
 *
 *   offset 0   "VITRINE2"
 *   8   u64    size of the first file in bytes
 *   16  u64    size of the second
 *   4096       first file; the second begins at the next multiple of 4096
 *
 * Numbers are little-endian. Without the magic the module is one plain file.
 */
#ifndef HV_CORE_BUNDLE_H
#define HV_CORE_BUNDLE_H

#include "hv/core/load.h"

#define BUNDLE_MAGIC "VITRINE2"

struct bundle_header {
	char magic[8];
	u64 size[2];
};

/*
 * If l->image is a bundle, replaces image and initrd by its parts.
 *
 *   returns  NULL, or why the bundle is no good
 */
const char *bundle_open(struct load_image *l);

#endif
