/* SPDX-License-Identifier: MIT */
/*
 * Linux system calls of x86-64 and i386 without a C library, as many as init needs.
 * Results are the kernel's: negative numbers are errors.
 *
 * source: the kernel's user-space interface; numbers from <asm/unistd_64.h> and
 * <asm/unistd_32.h>
 */
#ifndef TESTS_INIT_SYS_H
#define TESTS_INIT_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __x86_64__
#define NUMBER(on64, on32) on64
#else
#define NUMBER(on64, on32) on32
#endif

enum {
	SYS_READ = NUMBER(0, 3),
	SYS_WRITE = NUMBER(1, 4),
	SYS_OPEN = NUMBER(2, 5),
	SYS_CLOSE = NUMBER(3, 6),
	SYS_MMAP = NUMBER(9, 192), /* mmap2 on i386: the offset in pages; ours is 0 */
	SYS_MPROTECT = NUMBER(10, 125),
	SYS_MUNMAP = NUMBER(11, 91),
	SYS_IOCTL = NUMBER(16, 54),
	SYS_MREMAP = NUMBER(25, 163),
	SYS_NANOSLEEP = NUMBER(35, 162),
	SYS_FORK = NUMBER(57, 2),
	SYS_EXECVE = NUMBER(59, 11),
	SYS_EXIT = NUMBER(60, 1),
	SYS_WAIT4 = NUMBER(61, 114),
	SYS_UNAME = NUMBER(63, 122),
	SYS_FTRUNCATE = NUMBER(77, 93),
	SYS_PRCTL = NUMBER(157, 172),
	SYS_MOUNT = NUMBER(165, 21),
	SYS_REBOOT = NUMBER(169, 88),
	SYS_IOPERM = NUMBER(173, 101),
	SYS_CLOCK_GETTIME = NUMBER(228, 265),

	PROT_READ = 1,
	PROT_WRITE = 2,
	PROT_EXEC = 4,
	O_WRONLY = 1,
	O_RDWR = 2,
	O_CREAT = 0100,
	PR_SET_THP_DISABLE = 41,
	MREMAP_MAYMOVE = 1,
	MREMAP_FIXED = 2,
	MAP_SHARED = 0x01,
	MAP_PRIVATE = 0x02,
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	CLOCK_MONOTONIC = 1,
	TCSBRK = 0x5409, /* with 1: waits until all is written out */
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
	long result;
#ifdef __x86_64__
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
#else
	const long last[2] = { number, f };

	/* The sixth goes by EBP, which the compiler may want for itself. */
	asm volatile("push %%ebp\n"
		     "mov 4(%%eax), %%ebp\n"
		     "mov (%%eax), %%eax\n"
		     "int $0x80\n"
		     "pop %%ebp\n"
		     : "=a"(result)
		     : "a"(last), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory");
#endif
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
