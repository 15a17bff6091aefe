/* SPDX-License-Identifier: MIT */
/* No terminal screen in this build. */
#include "tui/action.h"
#include "tui/say.h"
#include "tui/screen.h"

bool screen_open(void)
{
	say("this vitrine was built without its screen (--disable-tui): use --plain or --script");
	return false;
}

void screen_close(void)
{
}

void screen_size(int *w, int *h)
{
	*w = 80;
	*h = 24;
}

void screen_show(const struct canvas *canvas, bool all)
{
	(void)canvas;
	(void)all;
}

bool screen_gone(void)
{
	return true;
}

int screen_key(int timeout_ms)
{
	(void)timeout_ms;
	return KEY_NONE;
}
