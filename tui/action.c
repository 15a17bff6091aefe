/* SPDX-License-Identifier: MIT */
/* The table of actions, and keys by name. */
#include "tui/action.h"
#include <string.h>

static const struct action_info infos[] = {
	[ACTION_none] = { "none", "", "", "" },
#define ACTION(name, keys, group, sentence) [ACTION_##name] = { #name, keys, group, sentence },
#include "tui/action.def"
};

const struct action_info *action_info(enum action action)
{
	return &infos[action];
}

static const struct key_name {
	const char *name;
	int key;
} key_names[] = {
	{ "Space", ' ' },	  { "Tab", KEY_TAB },	      { "Enter", KEY_ENTER_ },
	{ "Escape", KEY_ESCAPE }, { "Backspace", KEY_BACK },  { "Up", KEY_UP_ },
	{ "Down", KEY_DOWN_ },	  { "Left", KEY_LEFT_ },      { "Right", KEY_RIGHT_ },
	{ "Home", KEY_HOME_ },	  { "End", KEY_END_ },	      { "PageUp", KEY_PAGEUP },
	{ "PageDown", KEY_PAGEDOWN }, { "F1", KEY_F1_ },      { "Ctrl-L", 'L' - '@' },
};

int key_by_name(const char *name, size_t len)
{
	if (len == 1)
		return (unsigned char)name[0];
	for (size_t i = 0; i < sizeof(key_names) / sizeof(key_names[0]); i++)
		if (strlen(key_names[i].name) == len && !memcmp(key_names[i].name, name, len))
			return key_names[i].key;
	return KEY_NONE;
}

enum action action_of_key(int key)
{
	for (enum action a = 1; a < NR_ACTIONS; a++) {
		const char *p = infos[a].keys;

		while (*p) {
			size_t n = strcspn(p, " ");

			if (key_by_name(p, n) == key)
				return a;
			p += n + (p[n] == ' ');
		}
	}
	return ACTION_none;
}
