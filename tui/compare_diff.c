/* SPDX-License-Identifier: MIT */
/* Where two runs part, and what is different there. */
#include "tui/compare.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "mmu/role.h"
#include "tui/format.h"

/* ---- events ---------------------------------------------------------------------- */

/* Told by the settings or by the hypervisor about itself; nothing that happens. */
static bool is_preface(const struct event *ev)
{
	switch (ev->id) {
	case EV_boot:
	case EV_selftest:
	case EV_log:
	case EV_site:
	case EV_mmu_config:
	case EV_knob:
	case EV_command:
	case EV_reply:
	case EV_step:
	case EV_expect:
		return true;
	}
	return ev->flags & CH_EV_SYNTHETIC;
}

/* What is compared of an event. A role for our tables follows from the settings. */
static size_t told(const struct event *ev)
{
	return ev->id == EV_mmu_role ? offsetof(struct ev_mmu_role, root_role) : ev->len;
}

static bool same_event(const struct event *a, const struct event *b)
{
	return a->id == b->id && a->vm == b->vm && a->level == b->level && a->vcpu == b->vcpu &&
	       a->len == b->len && !memcmp(a->payload, b->payload, told(a));
}

static size_t next_event(const struct timeline *tl, size_t at)
{
	while (at < timeline_count(tl) && is_preface(timeline_event(tl, at)))
		at++;
	return at;
}

bool compare_parting(const struct timeline *a, const struct timeline *b, size_t *at_a,
		     size_t *at_b)
{
	size_t i = next_event(a, 0), j = next_event(b, 0);

	while (i < timeline_count(a) && j < timeline_count(b) &&
	       same_event(timeline_event(a, i), timeline_event(b, j))) {
		i = next_event(a, i + 1);
		j = next_event(b, j + 1);
	}
	*at_a = i;
	*at_b = j;
	return i < timeline_count(a) || j < timeline_count(b);
}

/* ---- what the guest showed ------------------------------------------------------- */

static size_t first_other_byte(const u8 *a, const u8 *b, size_t len)
{
	size_t i = 0;

	while (i < len && a[i] == b[i])
		i++;
	return i;
}

bool compare_guest(struct text *say, const struct timeline *tl_a, const struct timeline *tl_b)
{
	const struct model *a = timeline_live(tl_a), *b = timeline_live(tl_b);
	size_t len_a, len_b, at, shorter;
	const u8 *con_a = model_console(a, &len_a), *con_b = model_console(b, &len_b);

	shorter = len_a < len_b ? len_a : len_b;
	at = first_other_byte(con_a, con_b, shorter);
	if (at < shorter || len_a != len_b)
		text_add(say, "the guest's consoles differ from byte %zu on (%zu and %zu bytes)\n",
			 at, len_a, len_b);
	else if (a->ended != b->ended || a->end_status != b->end_status)
		text_add(say, "the guest's ends differ: %s (%u) and %s (%u)\n", a->end_reason,
			 a->end_status, b->end_reason, b->end_status);
	else
		return text_add(say, "the guest did the same: %zu bytes of console, the same end\n",
				len_a), true;
	return false;
}

/* ---- states -------------------------------------------------------------------------- */

/* The pages of a model, sorted by what they stand for. */
struct pages {
	const struct model_sp **sp;
	u32 nr;
};

static int by_role_and_gfn(const struct model_sp *x, const struct model_sp *y)
{
	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	return x->gfn < y->gfn ? -1 : x->gfn > y->gfn;
}

static int sort_pages(const void *a, const void *b)
{
	const struct model_sp *x = *(const struct model_sp *const *)a;
	const struct model_sp *y = *(const struct model_sp *const *)b;
	int order = by_role_and_gfn(x, y);

	return order ? order : x->sp < y->sp ? -1 : x->sp > y->sp;
}

static struct pages pages_of(const struct model_vm *vm)
{
	u32 n = 0;
	u64 *keys = vm ? map_keys(&vm->sps, &n) : NULL;
	struct pages pages = { calloc(n + 1, sizeof(*pages.sp)), 0 };

	for (u32 i = 0; pages.sp && i < n; i++) {
		struct model_sp *const *sp = map_get(&vm->sps, keys[i]);

		if (!(*sp)->zapped)
			pages.sp[pages.nr++] = *sp;
	}
	free(keys);
	if (pages.sp)
		qsort(pages.sp, pages.nr, sizeof(*pages.sp), sort_pages);
	return pages;
}

/* Lines of one kind: no more than a few are shown, all are counted. */
struct lines {
	struct text *to;
	unsigned room, more;
};

static bool line_fits(struct lines *lines)
{
	if (!lines->room)
		return lines->more++, false;
	lines->room--;
	return true;
}

static void lines_end(struct lines *lines, const char *what)
{
	if (lines->more)
		text_add(lines->to, "  and %u more %s\n", lines->more, what);
}

static void name_page(struct text *to, const struct model_sp *sp)
{
	char role[ROLE_TEXT_MAX];

	role_text((union mmu_role){ .word = sp->role }, role, sizeof(role));
	text_add(to, "page %u, gfn 0x%" PRIx64 ", role %s", sp->sp, sp->gfn, role);
}

static void one_sided(struct lines *lines, const struct model_sp *sp, const char *side)
{
	if (!line_fits(lines))
		return;
	text_add(lines->to, "  only %s: ", side);
	name_page(lines->to, sp);
	text_add(lines->to, ", %u entries\n", sp->present);
}

/* Entries that lead to tables have the addresses of these, which say nothing here. */
static u64 comparable(const struct model_vm *vm, const struct model_sp *sp, unsigned i)
{
	return model_child(vm, sp->sp, i) ? sp->spte[i] & ~BITS(51, 12) : sp->spte[i];
}

static void both_sides(struct lines *lines, const struct model_vm *vm_a, const struct model_sp *a,
		       const struct model_vm *vm_b, const struct model_sp *b)
{
	unsigned differ = 0, first = 0;

	for (unsigned i = PT_ENTRIES; i-- > 0;) {
		if (comparable(vm_a, a, i) == comparable(vm_b, b, i))
			continue;
		first = i;
		differ++;
	}
	if ((!differ && a->unsync == b->unsync) || !line_fits(lines))
		return;
	text_add(lines->to, "  ");
	name_page(lines->to, a);
	if (differ)
		text_add(lines->to, ": %u entries differ, entry %u: 0x%" PRIx64 " and 0x%" PRIx64,
			 differ, first, a->spte[first], b->spte[first]);
	if (a->unsync != b->unsync)
		text_add(lines->to, ", unsync only in %s", a->unsync ? "a" : "b");
	text_add(lines->to, "\n");
}

static void compare_pages(struct text *to, const struct model_vm *a, const struct model_vm *b,
			  unsigned room)
{
	struct pages pa = pages_of(a), pb = pages_of(b);
	struct lines lines = { to, room, 0 };
	u32 i = 0, j = 0;

	while (i < pa.nr || j < pb.nr) {
		int order = i == pa.nr ? 1 : j == pb.nr ? -1 : by_role_and_gfn(pa.sp[i], pb.sp[j]);

		if (!order)
			both_sides(&lines, a, pa.sp[i], b, pb.sp[j]);
		else
			one_sided(&lines, order < 0 ? pa.sp[i] : pb.sp[j], order < 0 ? "a" : "b");
		i += order <= 0;
		j += order >= 0;
	}
	lines_end(&lines, "pages");
	text_add(to, "  pages: %u and %u; rmap entries: %u and %u\n", pa.nr, pb.nr,
		 a ? map_count(&a->rmaps) : 0, b ? map_count(&b->rmaps) : 0);
	free(pa.sp);
	free(pb.sp);
}

static void compare_vcpus(struct text *to, const struct model_vm *a, const struct model_vm *b)
{
	for (unsigned i = 0; i < MODEL_MAX_VCPUS; i++) {
		const struct model_context *x = model_hardware(&a->vcpu[i]);
		const struct model_context *y = model_hardware(&b->vcpu[i]);

		if (x->root_role != y->root_role)
			text_add(to, "  vcpu %u: root role 0x%x and 0x%x\n", i, x->root_role,
				 y->root_role);
		if (!x->root[0].sp != !y->root[0].sp)
			text_add(to, "  vcpu %u: only in %s it has a root\n", i,
				 x->root[0].sp ? "a" : "b");
		if (a->vcpu[i].requests != b->vcpu[i].requests)
			text_add(to, "  vcpu %u: requests 0x%x and 0x%x\n", i,
				 a->vcpu[i].requests, b->vcpu[i].requests);
	}
}

void compare_states(struct text *to, const struct model *a, const struct model *b, unsigned lines)
{
	for (unsigned i = 0; i < a->nr_vms; i++) {
		const struct model_vm *vm = a->vm[i], *other = model_vm(b, vm->level, vm->vm);

		if (!other) {
			text_add(to, "  machine %u of level %u is only in a\n", vm->vm, vm->level);
			continue;
		}
		if (map_count(&vm->slots) != map_count(&other->slots))
			text_add(to, "  slots: %u and %u\n", map_count(&vm->slots),
				 map_count(&other->slots));
		compare_vcpus(to, vm, other);
		compare_pages(to, vm, other, lines);
	}
}
