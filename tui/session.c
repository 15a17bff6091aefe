/* SPDX-License-Identifier: MIT */
/* The loop that turns a running machine. */
#include "tui/session.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "tui/last.h"
#include "tui/ram.h"
#include "tui/say.h"

#define MAX_EVENTS   65536	/* per turn, so that the screen stays alive */
#define FULL_PERCENT 50		/* freeze a paced machine beyond */
#define LEAVE	     0x1d	/* Ctrl-] */
#define BELL_MS	     100	/* ring again if nobody came to the door */
#define LAST_MS	     10000	/* to explain itself when its time is over */

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

static volatile sig_atomic_t caught;

static void note_signal(int signal)
{
	caught = signal;
}

void session_catch_signals(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = note_signal };

	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaction(ending[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static s64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void session_init(struct session *s)
{
	memset(s, 0, sizeof(*s));
	s->machine = (struct machine){ .ram_fd = -1, .bell_fd = -1, .log_fd = -1 };
	s->schema = schema_new();
}

void session_start(struct session *s, unsigned timeout_s)
{
	if (timeout_s)
		s->deadline_ms = now_ms() + (s64)timeout_s * 1000;
	session_catch_signals();
}

static void ring(void *arg, char byte)
{
	struct session *s = arg;

	s->bell_ms = now_ms();
	if (write(s->machine.bell_fd, &byte, 1) != 1 && errno != EAGAIN && errno != EPIPE)
		say("the doorbell: %s", strerror(errno));
}

/* ---- events -------------------------------------------------------------------- */

static void tell_text(const char *what, const struct event *ev, size_t fixed)
{
	if (ev->len > fixed)
		say("%s%.*s", what, (int)(ev->len - fixed), (const char *)ev->payload + fixed);
}

static void note_event(struct session *s, const struct event *ev)
{
	last_take(&s->last, ev);
	switch (ev->id) {
	case EV_guest_end:
		if (ev->len < sizeof(struct ev_guest_end) || s->guest_ended)
			break;
		s->guest_ended = true;
		s->guest_status = ev->payload[0];
		snprintf(s->guest_reason, sizeof(s->guest_reason), "%.*s", ev->len - 1,
			 (const char *)ev->payload + 1);
		break;
	case EV_panic:
		s->panicked = true;
		tell_text("the hypervisor panicked: ", ev, sizeof(struct ev_panic));
		break;
	case EV_selftest:
		if (ev->len && !ev->payload[0])
			tell_text("self-test failed: ", ev, sizeof(struct ev_selftest));
		break;
	case EV_log:
		if (s->verbose)
			tell_text("hypervisor: ", ev, 0);
		break;
	case EV_gap:
		s->lost = link_lost(s->link);
		break;
	}
}

static void take_event(struct session *s, const struct event *ev)
{
	s->events++;
	note_event(s, ev);
	if (s->rec)
		record_event(s->rec, ev);
	if (s->tl)
		timeline_append(s->tl, ev);
	if (s->on_event)
		s->on_event(s, ev);
	/* What is lost is told anew; a deterministic machine is never spoken to. */
	if (ev->id == EV_gap && s->tl && !s->paced)
		link_command(s->link, DO_snapshot, 0, 0, 0, 0, NULL, 0);
}

static bool drain(struct session *s)
{
	struct event ev;
	unsigned n = 0;

	while (n < MAX_EVENTS && link_next(s->link, &ev)) {
		take_event(s, &ev);
		if (!(++n % 1024))
			link_commit(s->link);
	}
	link_commit(s->link);
	return n != 0;
}

/* Breaks first, then the guest may go. */
static void first_commands(struct session *s)
{
	const struct ev_info *row = s->break_event ?
					    ev_info_by_name(s->break_event, strlen(s->break_event)) :
					    NULL;

	if (row)
		link_command(s->link, DO_brk, row->id, 0, 0, 0, NULL, 0);
	if (s->go)
		link_command(s->link, DO_resume, 0, 0, 0, 0, NULL, 0);
}

static void try_connect(struct session *s)
{
	struct stat st;
	const char *why = NULL;

	if (!s->link) {
		if (fstat(s->machine.ram_fd, &st) || st.st_size < (off_t)sizeof(struct ch_header))
			return;
		s->link = link_open(s->machine.ram_fd, s->machine.header_offset);
		if (!s->link)
			return;
		link_set_bell(s->link, ring, s);
	}
	s->ready = link_ready(s->link, &why);
	if (why) {
		say("%s: build and install all of vitrine again", why);
		s->refused = true;
		s->end = SESSION_BROKEN;
	}
	if (s->ready)
		first_commands(s);
}

/* ---- bytes --------------------------------------------------------------------- */

static bool move_output(struct session *s)
{
	char buf[4096];
	bool any = false;
	size_t n;

	while ((n = link_pipe_read(s->link, CH_CONSOLE_OUT, buf, sizeof(buf)))) {
		any = true;
		if (s->console_out && fwrite(buf, 1, n, stdout) != n)
			s->console_out = false;
	}
	if (any && s->console_out)
		fflush(stdout);
	return any;
}

static bool move_input(struct session *s)
{
	size_t n = s->input_len ? link_pipe_write(s->link, CH_CONSOLE_IN, s->input, s->input_len) : 0;

	if (!n)
		return false;
	s->input_len -= n;
	memmove(s->input, s->input + n, s->input_len);
	link_ring_bell(s->link, CH_BELL_CONSOLE);
	return true;
}

/* Ctrl-] in a terminal leaves. */
static void read_input(struct session *s)
{
	ssize_t n = read(STDIN_FILENO, s->input, sizeof(s->input));
	char *leave;

	if (n <= 0) {
		s->console_in = n < 0 && (errno == EINTR || errno == EAGAIN);
		return;
	}
	leave = s->terminal ? memchr(s->input, LEAVE, n) : NULL;
	if (leave) {
		s->end = SESSION_USER;
		n = leave - s->input;
	}
	s->input_len = n;
	move_input(s);
}

static void read_log(struct session *s)
{
	char buf[1024];
	ssize_t n;

	while ((n = read(s->machine.log_fd, buf, sizeof(buf))) > 0) {
		size_t room = sizeof(s->log) - 1 - s->log_len, drop;

		if ((size_t)n > room) {
			drop = n - room;
			memmove(s->log, s->log + drop, s->log_len - drop);
			s->log_len -= drop;
		}
		memcpy(s->log + s->log_len, buf, n);
		s->log_len += n;
		s->log[s->log_len] = '\0';
	}
}

/* ---- the loop -------------------------------------------------------------------- */

/* The deterministic machine does not wait for its reader: we make it. */
static void pace(struct session *s)
{
	if (!s->paced || link_fill(s->link) < FULL_PERCENT)
		return;
	machine_freeze(&s->machine, true);
	while (drain(s))
		;
	machine_freeze(&s->machine, false);
}

static void wait_for_work(struct session *s, int wait_ms)
{
	struct pollfd fds[3];
	int n = 0;

	if (s->machine.log_fd >= 0 && !s->machine.ended)
		fds[n++] = (struct pollfd){ s->machine.log_fd, POLLIN, 0 };
	/* Ctrl-] must be seen even if the guest takes nothing. */
	if (s->console_in && s->ready && (!s->input_len || s->terminal))
		fds[n++] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
	if (s->relay && s->ready)
		fds[n++] = (struct pollfd){ relay_fd(s->relay), POLLIN, 0 };
	poll(fds, n, wait_ms);
	for (int i = 0; i < n; i++)
		if (fds[i].fd == STDIN_FILENO && fds[i].revents)
			read_input(s);
}

static bool work(struct session *s)
{
	bool busy;

	read_log(s);
	if (!s->ready)
		try_connect(s);
	if (!s->ready)
		return false;
	pace(s);
	busy = drain(s);
	busy |= move_output(s);
	busy |= move_input(s);
	link_pump(s->link);
	if (!s->paced && link_mail_waits(s->link) && now_ms() - s->bell_ms >= BELL_MS)
		link_ring_bell(s->link, CH_BELL_MAIL);
	if (s->relay)
		busy |= relay_turn(s->relay, s->link);
	return busy;
}

/* The simulated machine's own status is the verdict; it has said why. */
static void sim_ended(struct session *s)
{
	s->guest_ended = true;
	s->guest_status = s->machine.status;
	s->end = SESSION_GUEST;
	if (s->log_len)
		fputs(s->log, stderr);
}

/* The hypervisor's own status, if its last event was lost: twice the guest's
 * plus one, by the debug-exit device. */
static bool status_from_machine(struct session *s)
{
	if (!s->ready || s->machine.signalled || !(s->machine.status & 1) ||
	    s->machine.status >> 1 == EXIT_VITRINE)
		return false;
	s->guest_status = s->machine.status >> 1;
	return true;
}

/* The guest's time is over. Who can be spoken to is asked to end, which is when it tells
 * what the guest did; who does not answer is ended. */
static void time_is_over(struct session *s)
{
	if (s->timed_out || !s->ready || s->paced || s->machine.simulated) {
		s->end = SESSION_TIMEOUT;
		return;
	}
	s->timed_out = true;
	s->deadline_ms = now_ms() + LAST_MS;
	link_command(s->link, DO_quit, 0, 0, 0, 0, NULL, 0);
}

static void look_for_end(struct session *s)
{
	if (s->end != SESSION_RUNS)
		return;
	if (caught)
		s->end = SESSION_USER;
	else if (s->machine.ended && s->timed_out && s->guest_ended && !s->panicked)
		s->end = SESSION_TIMEOUT;
	else if (s->machine.ended && s->machine.simulated && !s->machine.signalled)
		sim_ended(s);
	else if (s->machine.ended)
		s->end = s->guest_ended || status_from_machine(s) ? SESSION_GUEST : SESSION_BROKEN;
	else if (s->panicked && !s->tl && !s->relay)
		s->end = SESSION_BROKEN;
	else if (s->deadline_ms && now_ms() >= s->deadline_ms)
		time_is_over(s);
}

bool session_turn(struct session *s, int wait_ms)
{
	bool busy = work(s);

	if (!busy)
		wait_for_work(s, wait_ms);
	machine_poll(&s->machine);
	if (s->machine.ended && s->link)
		link_set_ended(s->link);
	if (s->machine.ended)
		while (work(s))
			;
	look_for_end(s);
	return s->end == SESSION_RUNS;
}

/* ---- the end ---------------------------------------------------------------------- */

static void show_log(const struct session *s)
{
	const char *p = s->log;

	while (*p) {
		size_t n = strcspn(p, "\n");

		if (n)
			say("  %.*s", (int)n, p);
		p += n + (p[n] == '\n');
	}
}

/* The last line of the log, without the name before it. */
static const char *last_words(struct session *s)
{
	char *line;

	while (s->log_len && s->log[s->log_len - 1] <= ' ')
		s->log[--s->log_len] = '\0';
	line = strrchr(s->log, '\n');
	line = line ? line + 1 : s->log;
	return strncmp(line, "vitrine-hv: ", 12) ? line : line + 12;
}

/* The hypervisor looked at what it was given and declined: nothing crashed. */
static bool declined(const struct session *s)
{
	const struct machine *m = &s->machine;

	return m->ended && !m->signalled && !s->panicked && m->status & 1 &&
	       m->status >> 1 == EXIT_VITRINE;
}

static void explain_failure(struct session *s)
{
	const struct machine *m = &s->machine;

	if (s->refused || (s->panicked && !m->ended))
		return;
	if (declined(s) && s->kvm && strstr(last_words(s), "SVM")) {
		say("--accel=kvm: KVM offers no SVM with nested paging here; it does on an AMD "
		    "processor with kvm_amd's nested=1; --accel=tcg works everywhere");
		return;
	}
	if (declined(s)) {
		say("the hypervisor declines: %s", last_words(s));
		return;
	}
	if (m->signalled)
		say("%s was ended by signal %d (%s)", machine_qemu(), m->status,
		    strsignal(m->status));
	else if (m->status == 127)
		say("%s cannot be started: install QEMU (Debian, Ubuntu: qemu-system-x86); vitrine "
		    "doctor looks at everything", machine_qemu());
	else if (!s->ready)
		say("%s ended before the hypervisor was up; vitrine doctor looks at what is needed",
		    machine_qemu());
	else
		say("the hypervisor ended without its guest (status %d)", m->status >> 1);
	show_log(s);
}

static void explain_end(const struct session *s, const char *reason)
{
	say("the guest was ended: %s", reason);
	last_say(&s->last);
}

static int status_of(struct session *s)
{
	switch (s->end) {
	case SESSION_GUEST: /* from EXIT_TRIPLE_FAULT on not by the guest's own wish */
		if (s->guest_status >= EXIT_TRIPLE_FAULT && s->guest_status != EXIT_USER)
			explain_end(s, s->guest_reason);
		return s->guest_status;
	case SESSION_USER:
	case SESSION_RUNS:
		return EXIT_USER;
	case SESSION_TIMEOUT:
		say("--timeout: the guest has not ended in time");
		if (s->timed_out && !s->guest_ended)
			say("the hypervisor did not answer: was it not given any time to run?");
		last_say(&s->last);
		return EXIT_TIMEOUT;
	default:
		explain_failure(s);
		return EXIT_VITRINE;
	}
}

int session_finish(struct session *s)
{
	bool crashed = s->end == SESSION_BROKEN && s->ready && !declined(s);
	int status;

	machine_kill(&s->machine);
	if (s->link)
		while (drain(s))
			;
	status = status_of(s);
	if (crashed)
		ram_keep(s->machine.ram_fd);
	relay_close(s->relay, s->link);
	if (s->rec && !record_close(s->rec, s->lost)) {
		say("the recording could not be written completely: is the disk full?");
		status = status ? status : EXIT_VITRINE;
	}
	if (s->lost)
		say("%" PRIu64 " events were lost: the machine was faster than its reader", s->lost);
	link_close(s->link);
	timeline_free(s->tl);
	schema_free(s->schema);
	text_free(&s->last);
	if (s->machine.ram_fd >= 0)
		close(s->machine.ram_fd);
	return status;
}
