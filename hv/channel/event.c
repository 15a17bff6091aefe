/* SPDX-License-Identifier: MIT */
/* The table of all events, and questions to it. Pure data and lookup. */
#include "hv/channel/event.h"

#define F(type, name, unit)		 { #name, #unit, sizeof(type) },
#define EVENT(id, name, sentence, kvm, ...) { id, #name, sentence, kvm, { __VA_ARGS__ } },

const struct ev_info ev_table[] = {
#include "mmu/event.def"
#define F(type, name, unit)		 { #name, #unit, sizeof(type) },
#define T(name)				 { #name, "text", 0 },
#define B(name)				 { #name, "bytes", 0 },
#define EVENT(id, name, sentence, kvm, ...) { id, #name, sentence, kvm, { __VA_ARGS__ } },
#include "hv/channel/event.def"
};

const unsigned ev_table_size = sizeof(ev_table) / sizeof(ev_table[0]);

/* Two rows with one id do not compile. */
static inline void ids_are_unique(u16 id)
{
	switch (id) {
#define EVENT(id, name, sentence, kvm, ...) case id:
#include "mmu/event.def"
#define EVENT(id, name, sentence, kvm, ...) case id:
#include "hv/channel/event.def"
	default:
		break;
	}
}

const struct ev_info *ev_info(u16 id)
{
	ids_are_unique(id);
	for (unsigned i = 0; i < ev_table_size; i++)
		if (ev_table[i].id == id)
			return &ev_table[i];
	return NULL;
}

static bool same(const char *a, const char *b, size_t len)
{
	size_t i = 0;

	while (i < len && a[i] && a[i] == b[i])
		i++;
	return i == len && !a[i];
}

const struct ev_info *ev_info_by_name(const char *name, size_t len)
{
	for (unsigned i = 0; i < ev_table_size; i++)
		if (same(ev_table[i].name, name, len))
			return &ev_table[i];
	return NULL;
}

unsigned ev_fixed_size(const struct ev_info *info)
{
	unsigned size = 0;

	for (const struct ev_field *f = info->fields; f->name; f++)
		size += f->size;
	return size;
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int ev_field_offset(const struct ev_info *info, const char *name)
{
	unsigned offset = 0;

	for (const struct ev_field *f = info->fields; f->name; f++) {
		if (same(f->name, name, length(name)))
			return offset;
		offset += f->size;
	}
	return -1;
}

bool ev_value(const struct ev_info *info, unsigned i, const void *payload, size_t len, u64 *value)
{
	const struct ev_field *f = info->fields;
	const u8 *p = payload;
	unsigned offset = 0;

	for (; i && f->name; f++, i--)
		offset += f->size;
	if (!f->name || !f->size || offset + f->size > len)
		return false;
	*value = 0;
	for (unsigned k = 0; k < f->size; k++)
		*value |= (u64)p[offset + k] << (8 * k);
	return true;
}

static u32 mix(u32 hash, const char *s)
{
	for (; *s; s++)
		hash = (hash ^ (u8)*s) * 16777619u;
	return hash;
}

u32 ev_table_hash(void)
{
	u32 hash = 2166136261u;

	for (unsigned i = 0; i < ev_table_size; i++) {
		hash = (mix(hash, ev_table[i].name) ^ ev_table[i].id) * 16777619u;
		for (const struct ev_field *f = ev_table[i].fields; f->name; f++)
			hash = (mix(mix(hash, f->name), f->unit) ^ f->size) * 16777619u;
	}
	return hash;
}

const char *ch_exit_name(unsigned kind)
{
	switch (kind) {
#define EXITKIND(id, name, sentence)                                                               \
	case id:                                                                                   \
		return #name;
#include "hv/channel/exitkind.def"
	}
	return "?";
}
