/* SPDX-License-Identifier: MIT */
/*
 * The pretended guest; see gdb_fake.h. It follows every word of target.h.
 */
#include "tests/gdb_fake.h"

#include <stdio.h>
#include <string.h>

static const uint8_t fake_code[] = {
    [0x00] = 0x90, 0x48,	  0xff, 0xc0,	       0x48, 0xff,	    0x07, 0xeb,
    0xf7,	   [0x10] = 0xeb, 0xfe, [0x20] = 0xe6, 0xf4, [0x30] = 0x0f, 0x0b,
};

static const struct gdb_tid fake_tids[FAKE_NR_THREADS] = {{1, 1}, {1, 2}, {2, 1}};

static int fake_index(const struct gdb_fake *fake, struct gdb_tid thread)
{
	for (unsigned int i = 0; i < fake->nr_threads; i++) {
		if (fake_tids[i].pid == thread.pid && fake_tids[i].tid == thread.tid) {
			return (int)i;
		}
	}
	return -1;
}

static bool fake_thread(void *ctx, unsigned int index, struct gdb_tid *thread)
{
	const struct gdb_fake *fake = ctx;

	if (index >= fake->nr_threads) {
		return false;
	}
	*thread = fake_tids[index];
	return true;
}

static void fake_thread_info(void *ctx, struct gdb_tid thread, struct gdb_thread_info *info)
{
	const struct gdb_fake *fake = ctx;
	int i = fake_index(fake, thread);

	info->core = thread.tid - 1;
	snprintf(info->name, sizeof(info->name), "vcpu %u", thread.tid - 1);
	if (fake->extra) {
		snprintf(info->extra, sizeof(info->extra), "%s", fake->extra);
		return;
	}
	snprintf(info->extra, sizeof(info->extra), "L%u <64-bit> & rip %#llx", thread.pid,
		 i < 0 ? 0 : (unsigned long long)fake->regs[i].rip);
}

static enum gdb_status fake_read_regs(void *ctx, struct gdb_tid thread, struct gdb_regs *regs)
{
	const struct gdb_fake *fake = ctx;
	int i = fake_index(fake, thread);

	if (i < 0) {
		return GDB_INVALID;
	}
	*regs = fake->regs[i];
	return GDB_OK;
}

static enum gdb_status fake_write_regs(void *ctx, struct gdb_tid thread,
				       const struct gdb_regs *regs, unsigned int groups)
{
	struct gdb_fake *fake = ctx;
	int i = fake_index(fake, thread);

	if (i < 0) {
		return GDB_INVALID;
	}
	if (fake->write_status != GDB_OK) {
		return fake->write_status;
	}
	fake->regs[i] = *regs;
	fake->written_groups = groups;
	fake->nr_reg_writes++;
	return GDB_OK;
}

/* Where addr is in ram, and how much of len is there. */
static size_t fake_translate(enum gdb_space space, uint64_t addr, size_t len, size_t *offset)
{
	uint64_t gpa = space == GDB_SPACE_GVA ? addr - FAKE_GVA : addr;

	if (gpa >= FAKE_RAM) {
		return 0;
	}
	*offset = (size_t)gpa;
	return len < FAKE_RAM - gpa ? len : (size_t)(FAKE_RAM - gpa);
}

static size_t fake_read_mem(void *ctx, struct gdb_tid thread, enum gdb_space space, uint64_t addr,
			    void *bytes, size_t len)
{
	struct gdb_fake *fake = ctx;
	size_t offset = 0;
	size_t n = fake_translate(space, addr, len, &offset);

	fake->nr_wraps += addr + (len - 1) < addr;
	fake->largest_read = len > fake->largest_read ? len : fake->largest_read;
	if (fake_index(fake, thread) < 0) {
		return 0;
	}
	memcpy(bytes, fake->ram + offset, n);
	return n;
}

static size_t fake_write_mem(void *ctx, struct gdb_tid thread, enum gdb_space space, uint64_t addr,
			     const void *bytes, size_t len)
{
	struct gdb_fake *fake = ctx;
	size_t offset = 0;
	size_t n = fake_translate(space, addr, len, &offset);

	fake->nr_mem_writes++;
	fake->nr_wraps += addr + (len - 1) < addr;
	if (fake_index(fake, thread) < 0) {
		return 0;
	}
	memcpy(fake->ram + offset, bytes, n);
	return n;
}

static struct fake_break *fake_find_break(struct gdb_fake *fake, const struct gdb_break *brk)
{
	for (int i = 0; i < FAKE_NR_BREAKS; i++) {
		struct fake_break *slot = &fake->breaks[i];

		if (slot->used && slot->brk.type == brk->type && slot->brk.gva == brk->gva) {
			return slot;
		}
	}
	return NULL;
}

static enum gdb_status fake_set_break(void *ctx, struct gdb_tid thread, const struct gdb_break *brk)
{
	struct gdb_fake *fake = ctx;
	int nr_hard = 0;

	(void)thread;
	if (fake->break_status != GDB_OK) {
		return fake->break_status;
	}
	if (fake_find_break(fake, brk)) {
		return GDB_OK;
	}
	for (int i = 0; i < FAKE_NR_BREAKS; i++) {
		nr_hard += fake->breaks[i].used && fake->breaks[i].brk.type != GDB_BREAK_SOFT;
	}
	if (brk->type != GDB_BREAK_SOFT && nr_hard == FAKE_NR_WATCHES) {
		return GDB_FULL;
	}
	for (int i = 0; i < FAKE_NR_BREAKS; i++) {
		if (!fake->breaks[i].used) {
			fake->breaks[i] = (struct fake_break){true, *brk};
			return GDB_OK;
		}
	}
	return GDB_FULL;
}

static enum gdb_status fake_clear_break(void *ctx, struct gdb_tid thread,
					const struct gdb_break *brk)
{
	struct gdb_fake *fake = ctx;
	struct fake_break *slot = fake_find_break(fake, brk);

	(void)thread;
	if (slot) {
		slot->used = false;
	}
	return GDB_OK;
}

unsigned int gdb_fake_nr_breaks(const struct gdb_fake *fake)
{
	unsigned int n = 0;

	for (int i = 0; i < FAKE_NR_BREAKS; i++) {
		n += fake->breaks[i].used;
	}
	return n;
}

static void fake_plan(void *ctx, struct gdb_tid thread, enum gdb_action action)
{
	struct gdb_fake *fake = ctx;
	int i = fake_index(fake, thread);

	if (i >= 0) {
		fake->planned[i] = true;
		fake->plan[i] = action;
	}
}

static void fake_run(void *ctx)
{
	struct gdb_fake *fake = ctx;

	fake->nr_runs++;
	memset(fake->fresh, true, sizeof(fake->fresh));
	fake->running = true;
	fake->wish = false;
}

static void fake_stop(struct gdb_fake *fake, const struct gdb_stop *stop)
{
	fake->running = false;
	fake->wish = false;
	memset(fake->planned, 0, sizeof(fake->planned));
	gdb_stub_stopped(fake->stub, stop);
}

static void fake_interrupt(void *ctx)
{
	struct gdb_fake *fake = ctx;

	fake->nr_interrupts++;
	fake->wish = true;
	if (!fake->running) {
		enum gdb_stop_reason reason = fake->over ? GDB_STOP_EXITED : GDB_STOP_INTERRUPT;

		fake_stop(fake, &(struct gdb_stop){.reason = reason, .thread = fake_tids[0]});
	}
}

static bool fake_has_others(const struct gdb_fake *fake, uint32_t pid)
{
	for (unsigned int i = 0; pid && i < fake->nr_threads; i++) {
		if (fake_tids[i].pid != pid) {
			return true;
		}
	}
	return false;
}

static void fake_detach(void *ctx, uint32_t pid)
{
	struct gdb_fake *fake = ctx;

	fake->nr_detaches++;
	fake->detached_pid = pid;
	memset(fake->breaks, 0, sizeof(fake->breaks));
	if (fake_has_others(fake, pid)) {
		return;
	}
	fake->wish = false;
	fake->running = true;
	for (unsigned int i = 0; i < fake->nr_threads; i++) {
		fake_plan(fake, fake_tids[i], GDB_ACTION_CONTINUE);
	}
}

static void fake_kill(void *ctx, uint32_t pid)
{
	struct gdb_fake *fake = ctx;

	fake->nr_kills++;
	if (!fake_has_others(fake, pid)) {
		fake->over = true;
		fake->running = true;
	}
}

static enum gdb_status fake_monitor(void *ctx, struct gdb_tid thread, const char *line,
				    struct gdb_stub *stub)
{
	struct gdb_fake *fake = ctx;
	static char text[1000];

	(void)thread;
	snprintf(fake->monitor_line, sizeof(fake->monitor_line), "%s", line);
	if (!strcmp(line, "long")) {
		memset(text, 'y', sizeof(text));
		gdb_stub_console(stub, text, sizeof(text));
		return GDB_OK;
	}
	gdb_stub_console(stub, "monitor says ", 13);
	gdb_stub_console(stub, line, strlen(line));
	gdb_stub_console(stub, "\n", 1);
	return GDB_OK;
}

static bool fake_rom(void *ctx, unsigned int index, struct gdb_region *region)
{
	const struct gdb_fake *fake = ctx;

	*region = fake->rom;
	return index == 0 && fake->rom.len;
}

void gdb_fake_init(struct gdb_fake *fake, struct gdb_stub *stub)
{
	memset(fake, 0, sizeof(*fake));
	fake->stub = stub;
	fake->nr_threads = 2;
	fake->rom = (struct gdb_region){.start = FAKE_ROM, .len = 0x1000};
	memcpy(fake->ram, fake_code, sizeof(fake_code));
	for (int i = 0; i < FAKE_NR_THREADS; i++) {
		struct gdb_regs *regs = &fake->regs[i];

		regs->known = GDB_GROUP_ALL;
		regs->rip = i ? FAKE_IDLE : FAKE_LOOP;
		regs->rdi = FAKE_COUNTER;
		regs->rsp = FAKE_GVA + 0x6f00 - (uint64_t)i * 0x100;
		regs->rbx = 0x0123456789abcdef;
		regs->eflags = 0x246;
		regs->cs = 0x10;
		regs->ss = 0x18;
		regs->fctrl = 0x37f;
		regs->mxcsr = 0x1f80;
		regs->cr0 = 0x80010033;
		regs->cr3 = 0x1000 * (uint64_t)(i + 5);
		regs->cr4 = 0x20;
		regs->efer = 0xd01;
		regs->gs_base = 0xffff888000000000;
		regs->xmm[1][0] = 0x42;
		memcpy(regs->st[0], "\0\0\0\0\0\0\0\x80\xff\x3f", 10); /* 1.0 */
	}
	fake->target = (struct gdb_target){
	    .ctx = fake,
	    .thread = fake_thread,
	    .thread_info = fake_thread_info,
	    .read_regs = fake_read_regs,
	    .write_regs = fake_write_regs,
	    .read_mem = fake_read_mem,
	    .write_mem = fake_write_mem,
	    .set_break = fake_set_break,
	    .clear_break = fake_clear_break,
	    .plan = fake_plan,
	    .run = fake_run,
	    .interrupt = fake_interrupt,
	    .detach = fake_detach,
	    .kill = fake_kill,
	    .monitor = fake_monitor,
	    .rom = fake_rom,
	};
}

/* The breakpoint at rip, if there is one. */
static bool fake_break_hit(const struct gdb_fake *fake, uint64_t rip, struct gdb_stop *stop)
{
	for (int i = 0; i < FAKE_NR_BREAKS; i++) {
		const struct fake_break *slot = &fake->breaks[i];

		if (slot->used && slot->brk.gva == rip && slot->brk.type <= GDB_BREAK_HARD) {
			stop->reason =
			    slot->brk.type == GDB_BREAK_SOFT ? GDB_STOP_SOFT : GDB_STOP_HARD;
			return true;
		}
	}
	return false;
}

/* inc qword [rdi], which is read and written. */
static bool fake_count(struct gdb_fake *fake, struct gdb_regs *regs, struct gdb_stop *stop)
{
	size_t offset;
	uint64_t value;

	if (fake_translate(GDB_SPACE_GVA, regs->rdi, 8, &offset) != 8) {
		stop->reason = GDB_STOP_SIGNAL;
		stop->signal = 11;
		return true;
	}
	memcpy(&value, fake->ram + offset, 8);
	value++;
	memcpy(fake->ram + offset, &value, 8);
	regs->rip += 3;
	for (int i = 0; i < FAKE_NR_BREAKS; i++) {
		const struct gdb_break *brk = &fake->breaks[i].brk;

		if (fake->breaks[i].used && brk->type >= GDB_WATCH_WRITE &&
		    brk->gva - regs->rdi < 8) {
			stop->reason = GDB_STOP_WATCH;
			stop->watch = brk->type;
			stop->gva = brk->gva;
			return true;
		}
	}
	return false;
}

/* One instruction; true and `stop` filled if it stops the guest by itself. */
static bool fake_step(struct gdb_fake *fake, struct gdb_regs *regs, struct gdb_stop *stop)
{
	uint8_t code[3] = {0};
	size_t offset = 0;
	size_t n = fake_translate(GDB_SPACE_GVA, regs->rip, sizeof(code), &offset);

	memcpy(code, fake->ram + offset, n);
	if (code[0] == 0x90) {
		regs->rip++;
		return false;
	}
	if (code[0] == 0xeb) {
		regs->rip += 2 + (uint64_t)(int8_t)code[1];
		return false;
	}
	if (!memcmp(code, "\x48\xff\xc0", 3)) {
		regs->rax++;
		regs->rip += 3;
		return false;
	}
	if (!memcmp(code, "\x48\xff\x07", 3)) {
		return fake_count(fake, regs, stop);
	}
	if (!memcmp(code, "\xe6\xf4", 2)) {
		stop->reason = GDB_STOP_EXITED;
		stop->code = (uint8_t)regs->rax;
		fake->over = true;
		return true;
	}
	stop->reason = GDB_STOP_SIGNAL;
	stop->signal = 4;
	return true;
}

/* One turn of vCPU i; true if it stopped the guest. */
static bool fake_turn(struct gdb_fake *fake, unsigned int i, struct gdb_stop *stop)
{
	struct gdb_regs *regs = &fake->regs[i];

	if (fake->over) {
		stop->reason = GDB_STOP_EXITED;
		return true;
	}
	if (fake->wish) {
		stop->reason = GDB_STOP_INTERRUPT;
		return true;
	}
	if (!fake->fresh[i] && fake_break_hit(fake, regs->rip, stop)) {
		return true;
	}
	fake->fresh[i] = false;
	if (fake_step(fake, regs, stop)) {
		return true;
	}
	if (fake->plan[i] != GDB_ACTION_STEP) {
		return false;
	}
	if (!fake_break_hit(fake, regs->rip, stop)) {
		stop->reason = GDB_STOP_STEP;
	}
	return true;
}

void gdb_fake_run(struct gdb_fake *fake, unsigned int n)
{
	for (; fake->running && n; n--) {
		for (unsigned int i = 0; fake->running && i < fake->nr_threads; i++) {
			struct gdb_stop stop = {.thread = fake_tids[i]};

			if ((fake->planned[i] || fake->over) && fake_turn(fake, i, &stop)) {
				fake_stop(fake, &stop);
			}
		}
	}
}
