/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing; bodies are shared by reference count. */
#include "tui/map.h"
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

struct map_body {
	u32 refs;
	u32 count;
	u32 slots;	/* a power of two */
	u64 *keys;	/* MAP_NO_KEY: free */
	u8 *values;
};

static u32 hash(u64 key, u32 slots)
{
	return (u32)((key * 0x9e3779b97f4a7c15ull) >> 32) & (slots - 1);
}

static struct map_body *body_new(u32 slots, u32 value_size)
{
	struct map_body *body = xcalloc(1, sizeof(*body));

	body->refs = 1;
	body->slots = slots;
	body->keys = xcalloc(slots, sizeof(u64));
	body->values = xcalloc(slots, value_size);
	memset(body->keys, 0xff, slots * sizeof(u64));
	return body;
}

static void body_put_ref(struct map_body *body)
{
	if (!body || --body->refs)
		return;
	free(body->keys);
	free(body->values);
	free(body);
}

void map_init(struct map *map, u32 value_size)
{
	map->body = NULL;
	map->value_size = value_size;
}

void map_fini(struct map *map)
{
	body_put_ref(map->body);
	map->body = NULL;
}

void map_copy(struct map *to, const struct map *from)
{
	*to = *from;
	if (to->body)
		to->body->refs++;
}

u32 map_count(const struct map *map)
{
	return map->body ? map->body->count : 0;
}

/* The slot of the key, or the free one where it belongs. */
static u32 find(const struct map_body *body, u64 key)
{
	u32 i = hash(key, body->slots);

	while (body->keys[i] != key && body->keys[i] != MAP_NO_KEY)
		i = (i + 1) & (body->slots - 1);
	return i;
}

static u8 *value_at(const struct map *map, const struct map_body *body, u32 i)
{
	return body->values + (size_t)i * map->value_size;
}

const void *map_get(const struct map *map, u64 key)
{
	u32 i;

	if (!map->body || key == MAP_NO_KEY)
		return NULL;
	i = find(map->body, key);
	return map->body->keys[i] == key ? value_at(map, map->body, i) : NULL;
}

/* Makes the body ours alone, with room for one more. */
static void own(struct map *map)
{
	struct map_body *old = map->body, *body;
	u32 slots = old ? old->slots : 8;

	if (old && (old->count + 1) * 4 > slots * 3)
		slots *= 2;
	if (old && old->refs == 1 && slots == old->slots)
		return;
	body = body_new(slots, map->value_size);
	for (u32 i = 0; old && i < old->slots; i++) {
		u32 to;

		if (old->keys[i] == MAP_NO_KEY)
			continue;
		to = find(body, old->keys[i]);
		body->keys[to] = old->keys[i];
		memcpy(value_at(map, body, to), value_at(map, old, i), map->value_size);
		body->count++;
	}
	body_put_ref(old);
	map->body = body;
}

void *map_put(struct map *map, u64 key)
{
	u32 i;

	own(map);
	i = find(map->body, key);
	if (map->body->keys[i] != key) {
		map->body->keys[i] = key;
		memset(value_at(map, map->body, i), 0, map->value_size);
		map->body->count++;
	}
	return value_at(map, map->body, i);
}

/* Moves later entries of the run into the hole, so that probing never stops
 * too early. */
static void close_hole(struct map *map, u32 hole)
{
	struct map_body *body = map->body;
	u32 mask = body->slots - 1;

	for (u32 i = (hole + 1) & mask; body->keys[i] != MAP_NO_KEY; i = (i + 1) & mask) {
		u32 home = hash(body->keys[i], body->slots);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		body->keys[hole] = body->keys[i];
		memcpy(value_at(map, body, hole), value_at(map, body, i), map->value_size);
		hole = i;
	}
	body->keys[hole] = MAP_NO_KEY;
}

bool map_remove(struct map *map, u64 key)
{
	u32 i;

	if (!map_get(map, key))
		return false;
	own(map);
	i = find(map->body, key);
	close_hole(map, i);
	map->body->count--;
	return true;
}

const void *map_next(const struct map *map, u32 *at, u64 *key)
{
	const struct map_body *body = map->body;

	for (; body && *at < body->slots; (*at)++) {
		if (body->keys[*at] == MAP_NO_KEY)
			continue;
		*key = body->keys[*at];
		return value_at(map, body, (*at)++);
	}
	return NULL;
}

static int by_key(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

u64 *map_keys(const struct map *map, u32 *count)
{
	u64 *keys, key;
	u32 n = 0, at = 0;

	*count = map_count(map);
	if (!*count)
		return NULL;
	keys = xcalloc(*count, sizeof(*keys));
	while (map_next(map, &at, &key))
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), by_key);
	return keys;
}
