/* SPDX-License-Identifier: MIT */
/* The last exits of a guest and its registers, as lines. */
#include "tui/last.h"
#include <inttypes.h>
#include <string.h>
#include "tui/format.h"
#include "tui/say.h"

static void take_exit(struct text *last, const struct event *ev)
{
	struct ev_last_exit e;

	memcpy(&e, ev->payload, sizeof(e));
	text_add(last, "vcpu %u: ", ev->vcpu);
	format_value(last, "exitkind", e.kind);
	text_add(last, " (code %#x, %#" PRIx64 ", %#" PRIx64 ") at rip %#" PRIx64, e.code, e.info1,
		 e.info2, e.rip);
	if (e.times > 1)
		text_add(last, ", %" PRIu64 " times", e.times);
	text_add(last, "\n");
}

static void take_regs(struct text *last, const struct event *ev)
{
	struct ev_regs r;

	memcpy(&r, ev->payload, sizeof(r));
	text_add(last, "vcpu %u: rip %#" PRIx64 " cs %#x (base %#" PRIx64 ") rsp %#" PRIx64
		 " rflags %#" PRIx64 " cr0 %#" PRIx64 " cr3 %#" PRIx64 " cr4 %#" PRIx64
		 " efer %#" PRIx64 "\n", ev->vcpu, r.rip, r.cs, r.cs_base, r.rsp, r.rflags, r.cr0,
		 r.cr3, r.cr4, r.efer);
}

void last_take(struct text *last, const struct event *ev)
{
	if (ev->id == EV_last_exit && ev->len >= sizeof(struct ev_last_exit))
		take_exit(last, ev);
	else if (ev->id == EV_regs && last->len && ev->len >= sizeof(struct ev_regs))
		take_regs(last, ev);
}

void last_say(const struct text *last)
{
	const char *p = text_str(last);

	if (*p)
		say("what it did last:");
	while (*p) {
		size_t n = strcspn(p, "\n");

		say("  %.*s", (int)n, p);
		p += n + (p[n] == '\n');
	}
}
