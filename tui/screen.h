/* SPDX-License-Identifier: MIT */
/*
 * The terminal. screen_curses.c is the only file that knows ncurses; a build
 * without it (--disable-tui) has screen_none.c, where screen_open() says so.
 */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include "tui/canvas.h"

/* Takes the terminal over. false: it cannot be, and that was said. It is given
 * back by screen_close(), and at any exit. */
bool screen_open(void);
void screen_close(void);

void screen_size(int *w, int *h);

/* Shows the canvas; all: draws cells that have not changed, too. */
void screen_show(const struct canvas *canvas, bool all);

/* The terminal is no more: its window was closed, the connection broke. */
bool screen_gone(void);

/* The next key (see action.h), KEY_NONE after timeout_ms without one. */
int screen_key(int timeout_ms);

#endif
