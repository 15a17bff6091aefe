/* SPDX-License-Identifier: MIT */
/*
 * Linux system calls of x86-64 without a C library, as many as init needs.
 * Results are the kernel's: negative numbers are errors.
 *
 * source: the kernel's user-space interface; numbers from <asm/unistd_64.h>
 */
#ifndef TESTS_INIT_SYS_H
#define TESTS_INIT_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SYS_READ = 0,
	SYS_WRITE = 1,
	SYS_OPEN = 2,
	SYS_MMAP = 9,
	SYS_MPROTECT = 10,
	SYS_MUNMAP = 11,
	SYS_NANOSLEEP = 35,
	SYS_FORK = 57,
	SYS_EXECVE = 59,
	SYS_EXIT = 60,
	SYS_WAIT4 = 61,
	SYS_UNAME = 63,
	SYS_MOUNT = 165,
	SYS_REBOOT = 169,
	SYS_IOPERM = 173,
	SYS_CLOCK_GETTIME = 228,

	PROT_READ = 1,
	PROT_WRITE = 2,
	PROT_EXEC = 4,
	MAP_PRIVATE = 0x02,
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	CLOCK_MONOTONIC = 1,
	SIGSEGV = 11,
};

#define REBOOT_MAGIC1 0xfee1dead
#define REBOOT_MAGIC2 672274793
#define REBOOT_POWER_OFF 0x4321fedc

struct timespec {
	long sec, nsec;
};

static inline long sys6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

static inline long sys3(long number, long a, long b, long c)
{
	return sys6(number, a, b, c, 0, 0, 0);
}

/* Anonymous memory; at `at` exactly unless that is NULL. */
static inline void *map_memory(void *at, size_t size)
{
	long flags = MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0);

	return (void *)sys6(SYS_MMAP, (long)at, (long)size, PROT_READ | PROT_WRITE, flags, -1, 0);
}

static inline _Noreturn void sys_exit(int status)
{
	for (;;) {
		sys3(SYS_EXIT, status, 0, 0);
	}
}

#endif
