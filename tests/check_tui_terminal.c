/* SPDX-License-Identifier: MIT */
/*
 * The real program in a real terminal: a pty whose other end is libvterm. The
 * tests wait for what the screen shows, never for time to pass.
 */
#define _GNU_SOURCE
#include "tests/tap.h"
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

#define PATIENCE_MS 20000

static struct {
	int fd;
	pid_t pid;
	VTerm *vt;
	VTermScreen *screen;
	struct termios before;
	bool alternate;		/* the program has the alternate screen */
	bool cursor;		/* it is visible */
	int w, h;
} term;

static int on_property(VTermProp prop, VTermValue *value, void *user)
{
	(void)user;
	if (prop == VTERM_PROP_ALTSCREEN)
		term.alternate = value->boolean;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		term.cursor = value->boolean;
	return 1;
}

static const VTermScreenCallbacks callbacks = { .settermprop = on_property };

static void to_program(const char *bytes, size_t len, void *user)
{
	(void)user;
	ck_assert_int_eq(write(term.fd, bytes, len), (ssize_t)len);
}

/* Runs `vitrine view` on the events of the golden screens. */
static void start(int w, int h, const char *no_color)
{
	const char *top = getenv("top_builddir"), *src = getenv("srcdir");
	struct winsize size = { .ws_row = h, .ws_col = w };
	char program[512], events[512], source[512];

	snprintf(program, sizeof(program), "%s/tui/vitrine", top ? top : ".");
	snprintf(events, sizeof(events), "%s/tests/tui/shadow.events", src ? src : ".");
	snprintf(source, sizeof(source), "--source=%s/tests/tui/src", src ? src : ".");
	memset(&term, 0, sizeof(term));
	term.w = w;
	term.h = h;
	term.cursor = true;
	term.vt = vterm_new(h, w);
	vterm_set_utf8(term.vt, 1);
	vterm_output_set_callback(term.vt, to_program, NULL);
	term.screen = vterm_obtain_screen(term.vt);
	vterm_screen_set_callbacks(term.screen, &callbacks, NULL);
	vterm_screen_enable_altscreen(term.screen, 1);
	vterm_screen_reset(term.screen, 1);
	term.pid = forkpty(&term.fd, NULL, NULL, &size);
	ck_assert_int_ge(term.pid, 0);
	if (!term.pid) {
		setenv("TERM", "xterm-256color", 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		if (no_color)
			setenv("NO_COLOR", no_color, 1);
		else
			unsetenv("NO_COLOR");
		execl(program, "vitrine", "view", source, events, (char *)NULL);
		_exit(99);
	}
	ck_assert_int_eq(tcgetattr(term.fd, &term.before), 0);
}

/* Takes what the program has written; false at its end. */
static bool take(int timeout_ms)
{
	struct pollfd fd = { term.fd, POLLIN, 0 };
	char buf[8192];
	ssize_t n;

	if (poll(&fd, 1, timeout_ms) <= 0)
		return true;
	n = read(term.fd, buf, sizeof(buf));
	if (n <= 0)
		return false;
	vterm_input_write(term.vt, buf, n);
	return true;
}

static void line_text(int y, char *to)
{
	VTermRect rect = { .start_row = y, .end_row = y + 1, .start_col = 0, .end_col = term.w };
	size_t n = vterm_screen_get_text(term.screen, to, 4 * 400, rect);

	to[n] = '\0';
}

static bool shows(const char *text)
{
	char line[4 * 400 + 1];

	for (int y = 0; y < term.h; y++) {
		line_text(y, line);
		if (strstr(line, text))
			return true;
	}
	return false;
}

static bool has_colour(void)
{
	VTermScreenCell cell;

	for (int y = 0; y < term.h; y++)
		for (int x = 0; x < term.w; x++) {
			VTermPos pos = { .row = y, .col = x };

			if (vterm_screen_get_cell(term.screen, pos, &cell) &&
			    !VTERM_COLOR_IS_DEFAULT_FG(&cell.fg))
				return true;
		}
	return false;
}

static void print_screen(void)
{
	char line[4 * 400 + 1];

	for (int y = 0; y < term.h; y++) {
		line_text(y, line);
		fprintf(stderr, "# |%s\n", line);
	}
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void wait_for(const char *text)
{
	long end = now_ms() + PATIENCE_MS;

	while (!shows(text)) {
		if (!take(50) || now_ms() > end) {
			print_screen();
			ck_abort_msg("the screen never showed \"%s\"", text);
		}
	}
}

static void press(const char *keys)
{
	ck_assert_int_eq(write(term.fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void resize(int w, int h)
{
	struct winsize size = { .ws_row = h, .ws_col = w };

	term.w = w;
	term.h = h;
	vterm_set_size(term.vt, h, w);
	ck_assert_int_eq(ioctl(term.fd, TIOCSWINSZ, &size), 0);
}

/* Waits for the end and looks at what it leaves behind. */
static void finish(int status)
{
	struct termios after;
	int got;

	ck_assert_int_eq(tcgetattr(term.fd, &after), 0);
	while (take(PATIENCE_MS))
		if (waitpid(term.pid, &got, WNOHANG) == term.pid) {
			while (take(0) && poll(&(struct pollfd){ term.fd, POLLIN, 0 }, 1, 0) > 0)
				;
			goto ended;
		}
	ck_assert_int_eq(waitpid(term.pid, &got, 0), term.pid);
ended:
	ck_assert(WIFEXITED(got));
	ck_assert_int_eq(WEXITSTATUS(got), status);
	ck_assert_msg(!term.alternate, "the alternate screen was left on");
	ck_assert_msg(term.cursor, "the cursor was left invisible");
	close(term.fd);
	vterm_free(term.vt);
}

START_TEST(the_screen_comes_up_and_q_gives_the_terminal_back)
{
	struct termios now;

	start(80, 24, NULL);
	wait_for("PAGES 5");
	wait_for("q:quit");
	ck_assert(term.alternate);
	ck_assert(has_colour());
	ck_assert_int_eq(tcgetattr(term.fd, &now), 0);
	ck_assert(!(now.c_lflag & ECHO));
	press("q");
	finish(0);
}
END_TEST

START_TEST(keys_work_as_in_the_golden_screens)
{
	start(80, 24, NULL);
	wait_for("PAGES 5");
	press("?");
	wait_for("let the guest run");
	press("q4");
	wait_for("the hardware may use the entry");
	press("1/nothing\r");
	wait_for("no later event with \"nothing\"");
	vterm_keyboard_key(term.vt, VTERM_KEY_LEFT, VTERM_MOD_NONE);
	wait_for("at event 70: audit_end");
	press(":goto 33\r");
	wait_for("at event 33: sp_new");
	press("q");
	finish(0);
}
END_TEST

START_TEST(a_storm_of_sizes_down_to_one_cell_does_no_harm)
{
	static const int sizes[][2] = { { 1, 1 },  { 200, 60 }, { 3, 50 },  { 160, 2 },
					{ 79, 23 }, { 1, 1 },	{ 60, 16 }, { 59, 15 } };

	start(80, 24, NULL);
	wait_for("PAGES 5");
	for (int round = 0; round < 5; round++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			resize(sizes[i][0], sizes[i][1]);
			take(1);
		}
	wait_for("too small, needs 60x16");
	resize(1, 1);
	take(20);
	resize(80, 24);
	wait_for("PAGES 5");
	wait_for("q:quit");
	press("q");
	finish(0);
}
END_TEST

START_TEST(with_no_color_there_is_none_and_all_is_still_said)
{
	start(80, 24, "1");
	wait_for("PAGES 5");
	vterm_keyboard_key(term.vt, VTERM_KEY_LEFT, VTERM_MOD_NONE);
	wait_for("at event 70");
	ck_assert(!has_colour());
	ck_assert(shows("● 61 green"));
	press("q");
	finish(0);
}
END_TEST

START_TEST(a_signal_gives_the_terminal_back)
{
	int got;

	start(80, 24, NULL);
	wait_for("PAGES 5");
	kill(term.pid, SIGTERM);
	while (take(PATIENCE_MS))
		if (waitpid(term.pid, &got, WNOHANG) == term.pid)
			break;
	while (poll(&(struct pollfd){ term.fd, POLLIN, 0 }, 1, 0) > 0 && take(0))
		;
	ck_assert(!term.alternate);
	ck_assert(term.cursor);
	close(term.fd);
	vterm_free(term.vt);
}
END_TEST

START_TEST(a_closed_window_ends_even_who_ignores_the_signal)
{
	int got = 0;
	pid_t ended = 0;
	long end;

	signal(SIGHUP, SIG_IGN);	/* inherited by the program */
	start(80, 24, NULL);
	wait_for("PAGES 5");
	close(term.fd);
	for (end = now_ms() + PATIENCE_MS; !ended && now_ms() < end; poll(NULL, 0, 20))
		ended = waitpid(term.pid, &got, WNOHANG);
	if (!ended)
		kill(term.pid, SIGKILL);
	ck_assert_int_eq(ended, term.pid);
	vterm_free(term.vt);
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = {
		the_screen_comes_up_and_q_gives_the_terminal_back,
		keys_work_as_in_the_golden_screens,
		a_storm_of_sizes_down_to_one_cell_does_no_harm,
		with_no_color_there_is_none_and_all_is_still_said,
		a_signal_gives_the_terminal_back,
		a_closed_window_ends_even_who_ignores_the_signal,
	};
	Suite *suite = suite_create("terminal");
	TCase *all = tcase_create("terminal");

	(void)argc;
	(void)argv;
	tcase_set_timeout(all, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	return tap_run(suite);
}
