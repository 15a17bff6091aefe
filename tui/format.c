/* SPDX-License-Identifier: MIT */
/* Values by their unit, and the stable long form of an event. */
#include "tui/format.h"
#include <inttypes.h>
#include <string.h>
#include "mmu/role.h"
#include "mmu/status.h"

static const char *pick(const char *const *names, unsigned n, unsigned i)
{
	return i < n && names[i] ? names[i] : "?";
}

#define PICK(i, ...)                                                                               \
	do {                                                                                       \
		static const char *const names[] = { __VA_ARGS__ };                                \
		return pick(names, sizeof(names) / sizeof(names[0]), (i));                         \
	} while (0)

const char *access_name(unsigned acc)
{
	PICK(acc, "---", "--x", "w--", "w-x", "-u-", "-ux", "wu-", "wux");
}

const char *mode_name(unsigned mode)
{
	PICK(mode, "shadow", "tdp");
}

static const char *machine_name(unsigned machine)
{
	PICK(machine, NULL, "svm", "sim");
}

const char *vstate_name(unsigned state)
{
	PICK(state, "running", "halted", "stopped", "ended", "waiting");
}

const char *stopwhy_name(unsigned why)
{
	PICK(why, "pause", "step", "break", "gdb", "start", "audit", "panic");
}

static const char *stepkind_name(unsigned kind)
{
	PICK(kind, "none", "insn", "event", "fault", "exit");
}

static const char *apicmode_name(unsigned mode)
{
	PICK(mode, "fixed", "lowest", "smi", NULL, "nmi", "init", "startup");
}

static const char *apicsource_name(unsigned source)
{
	PICK(source, "self", "cpu", "ioapic");
}

static const char *space_name(unsigned space)
{
	PICK(space, "gva", "gpa", "hpa");
}

const char *why_name(unsigned why)
{
	static const char *const names[] = {
#define WHY(name, sentence) #name,
#include "mmu/flush.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), why);
}

const char *why_sentence(unsigned why)
{
	static const char *const names[] = {
#define WHY(name, sentence) sentence,
#include "mmu/flush.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), why);
}

const char *zapwhy_name(unsigned why)
{
	static const char *const names[] = {
#define ZAP(name, sentence) #name,
#include "mmu/zap.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), why);
}

const char *request_name(unsigned what)
{
	static const char *const names[] = {
#define REQUEST(name, sentence) #name,
#include "mmu/request.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), what);
}

static const char *knob_name(unsigned knob)
{
	static const char *const names[] = {
#define KNOB(name, initial, min, max, sentence) #name,
#include "mmu/knob.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), knob);
}

const char *context_name(unsigned context)
{
	static const char *const names[] = {
#define CONTEXT(name, sentence) #name,
#include "mmu/context.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), context);
}

const char *verdict_name(unsigned verdict)
{
	static const char *const names[] = {
#define VERDICT(name, sentence) #name,
#include "mmu/status.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), verdict);
}

static const char *status_name(unsigned status)
{
	static const char *const names[] = {
#define STATUS(name, sentence) #name,
#include "mmu/status.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), status);
}

static const char *command_name(unsigned command)
{
	static const char *const names[] = {
#define COMMAND(id, name, sentence, a, b, c, d) [id] = #name,
#include "hv/channel/command.def"
	};

	return pick(names, sizeof(names) / sizeof(names[0]), command);
}

static const char *eventid_name(unsigned id)
{
	const struct ev_info *row = id <= 0xffff ? ev_info(id) : NULL;

	return row ? row->name : "?";
}

typedef const char *(*name_fn)(unsigned value);

struct unit {
	const char *name;
	bool hex;
	name_fn names;	/* NULL: a number */
};

static const struct unit units[] = {
#define UNIT(name, hex)	      { #name, hex, NULL },
#define NAMED(name, function) { #name, true, function },
#include "tui/unit.def"
};

static const struct unit *find_unit(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

static void add_value(struct text *to, const char *unit_name, u64 value, const char *prefix)
{
	const struct unit *unit = find_unit(unit_name);
	const char *name = unit && unit->names && value <= 0xffff ? unit->names(value) : "?";

	if (name[0] != '?')
		text_add(to, "%s", name);
	else if (unit && unit->hex)
		text_add(to, "%s%" PRIx64, prefix, value);
	else
		text_add(to, "%" PRIu64, value);
}

void format_value(struct text *to, const char *unit, u64 value)
{
	add_value(to, unit, value, "0x");
}

void format_escaped(struct text *to, const u8 *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		u8 c = bytes[i];

		if (c == '\n')
			text_put(to, "\\n", 2);
		else if (c == '"' || c == '\\')
			text_add(to, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			text_add(to, "\\x%02x", c);
		else
			text_put(to, (const char *)&bytes[i], 1);
	}
}

static void add_tail(struct text *to, const struct ev_field *field, const u8 *bytes, size_t len)
{
	if (!strcmp(field->unit, "text")) {
		text_add(to, "\"");
		format_escaped(to, bytes, len);
		text_add(to, "\"");
		return;
	}
	for (size_t i = 0; i < len; i++)
		text_add(to, "%02x", bytes[i]);
	if (!len)
		text_add(to, "-");
}

static void add_fields(struct text *to, const struct schema *schema, const struct event *ev)
{
	const struct ev_info *row = schema_row(schema, ev->id);
	size_t len;
	const u8 *tail;
	u64 value;

	for (unsigned i = 0; row->fields[i].name; i++) {
		const struct ev_field *field = &row->fields[i];

		text_add(to, " %s=", field->name);
		if (!field->size) {
			tail = event_tail(schema, ev, &len);
			add_tail(to, field, tail, len);
		} else if (ev_value(row, i, ev->payload, ev->len, &value)) {
			format_value(to, field->unit, value);
		} else {
			text_add(to, "?");
		}
	}
}

void format_event(struct text *to, const struct schema *schema, const struct event *ev)
{
	const struct ev_info *row = schema_row(schema, ev->id);

	text_add(to, "%" PRIu64 " %" PRIu64 " %u.%u.", ev->seq, ev->clock, ev->vm, ev->level);
	if (ev->vcpu == EVENT_NO_VCPU)
		text_add(to, "-");
	else
		text_add(to, "%u", ev->vcpu);
	text_add(to, " cause=%" PRIu64 " ", ev->cause);
	if (row) {
		text_add(to, "%s", row->name);
		add_fields(to, schema, ev);
	} else {
		text_add(to, "event-0x%x", ev->id);
	}
	if (ev->flags & CH_EV_SYNTHETIC)
		text_add(to, " synthetic");
	if (ev->site != EVENT_NO_SITE)
		text_add(to, " @%u", ev->site);
}

/* Columns of a narrow list: a value alone where its name says nothing new. */
static bool value_speaks(const char *unit)
{
	static const char *const units_alone[] = { "exitkind", "verdict", "why", "vstate", "stopwhy",
						   "stepkind", "command", "acc", "mode", "machine",
						   "eventid" };

	for (size_t i = 0; i < sizeof(units_alone) / sizeof(units_alone[0]); i++)
		if (!strcmp(unit, units_alone[i]))
			return true;
	return false;
}

/* Events whose general form is too long for a column. */
static bool add_short_form(struct text *to, const struct event *ev)
{
	union {
		struct ev_exit exit;
		struct ev_spte_set set;
		struct ev_sp_new made;
		struct ev_aged aged;
		struct ev_ages ages;
	} e;
	char role[64];

	memset(&e, 0, sizeof(e));
	memcpy(&e, ev->payload, ev->len < sizeof(e) ? ev->len : sizeof(e));
	switch (ev->id) {
	case EV_exit:
		text_add(to, " %s rip %" PRIx64, ch_exit_name(e.exit.kind), (u64)e.exit.rip);
		if (e.exit.info1 || e.exit.info2)
			text_add(to, " info %" PRIx64 " %" PRIx64, (u64)e.exit.info1,
				 (u64)e.exit.info2);
		return true;
	case EV_spte_set:
		text_add(to, " %u[%u] gfn %" PRIx64 " %" PRIx64 " → %" PRIx64, e.set.sp,
			 e.set.index, (u64)e.set.gfn, (u64)e.set.old, (u64)e.set.new);
		return true;
	case EV_sp_new:
	case EV_sp_hit:
		role_text((union mmu_role){ .word = e.made.role }, role, sizeof(role));
		text_add(to, " %u gfn %" PRIx64 " %s", e.made.sp, (u64)e.made.gfn, role);
		return true;
	case EV_aged:
		text_add(to, " %s as %u gfn %" PRIx64 ".. %" PRIu64 " young %" PRIu64 " old",
			 e.aged.cleared ? "anew" : "test", e.aged.as, (u64)e.aged.start,
			 (u64)e.aged.young, (u64)e.aged.old);
		return true;
	case EV_ages:
		text_add(to, " as %u gfn %" PRIx64 ".. %u of %u young", e.ages.as, (u64)e.ages.gfn,
			 __builtin_popcountll(e.ages.young), __builtin_popcountll(e.ages.known));
		return true;
	default:
		return false;
	}
}

void format_event_short(struct text *to, const struct schema *schema, const struct event *ev)
{
	const struct ev_info *row = schema_row(schema, ev->id);
	size_t len;
	const u8 *tail;
	u64 value;

	text_add(to, "%s", row ? row->name : "?");
	if (add_short_form(to, ev))
		return;
	for (unsigned i = 0; row && row->fields[i].name; i++) {
		const struct ev_field *field = &row->fields[i];

		if (!ev_value(row, i, ev->payload, ev->len, &value))
			continue;
		text_add(to, " ");
		if (!value_speaks(field->unit))
			text_add(to, "%s ", field->name);
		add_value(to, field->unit, value, "");
	}
	tail = event_tail(schema, ev, &len);
	if (tail) {
		text_add(to, " ");
		format_escaped(to, tail, len < 80 ? len : 80);
	}
}
