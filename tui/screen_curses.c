/* SPDX-License-Identifier: MIT */
/* The terminal by ncurses. Nobody else includes it. */
#define _XOPEN_SOURCE_EXTENDED 1
#include <curses.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tui/screen.h"

/* curses.h has names that action.h also has; keys are numbers here. */
#undef KEY_ENTER
#include "tui/action.h"
#include "tui/say.h"

static bool is_open, has_colour;

static short curses_colour(enum ink_colour colour)
{
	static const short colours[] = {
		[INK_DEFAULT] = -1,	     [INK_RED] = COLOR_RED,	[INK_GREEN] = COLOR_GREEN,
		[INK_YELLOW] = COLOR_YELLOW, [INK_BLUE] = COLOR_BLUE,	[INK_MAGENTA] = COLOR_MAGENTA,
		[INK_CYAN] = COLOR_CYAN,     [INK_GREY] = -1,
	};

	return colours[colour];
}

static attr_t attributes(enum ink ink)
{
	static const attr_t monos[] = { [INK_PLAIN] = A_NORMAL, [INK_BOLD] = A_BOLD,
					[INK_DIM] = A_DIM, [INK_REVERSE] = A_REVERSE,
					[INK_UNDERLINE] = A_UNDERLINE };

	return monos[ink_look(ink)->mono];
}

/* NO_COLOR: https://no-color.org */
static bool colours_wanted(void)
{
	const char *no = getenv("NO_COLOR");

	return !(no && *no) && has_colors();
}

static void end_at_signal(int signal)
{
	screen_close();
	raise(signal);
}

static void give_back_at_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	struct sigaction action = { .sa_handler = end_at_signal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
}

bool screen_open(void)
{
	setlocale(LC_ALL, "");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		say("the screen needs a terminal: use --plain or --script here");
		return false;
	}
	if (!newterm(NULL, stdout, stdin)) {
		say("TERM=%s: this terminal is not known: use --plain, or set TERM",
		    getenv("TERM") ? getenv("TERM") : "");
		return false;
	}
	is_open = true;
	atexit(screen_close);
	give_back_at_signals();
	say_hold();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	has_colour = colours_wanted();
	if (has_colour) {
		start_color();
		use_default_colors();
		for (enum ink i = 0; i < NR_INKS; i++)
			init_pair(i + 1, curses_colour(ink_look(i)->colour), -1);
	}
	return true;
}

void screen_close(void)
{
	if (!is_open)
		return;
	is_open = false;
	curs_set(1);
	endwin();
	say_release();
}

void screen_size(int *w, int *h)
{
	getmaxyx(stdscr, *h, *w);
	if (*w < 1)
		*w = 1;
	if (*h < 1)
		*h = 1;
}

void screen_show(const struct canvas *canvas, bool all)
{
	if (all)
		clearok(stdscr, TRUE);
	for (int y = 0; y < canvas->h; y++)
		for (int x = 0; x < canvas->w; x++) {
			const struct cell *cell = &canvas->cells[y * canvas->w + x];
			wchar_t text[2] = { (wchar_t)cell->ch, 0 };
			cchar_t c;

			setcchar(&c, text, attributes(cell->ink), has_colour ? cell->ink + 1 : 0,
				 NULL);
			mvadd_wch(y, x, &c);
		}
	refresh();
}

static int our_key(int key)
{
	switch (key) {
	case KEY_UP:
		return KEY_UP_;
	case KEY_DOWN:
		return KEY_DOWN_;
	case KEY_LEFT:
		return KEY_LEFT_;
	case KEY_RIGHT:
		return KEY_RIGHT_;
	case KEY_HOME:
		return KEY_HOME_;
	case KEY_END:
		return KEY_END_;
	case KEY_PPAGE:
		return KEY_PAGEUP;
	case KEY_NPAGE:
		return KEY_PAGEDOWN;
	case KEY_F(1):
		return KEY_F1_;
	case KEY_BACKSPACE:
		return KEY_BACK;
	case KEY_RESIZE:
		return KEY_RESIZED;
	default:
		return key < 0 || key >= KEY_MIN ? KEY_NONE : key;
	}
}

bool screen_gone(void)
{
	struct pollfd terminal = { STDIN_FILENO, POLLIN, 0 };

	return poll(&terminal, 1, 0) > 0 && (terminal.revents & (POLLHUP | POLLERR | POLLNVAL));
}

int screen_key(int timeout_ms)
{
	timeout(timeout_ms);
	return our_key(getch());
}
