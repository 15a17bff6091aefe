/* SPDX-License-Identifier: MIT */
/*
 * The guest's files as the one module that QEMU passes on: the guest itself, or it
 * and its modules in a bundle.
 */
#ifndef TUI_BUNDLE_H
#define TUI_BUNDLE_H

#include "tui/machine.h"

/*
 * The module's path, and the bytes it takes. A bundle's lives as long as this
 * process.
 *   returns  false: it was said why
 */
bool bundle_path(const struct machine_options *opt, char *path, size_t room, u64 *size);

#endif
