/* SPDX-License-Identifier: MIT */
/*
 * The first program of a Linux guest in our tests: makes the kernel work its page
 * tables, checks what it can see of them from user space, and ends the machine
 * through the debug-exit port with the number of failed checks.
 *
 * Linux is a weak judge of an MMU: it boots on quite wrong ones. What helps is
 * to touch a page first and take its rights away afterwards, and to map over the
 * same address again and again; hence the order of things here.
 *
 * The kernel passes words of its command line that it does not know to init:
 * arguments mean nothing here, only argv[0] does ("child": see run_child()).
 */
#include "tests/init/init.h"

enum {
	BIG_SIZE = 8 << 20,
	COW_PAGES = 256,
	NR_CHILDREN = 20,
	NR_REMAPS = 200,
	SLEEP_MS = 50,
	EXEC_STATUS = 77, /* what a child that was executed ends with */
	DEBUG_EXIT = 0xf4,
	MAX_STATUS = 119,
};

static int nr_failed;

void init_main(long *stack);

/* The kernel enters with argc and argv on the stack. */
#ifdef __x86_64__
#define KERNEL 0xffffffff81000000
#define FACTOR 0x9e3779b97f4a7c15
asm(".globl _start\n"
    "_start:\n"
    "	xor %ebp, %ebp\n"
    "	mov %rsp, %rdi\n"
    "	and $-16, %rsp\n"
    "	call init_main\n");
#else
#define KERNEL 0xc1000000
#define FACTOR 0x9e3779b9
asm(".globl _start\n"
    "_start:\n"
    "	xor %ebp, %ebp\n"
    "	mov %esp, %eax\n"
    "	and $-16, %esp\n"
    "	sub $12, %esp\n"
    "	push %eax\n"
    "	call init_main\n");
#endif

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
	}
	return n;
}

void say(const char *s)
{
	sys3(SYS_WRITE, 1, (long)s, (long)length(s));
}

void say_number(unsigned long value)
{
	char digits[24], *at = digits + sizeof(digits);

	*--at = 0;
	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	say(at);
}

void check(bool holds, const char *what)
{
	say(holds ? "init: ok: " : "init: FAILED: ");
	say(what);
	say("\n");
	nr_failed += !holds;
}

static void say_kernel(void)
{
	struct {
		char sysname[65], nodename[65], release[65], version[65], machine[65], domain[65];
	} name;

	sys3(SYS_UNAME, (long)&name, 0, 0);
	say("init: hello from Linux ");
	say(name.release);
	say(" ");
	say(name.machine);
	say("\n");
}

/* Every page of 8 MiB reads as zero at first and keeps what is written. */
static void touch_memory(void)
{
	size_t pages = BIG_SIZE / PAGE_SIZE;
	void *memory = map_memory(NULL, BIG_SIZE);
	unsigned long wrong = 0;

	for (size_t i = 0; i < pages; i++) {
		wrong += *page_of(memory, i) != 0;
		*page_of(memory, i) = i * FACTOR;
	}
	for (size_t i = 0; i < pages; i++) {
		wrong += *page_of(memory, i) != i * FACTOR;
	}
	sys3(SYS_MUNMAP, (long)memory, BIG_SIZE, 0);
	check(wrong == 0, "8 MiB of memory keep what was written");
}

long read_file(const char *name, char *text, size_t size)
{
	long fd = sys3(SYS_OPEN, (long)name, 0, 0), all = 0, got;

	if (fd < 0) {
		return -1;
	}
	while (all < (long)size - 1 &&
	       (got = sys3(SYS_READ, fd, (long)text + all, (long)size - 1 - all)) > 0) {
		all += got;
	}
	text[all] = 0;
	sys3(SYS_CLOSE, fd, 0, 0);
	return all;
}

int wait_for(long pid)
{
	int status = -1;

	sys6(SYS_WAIT4, pid, (long)&status, 0, 0, 0, 0);
	return status;
}

/* A child sees its parent's pages, makes them its own, then maybe another program. */
static _Noreturn void run_child(void *memory, unsigned long number)
{
	static char name[] = "child";
	char *argv[] = { name, NULL };

	for (size_t i = 0; i < COW_PAGES; i++) {
		if (*page_of(memory, i) != i) {
			sys_exit(1);
		}
		*page_of(memory, i) = i + number * 1000;
	}
	for (size_t i = 0; i < COW_PAGES; i++) {
		if (*page_of(memory, i) != i + number * 1000) {
			sys_exit(2);
		}
	}
	if (number % 2) {
		sys3(SYS_EXECVE, (long)"/init", (long)argv, (long)(argv + 1));
		sys_exit(3);
	}
	sys_exit(EXEC_STATUS);
}

static void fork_children(void)
{
	void *memory = map_memory(NULL, COW_PAGES * PAGE_SIZE);
	unsigned long wrong = 0;

	for (size_t i = 0; i < COW_PAGES; i++) {
		*page_of(memory, i) = i;
	}
	for (unsigned long n = 1; n <= NR_CHILDREN; n++) {
		long pid = sys3(SYS_FORK, 0, 0, 0);

		if (pid == 0) {
			run_child(memory, n);
		}
		wrong += pid < 0 || wait_for(pid) != EXEC_STATUS << 8;
	}
	for (size_t i = 0; i < COW_PAGES; i++) {
		wrong += *page_of(memory, i) != i;
	}
	sys3(SYS_MUNMAP, (long)memory, COW_PAGES * PAGE_SIZE, 0);
	check(wrong == 0, "20 children, half of them executed, leave the parent's pages alone");
}

/* Each of these must die of it. The page was in use with all rights before. */
static void write_read_only(volatile char *page)
{
	sys3(SYS_MPROTECT, (long)page, PAGE_SIZE, PROT_READ);
	*page = 1;
}

static void read_unmapped(volatile char *page)
{
	sys3(SYS_MUNMAP, (long)page, PAGE_SIZE, 0);
	(void)*page;
}

static void read_without_rights(volatile char *page)
{
	sys3(SYS_MPROTECT, (long)page, PAGE_SIZE, 0);
	(void)*page;
}

static void run_not_executable(volatile char *page)
{
	sys3(SYS_MPROTECT, (long)page, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	((void (*)(void))(unsigned long)page)();
	sys3(SYS_MPROTECT, (long)page, PAGE_SIZE, PROT_READ | PROT_WRITE);
	((void (*)(void))(unsigned long)page)();
}

static void read_kernel(volatile char *page)
{
	(void)page;
	(void)*(volatile char *)KERNEL;
}

bool dies(void (*crime)(volatile char *page))
{
	long pid = sys3(SYS_FORK, 0, 0, 0);

	if (pid == 0) {
		volatile char *page = map_memory(NULL, PAGE_SIZE);

		*page = (char)0xc3; /* ret */
		crime(page);
		sys_exit(0);
	}
	return pid > 0 && (wait_for(pid) & 0x7f) == SIGSEGV;
}

static void lose_rights(void)
{
	check(dies(write_read_only), "writing a page made read-only is fatal");
	check(dies(read_unmapped), "reading an unmapped page is fatal");
	check(dies(read_without_rights), "reading a page without rights is fatal");
	/* Not with i386: 686 knows no NX, and Debian's 686-pae 6.1 maps the data of
	 * programs without it, on plain QEMU, too. */
	if (sizeof(long) == 8) {
		check(dies(run_not_executable), "running a page made not executable is fatal");
	}
	check(dies(read_kernel), "reading the kernel is fatal");
}

/* Fresh memory over old memory at one address reads as zero, every time. */
static void remap(void)
{
	char *memory = map_memory(NULL, 16 * PAGE_SIZE);
	unsigned long wrong = 0;

	for (unsigned long n = 1; n <= NR_REMAPS; n++) {
		size_t page = n % 16;

		wrong += *page_of(memory, page) != 0;
		*page_of(memory, page) = n;
		wrong += *page_of(memory, page) != n;
		map_memory(memory + page * PAGE_SIZE, PAGE_SIZE);
	}
	check(wrong == 0, "memory mapped over itself 200 times is fresh each time");
}

static unsigned long now_ms(void)
{
	struct timespec now = { 0, 0 };

	sys3(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, (long)&now, 0);
	return (unsigned long)now.sec * 1000 + (unsigned long)now.nsec / 1000000;
}

static void sleep_a_little(void)
{
	struct timespec time = { 0, SLEEP_MS * 1000000L };
	unsigned long before = now_ms();

	sys3(SYS_NANOSLEEP, (long)&time, 0, 0);
	check(now_ms() - before >= SLEEP_MS, "50 ms of sleep take 50 ms at least");
}

/* A line of /proc/interrupts that counts a line of the controllers, and has. */
static bool counts_a_line(const char *line)
{
	while (*line == ' ') {
		line++;
	}
	while (*line >= '0' && *line <= '9') {
		line++;
	}
	if (*line++ != ':') {
		return false;
	}
	while (*line == ' ' || *line == '0') {
		line++;
	}
	return *line >= '1' && *line <= '9';
}

/* What the kernel has counted; the devices of its machine must say the same. Before
 * that all is written out, so that no interrupt of the console comes meanwhile. */
static void say_interrupts(void)
{
	static char text[16384];
	struct timespec time = { 0, SLEEP_MS * 1000000L };
	char *end;

	sys3(SYS_NANOSLEEP, (long)&time, 0, 0);
	read_file("/proc/interrupts", text, sizeof(text));
	for (char *line = text; *line; line = end) {
		for (end = line; *end && *end != '\n'; end++)
			;
		if (*end) {
			*end++ = 0;
		}
		if (counts_a_line(line)) {
			say("init: /proc/interrupts: ");
			say(line);
			say("\n");
		}
	}
}

static _Noreturn void end_machine(void)
{
	unsigned int status = nr_failed < MAX_STATUS ? (unsigned int)nr_failed : MAX_STATUS;

	say("init: ");
	say_number((unsigned long)nr_failed);
	say(" failed, the end\n");
	sys3(SYS_IOCTL, 1, TCSBRK, 1); /* another CPU may be at it still */
	if (sys3(SYS_IOPERM, DEBUG_EXIT, 1, 1) == 0) {
		asm volatile("outb %b0, %w1" : : "a"(status), "Nd"(DEBUG_EXIT));
	}
	for (;;) {
		sys6(SYS_REBOOT, REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_POWER_OFF, 0, 0, 0);
	}
}

void init_main(long *stack)
{
	const char *name = (const char *)stack[1];

	if (name[0] == 'c') {
		sys_exit(EXEC_STATUS);
	}
	sys6(SYS_MOUNT, (long)"proc", (long)"/proc", (long)"proc", 0, 0, 0);
	say_kernel();
	touch_memory();
	fork_children();
	lose_rights();
	remap();
	check_warm();
	check_shared();
	sleep_a_little();
	say_interrupts();
	end_machine();
}
