/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own serial line (COM1): its boot log and its last words.
 * Guests' bytes do not come this way once the channel is up.
 */
#ifndef HV_SVM_CONSOLE_H
#define HV_SVM_CONSOLE_H

#include <stdarg.h>

void console_init(void);

/* Bytes as they are. Waits for the transmitter at most a bounded time. */
void console_putc(char c);

/* One formatted piece of text; a newline is sent as CR LF. context: any */
void console_printf(const char *f, ...) __attribute__((format(printf, 1, 2)));
void console_vprintf(const char *f, va_list ap) __attribute__((format(printf, 1, 0)));

#endif
