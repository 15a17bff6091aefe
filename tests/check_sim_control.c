/* SPDX-License-Identifier: MIT */
/* vitrine-sim under the host program's control: the real program, its memory
 * mapped by the reading end of the channel, doorbells through its stdin. */
#include "tests/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mmu/mmu.h"
#include "mmu/status.h"
#include "tui/link.h"
#include "tui/model.h"

enum {
#define COMMAND(id, name, sentence, a, b, c, d) CMD_##name = id,
#include "hv/channel/command.def"
};

static const char scenario[] = "vcpus 2\n"
			       "mode 4level\n"
			       "map 0x400000 0x200000 rwu\n"
			       "cpu0: write 0x400000 = 5\n"
			       "cpu1: read 0x400000 -> 5\n"
			       "cpu1: read 0x500000 -> fault 0\n"
			       "expect audit\n";

static char shared[64], file[64];
static struct link *machine;
static int bell_fd, ram_fd;
static pid_t child;

static void bell(void *arg, char byte)
{
	(void)arg;
	ck_assert_int_eq(write(bell_fd, &byte, 1), 1);
}

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
}

static void millisecond(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void start(void)
{
	const char *top = getenv("top_builddir");
	char program[256], option[80];
	int ends[2];

	snprintf(program, sizeof(program), "%s/hv/sim/vitrine-sim", top ? top : ".");
	strcpy(shared, "/tmp/simctl.XXXXXX");
	strcpy(file, "/tmp/simscn.XXXXXX");
	write_file(shared, "");
	write_file(file, scenario);
	snprintf(option, sizeof(option), "--shared=%s", shared);
	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (!child) {
		dup2(ends[0], 0);
		close(ends[1]);
		execl(program, program, "--quiet", "--wait", option, file, (char *)NULL);
		_exit(126);
	}
	close(ends[0]);
	bell_fd = ends[1];
	ram_fd = open(shared, O_RDWR);
	for (int ms = 0; !(machine = link_open(ram_fd, 0)); ms++) {
		ck_assert_int_lt(ms, 10000);
		millisecond();
	}
	link_set_bell(machine, bell, NULL);
	for (int ms = 0; !link_ready(machine, NULL); ms++) {
		ck_assert_int_lt(ms, 10000);
		millisecond();
	}
}

/* The exit status after end of input. */
static int finish(void)
{
	int status;

	close(bell_fd);
	link_close(machine);
	close(ram_fd);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	unlink(shared);
	unlink(file);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct model *model;	/* fed if there is one */
static unsigned seen[0x200];	/* events by id since the last command */
static u8 last_mem[64];
static char said[120];		/* by the last reply */

/* The next event of this kind; all before it are taken in. */
static struct event next(u16 id)
{
	struct event ev;

	for (int ms = 0; ms < 10000; ms++) {
		while (link_next(machine, &ev)) {
			if (model)
				model_apply(model, &ev);
			seen[ev.id & 0x1ff]++;
			if (ev.id == EV_mem)
				memcpy(last_mem, ev.payload, ev.len < 64 ? ev.len : 64);
			if (ev.id == id)
				return ev;
		}
		link_commit(machine);
		link_pump(machine);
		millisecond();
	}
	ck_abort_msg("no %s event came", ev_info(id)->name);
}

/* Gives a command and waits for its reply's status. */
static unsigned command(u16 id, u64 a, u64 b, u64 c, u64 d)
{
	u32 ticket = link_command(machine, id, a, b, c, d, NULL, 0);
	const struct ev_reply *reply;
	struct event ev;

	memset(seen, 0, sizeof(seen));
	do {
		ev = next(EV_reply);
		reply = (const void *)ev.payload;
	} while (reply->ticket != ticket);
	snprintf(said, sizeof(said), "%.*s", (int)(ev.len - sizeof(*reply)),
		 (const char *)ev.payload + sizeof(*reply));
	return reply->status;
}

static struct ev_stop stopped(void)
{
	struct event ev = next(EV_stop);

	return *(const struct ev_stop *)ev.payload;
}

START_TEST(it_waits_at_the_start_and_at_the_end)
{
	start();
	ck_assert_int_eq(stopped().why, CH_STOP_START);
	ck_assert_uint_eq(command(CMD_resume, 0, 0, 0, 0), MMU_OK);
	next(EV_guest_end);
	ck_assert_int_eq(stopped().why, CH_STOP_PAUSE);
	ck_assert_uint_eq(command(CMD_quit, 0, 0, 0, 0), MMU_OK);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(the_first_events_name_the_places_in_the_source)
{
	const char *file;
	struct event ev;

	start();
	seen[EV_site & 0x1ff] = 0;
	model = model_new();
	ev = next(EV_mmu_config);
	ck_assert_uint_gt(seen[EV_site & 0x1ff], 20);
	ck_assert_uint_ne(ev.site, EVENT_NO_SITE);
	ck_assert_ptr_nonnull(model_site(model, ev.site));
	file = model_site(model, ev.site)->file;
	ck_assert_msg(!strncmp(file, "mmu/", 4), "%s is not from the top", file);
	model_free(model);
	model = NULL;
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(hello_tells_the_sites_and_the_present_state)
{
	start();
	stopped();
	ck_assert_uint_eq(command(CMD_hello, 0, 0, 0, 0), MMU_OK);
	ck_assert_uint_gt(seen[EV_site & 0x1ff], 20);
	ck_assert_uint_eq(seen[EV_snapshot_begin & 0x1ff], 1);
	ck_assert_uint_eq(seen[EV_snapshot_end & 0x1ff], 1);
	ck_assert_uint_eq(seen[EV_mmu_config], 1);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(a_break_stops_at_the_end_of_the_line_and_names_the_event)
{
	struct event fault;

	start();
	ck_assert_uint_eq(command(CMD_brk, EV_fault, 0, ~0ull, 0x500000), MMU_OK);
	ck_assert_uint_eq(command(CMD_resume, 0, 0, 0, 0), MMU_OK);
	do {
		fault = next(EV_fault);
	} while (((const struct ev_fault *)fault.payload)->addr != 0x500000);
	ck_assert_uint_eq(stopped().seq, fault.seq);
	ck_assert_uint_eq(seen[EV_expect & 0x1ff], 2);
	ck_assert_uint_eq(command(CMD_unbrk, 0, 0, 0, 0), MMU_OK);
	ck_assert_uint_eq(command(CMD_unbrk, 0, 0, 0, 0), MMU_NOENT);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(steps_end_at_an_event_a_fault_or_an_exit)
{
	start();
	stopped();
	for (unsigned line = 1; line <= 3; line++) {
		ck_assert_uint_eq(command(CMD_step, CH_STEP_EVENT, 0, 0, 0), MMU_OK);
		ck_assert_int_eq(stopped().why, CH_STOP_STEP);
		ck_assert_uint_eq(seen[EV_step & 0x1ff], 1);
	}
	ck_assert_uint_eq(command(CMD_step, CH_STEP_FAULT, 0, 0, 0), MMU_OK);
	stopped();
	ck_assert_uint_ge(seen[EV_fault], 1);
	ck_assert_uint_eq(command(CMD_step, 99, 0, 0, 0), MMU_INVAL);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(walks_registers_and_memory_can_be_looked_at)
{
	struct event ev;
	u32 value;

	start();
	command(CMD_resume, 0, 0, 0, 0);
	next(EV_guest_end);
	ck_assert_uint_eq(command(CMD_walk, 0, 0x400000, 0, 0), MMU_OK);
	ck_assert_uint_eq(seen[EV_walk_step & 0x1ff], 4);
	ck_assert_uint_eq(seen[EV_host_step & 0x1ff], 4);
	ck_assert_uint_eq(command(CMD_read, 0, CH_GVA, 0x400000, 4), MMU_OK);
	memcpy(&value, last_mem + sizeof(struct ev_mem), 4);
	ck_assert_uint_eq(value, 5);
	ck_assert_uint_eq(command(CMD_read, 0, CH_GPA, 0x200000, 4096), MMU_OK);
	ck_assert_uint_eq(seen[EV_mem & 0x1ff], 8);
	link_command(machine, CMD_regs, 1, 0, 0, 0, NULL, 0);
	ev = next(EV_regs);
	ck_assert_uint_eq(ev.vcpu, 1);
	ck_assert_uint_eq(((const struct ev_regs *)ev.payload)->cr3, 0x10000);
	ck_assert_uint_eq(((const struct ev_regs *)ev.payload)->cr2, 0x500000);
	ck_assert_uint_eq(command(CMD_audit, 0, 0, 0, 0), MMU_OK);
	ck_assert_uint_eq(seen[EV_audit_end], 1);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(the_writes_to_a_slot_are_logged_and_harvested)
{
	start();
	ck_assert_uint_eq(command(CMD_step, CH_STEP_FAULT, 0, 0, 0), MMU_OK);
	stopped();
	ck_assert_uint_eq(command(CMD_dirty, 0, 0, CH_DIRTY_HARVEST, 0), MMU_NOENT);
	ck_assert_uint_eq(command(CMD_dirty, 0, 0, CH_DIRTY_ON, 0), MMU_OK);
	ck_assert_uint_eq(seen[EV_slot_flags], 1);
	ck_assert_uint_eq(command(CMD_dirty, 0, 0, CH_DIRTY_BY_D, 0), MMU_INVAL);
	link_command(machine, CMD_write, 0, CH_GPA, 0x300000, 4, "abcd", 4);
	next(EV_reply);
	ck_assert_uint_eq(command(CMD_dirty, 0, 0, CH_DIRTY_HARVEST, 0), MMU_OK);
	ck_assert_str_eq(said, "1 of 4096 frames were written to");
	ck_assert_uint_eq(command(CMD_dirty, 0, 0, CH_DIRTY_OFF, 0), MMU_OK);
	ck_assert_uint_eq(command(CMD_dirty, 2, 0, CH_DIRTY_ON, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_dirty, 0, 0, CH_DIRTY_HARVEST + 1, 0), MMU_INVAL);
	command(CMD_resume, 0, 0, 0, 0);
	next(EV_guest_end);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

static struct ev_aged ask_age(u64 start, u64 end, bool clear)
{
	struct ev_aged aged;
	struct event ev;

	link_command(machine, CMD_age, 0, start, end, clear, NULL, 0);
	ev = next(EV_aged);
	memcpy(&aged, ev.payload, sizeof(aged));
	return aged;
}

START_TEST(it_is_told_which_memory_was_used)
{
	struct ev_aged aged;

	start();
	command(CMD_resume, 0, 0, 0, 0);
	next(EV_guest_end);
	aged = ask_age(0x200, 0x201, false);
	ck_assert_uint_eq(aged.young, 1);
	aged = ask_age(0, 0, true);
	ck_assert_uint_ge(aged.young, 1);
	ck_assert_uint_eq(aged.young + aged.old, (16u << 20) >> PAGE_SHIFT);
	aged = ask_age(0x200, 0x201, false);
	ck_assert_uint_eq(aged.old, 1);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	start();
	ck_assert_uint_eq(command(77, 0, 0, 0, 0), MMU_NOSUPP);
	ck_assert_uint_eq(command(CMD_regs, 9, 0, 0, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_walk, ~0ull, 0, 0, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_read, 0, CH_GPA, 0, 1 << 20), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_read, 0, CH_HPA, ~0ull - 8, 64), MMU_NOENT);
	ck_assert_uint_eq(command(CMD_read, 0, 17, 0, 64), MMU_NOENT);
	ck_assert_uint_eq(command(CMD_write, 0, CH_GPA, 0, 64), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_zap, 5, 0, 0, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_knob, MMU_KNOB_huge, 2, 0, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_knob, 1000, 0, 0, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_zap, 0, 9, 3, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_age, 2, 0, 0, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_age, 0, 9, 9, 0), MMU_INVAL);
	ck_assert_uint_eq(command(CMD_age, 0, ~0ull, 0, 1), MMU_INVAL);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

/* The model from the live events is that of a snapshot taken afterwards. */
START_TEST(live_events_and_a_snapshot_make_the_same_model)
{
	struct model *live = model_new(), *fresh = model_new();
	struct text difference = { 0 };

	start();
	model = live;
	command(CMD_resume, 0, 0, 0, 0);
	next(EV_guest_end);
	stopped();
	model = fresh;
	fresh->seq = live->seq;
	ck_assert_uint_eq(command(CMD_snapshot, 0, 0, 0, 0), MMU_OK);
	model = NULL;
	ck_assert_uint_eq(live->nr_damage, 0);
	ck_assert_msg(model_equal(live, fresh, &difference), "%s", text_str(&difference));
	text_free(&difference);
	model_free(live);
	model_free(fresh);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

TAP_MAIN("sim_control",
	 it_waits_at_the_start_and_at_the_end,
	 the_first_events_name_the_places_in_the_source,
	 hello_tells_the_sites_and_the_present_state,
	 a_break_stops_at_the_end_of_the_line_and_names_the_event,
	 steps_end_at_an_event_a_fault_or_an_exit,
	 walks_registers_and_memory_can_be_looked_at,
	 the_writes_to_a_slot_are_logged_and_harvested,
	 it_is_told_which_memory_was_used,
	 what_makes_no_sense_is_refused,
	 live_events_and_a_snapshot_make_the_same_model)
