/* SPDX-License-Identifier: MIT */
/*
 * A hash map from a u64 to a value of fixed size, cheap to copy: copies share
 * their memory until one of them is changed. The model is made of these, so
 * that a copy of it every few thousand events costs little.
 *
 * Memory that runs out ends the program (see die() in say.h).
 */
#ifndef TUI_MAP_H
#define TUI_MAP_H

#include "mmu/types.h"

#define MAP_NO_KEY (~0ull)	/* the one key that cannot be stored */

struct map_body;

struct map {
	struct map_body *body;	/* NULL: empty */
	u32 value_size;
};

void map_init(struct map *map, u32 value_size);
void map_fini(struct map *map);

/* *to becomes a copy; it was not initialised before. */
void map_copy(struct map *to, const struct map *from);

u32 map_count(const struct map *map);

/* The value, or NULL. Valid until the map is changed. */
const void *map_get(const struct map *map, u64 key);

/* The value to be written to; zeroed if the key is new. key is not
 * MAP_NO_KEY. Valid until the next put or remove. */
void *map_put(struct map *map, u64 key);

/* Returns whether the key was there. */
bool map_remove(struct map *map, u64 key);

/*
 * Goes through all entries, in no order: start with *at = 0.
 *   returns  the value and *key; NULL at the end
 */
const void *map_next(const struct map *map, u32 *at, u64 *key);

/* All keys, ascending; to be freed by the caller. NULL if there are none. */
u64 *map_keys(const struct map *map, u32 *count);

#endif
