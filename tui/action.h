/* SPDX-License-Identifier: MIT */
/* Keys and what they do; names of keys for scripts. */
#ifndef TUI_ACTION_H
#define TUI_ACTION_H

#include <stddef.h>

enum action {
	ACTION_none,
#define ACTION(name, keys, group, sentence) ACTION_##name,
#include "tui/action.def"
	NR_ACTIONS
};

struct action_info {
	const char *name, *keys, *group, *sentence;
};

/* 1 <= action < NR_ACTIONS. */
const struct action_info *action_info(enum action action);

/* Keys are characters, or one of these. */
enum key {
	KEY_NONE = 0x200000,
	KEY_UP_,
	KEY_DOWN_,
	KEY_LEFT_,
	KEY_RIGHT_,
	KEY_HOME_,
	KEY_END_,
	KEY_PAGEUP,
	KEY_PAGEDOWN,
	KEY_F1_,
	KEY_RESIZED,	/* the screen has another size now */
};

#define KEY_TAB	      '\t'
#define KEY_ENTER_    '\n'
#define KEY_ESCAPE    0x1b
#define KEY_BACK      0x7f

/* The key of a name ("Tab", "x"), KEY_NONE if there is none. */
int key_by_name(const char *name, size_t len);

/* What a key does. */
enum action action_of_key(int key);

#endif
