/* SPDX-License-Identifier: MIT */
/* What the machine answers to commands. Whoever typed one wants to know. */
#include <string.h>
#include "mmu/status.h"
#include "tui/ui.h"

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

static const char *const sentences[] = {
#define STATUS(name, sentence) [MMU_##name] = sentence,
#include "mmu/status.def"
};

static const char *sentence(u8 status)
{
	if (status < sizeof(sentences) / sizeof(sentences[0]) && sentences[status])
		return sentences[status];
	return "the machine could not do it";
}

/* What the screen asks by itself, or has another answer to. */
static bool is_ours(struct ui *ui, u64 command_seq)
{
	size_t i = timeline_find(ui->tl, command_seq);
	struct ev_command command;
	const struct event *ev;

	if (i >= timeline_count(ui->tl))
		return false;
	ev = timeline_event(ui->tl, i);
	if (ev->seq != command_seq || ev->id != EV_command || ev->len < sizeof(command))
		return false;
	memcpy(&command, ev->payload, sizeof(command));
	return command.command == DO_regs || command.command == DO_audit;
}

static void tell(struct ui *ui, const struct event *ev)
{
	struct ev_reply reply;
	const char *text = (const char *)ev->payload + sizeof(reply);
	size_t len = ev->len - sizeof(reply);

	memcpy(&reply, ev->payload, sizeof(reply));
	if (!len) {
		text = sentence(reply.status);
		len = strlen(text);
	}
	/* That a thing was done is seen; the simulated machine says so each time. */
	if (reply.status != MMU_OK)
		ui_say(ui, "refused: %.*s", (int)len, text);
	else if (len != strlen(sentences[MMU_OK]) || memcmp(text, sentences[MMU_OK], len))
		ui_say(ui, "%.*s", (int)len, text);
}

bool ui_listens(struct ui *ui, const char *what)
{
	if (ui->machine.command && !ui->machine_gone)
		return true;
	ui_say(ui, "%s: %s: nobody listens", what,
	       ui->machine.command ? "the machine has ended" : "a recording");
	ui->status = 1;
	return false;
}

void ui_note_replies(struct ui *ui)
{
	for (; ui->replies_seen < timeline_count(ui->tl); ui->replies_seen++) {
		const struct event *ev = timeline_event(ui->tl, ui->replies_seen);

		if (ui->machine.command && ev->id == EV_reply &&
		    ev->len >= sizeof(struct ev_reply) && !is_ours(ui, ev->cause))
			tell(ui, ev);
	}
}
