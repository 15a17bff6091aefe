/* SPDX-License-Identifier: MIT */
/* Rows by id, and fields by name. */
#include "tui/event.h"
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

#define NR_IDS 0x10000u

struct schema {
	const struct ev_info *row[NR_IDS];
	struct ev_info **foreign;
	unsigned nr_foreign;
};

struct schema *schema_new(void)
{
	struct schema *schema = xcalloc(1, sizeof(*schema));

	for (unsigned i = 0; i < ev_table_size; i++)
		schema->row[ev_table[i].id] = &ev_table[i];
	return schema;
}

void schema_row_free(struct ev_info *row)
{
	if (!row)
		return;
	for (struct ev_field *f = row->fields; f->name; f++) {
		free((char *)f->name);
		free((char *)f->unit);
	}
	free((char *)row->name);
	free(row);
}

void schema_free(struct schema *schema)
{
	if (!schema)
		return;
	for (unsigned i = 0; i < schema->nr_foreign; i++)
		schema_row_free(schema->foreign[i]);
	free(schema->foreign);
	free(schema);
}

void schema_add(struct schema *schema, struct ev_info *row)
{
	schema->foreign = xrealloc(schema->foreign,
				   (schema->nr_foreign + 1) * sizeof(*schema->foreign));
	schema->foreign[schema->nr_foreign++] = row;
	if (!schema->row[row->id])
		schema->row[row->id] = row;
}

const struct ev_info *schema_row(const struct schema *schema, u16 id)
{
	return schema->row[id];
}

bool event_field(const struct schema *schema, const struct event *ev, const char *name, u64 *value)
{
	const struct ev_info *row = schema_row(schema, ev->id);

	for (unsigned i = 0; row && row->fields[i].name; i++)
		if (!strcmp(row->fields[i].name, name))
			return ev_value(row, i, ev->payload, ev->len, value);
	return false;
}

const u8 *event_tail(const struct schema *schema, const struct event *ev, size_t *len)
{
	const struct ev_info *row = schema_row(schema, ev->id);
	unsigned fixed = row ? ev_fixed_size(row) : 0;

	*len = 0;
	if (!row || fixed >= ev->len)
		return NULL;
	*len = ev->len - fixed;
	return ev->payload + fixed;
}
