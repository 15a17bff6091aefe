/* SPDX-License-Identifier: MIT */
/*
 * What the user looks at: the event cursor, the selection that all views share,
 * which view is shown and what is being typed. Knows no terminal: it takes keys
 * and draws on a canvas.
 */
#ifndef TUI_UI_H
#define TUI_UI_H

#include "tui/view.h"

#define UI_MIN_W 60
#define UI_MIN_H 16
#define UI_JUMPS 32
#define UI_BREAKS 64	/* more than any machine has */

/* The machine behind the events, if there is one. All may be NULL. */
struct ui_machine {
	void *arg;
	/* Posts a command of hv/channel/command.def. */
	void (*command)(void *arg, u16 command, u64 a, u64 b, u64 c, u64 d);
	/* Lets the machine work for a moment; false when it is at its end. */
	bool (*wait)(void *arg);
};

struct ui_selection {
	u8 level, vm, vcpu;
	u32 sp;			/* 0: none */
	unsigned entry;		/* of that page */
	u64 gfn;
};

/* Where Enter came from. */
struct ui_jump {
	const struct view_ops *view;
	struct ui_selection selection;
	size_t cursor;
	unsigned focus;
};

/* The cached lines of a source file. */
struct ui_source {
	char file[256];
	char *text;		/* NULL: it could not be read */
	char **lines;
	unsigned nr_lines;
};

struct ui_row {			/* a line of the page tree */
	u32 sp, parent;
	u16 index;		/* of the parent's entry */
	u8 depth;
	bool has_children, open;
};

struct ui {
	struct timeline *tl;
	struct ui_machine machine;
	const char *source_root;	/* NULL: where the program was built */
	const char *patched;		/* has the files that are not as there; NULL: none */

	size_t cursor;			/* index of the event looked at */
	bool follow;			/* the cursor stays at the newest event */
	u64 stop_seen;			/* the stop that the cursor was last moved to */
	const char *break_once;		/* event whose break goes when it is hit; NULL: none */
	bool audit_asked;		/* by key; its end will be shown */
	u64 audit_seen;			/* the audit shown last */
	bool age_asked;			/* by command; the answer will be said */
	size_t age_from;		/* looked for from this event on */
	size_t replies_seen;		/* replies are looked for from this event on */
	struct ui_selection at;

	/* Shows the present moment and asks whether a key was pressed: who waits for an
	 * event gives up then. NULL: nobody is there to press one. */
	bool (*interrupted)(struct ui *ui);
	bool machine_gone;		/* it came to its end while somebody looked */

	const struct view_ops *view;	/* full screen; NULL: the tour */
	unsigned focus;			/* pane of the tour */
	size_t top[32];			/* first line shown, per view */
	struct ui_jump jumps[UI_JUMPS];
	unsigned nr_jumps;

	struct canvas *canvas;		/* drawn on last; the caller's */
	char prompt;			/* 0, or : / \ b */
	char typed[128];
	char search[128], filter[128];
	char message[160], said[160];
	bool quit, full_redraw;
	int status;			/* of a script: 0, or 1 after a failed command */

	/* The views' own working lists. */
	struct ui_row *rows;
	size_t nr_rows;
	struct map folded;		/* sp -> u8 */
	size_t *shown;			/* events that pass the filter */
	size_t nr_shown, shown_room, shown_upto;
	struct ui_source source;
	size_t *console_line;		/* where each line begins */
	size_t nr_console, console_room;
	struct line *page_lines;	/* heading of the page view */
	unsigned reg_columns;		/* registers side by side in the vCPU view */
	size_t nr_page_lines, page_map;	/* page_map: the line with the selected entry */
	u64 *keys;			/* sorted keys of the list shown last */
	u32 nr_keys;
};

/* The timeline stays the caller's. */
struct ui *ui_new(struct timeline *tl, const char *source_root);
void ui_free(struct ui *ui);

/* Events were added: follows them if the cursor is at the end. */
void ui_update(struct ui *ui);

/* Draws everything. */
void ui_draw(struct ui *ui, struct canvas *canvas);

void ui_key(struct ui *ui, int key);

/* Carries out a line of the command language (":" is optional); what went
 * wrong is in ui->message and ui->status. */
void ui_command(struct ui *ui, const char *line);

/* Row i of the command language; false beyond the last. */
bool ui_command_row(size_t i, const char **name, const char **arg, const char **sentence);

/* Runs a script: lines of the command language, or keys by name. The canvas
 * is what :save-screen saves. Returns 0, or 1 if a line failed, which is said. */
int ui_script(struct ui *ui, const char *path, struct canvas *canvas);

/* Prints views as lines: all but the bulky ones, or the one named. Returns
 * false if no view has the name. */
bool ui_plain(struct ui *ui, const char *name, struct text *to);

/* ---- for the views ---------------------------------------------------------- */

const struct model *ui_model(struct ui *ui);
const struct model_vm *ui_vm(struct ui *ui);		/* NULL: none yet */
const struct model_sp *ui_sp(struct ui *ui);		/* the selected page or NULL */
const struct event *ui_event(struct ui *ui);		/* at the cursor, NULL: none */
void ui_goto(struct ui *ui, size_t index);
void ui_say(struct ui *ui, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ui_select_page(struct ui *ui, u32 sp);
void ui_open(struct ui *ui, const struct view_ops *view);	/* and Backspace returns */
void ui_action(struct ui *ui, enum action action);
void ui_find(struct ui *ui, const char *text, bool forward);
void ui_go_by(struct ui *ui, long events);
void ui_go_back(struct ui *ui);				/* where ui_open() came from */
void ui_next_view(struct ui *ui);			/* the tour's panes, or the next view */
void ui_show(struct ui *ui, const struct view_ops *view);	/* nothing to return to */

/* "unsync=0": asks the machine to turn a knob; "": shows them all. What is wrong is
 * said, and ui->status set. */
void ui_set_knob(struct ui *ui, const char *arg);
/* "tdp": asks it to let this MMU serve the guest. */
void ui_set_mmu(struct ui *ui, const char *arg);
/* "on", "by-d", "off" or "harvest", a slot and an address space. */
void ui_log_dirty(struct ui *ui, const char *arg);

/* "GFN [FRAMES [AS]]", or "" for all: asks which memory was used; clear: it counts anew.
 * Says the answer when it is there. */
void ui_age(struct ui *ui, const char *arg, bool clear);
void ui_note_age(struct ui *ui);

/* Is there a machine that takes commands? Else that is said, and ui->status set. */
bool ui_listens(struct ui *ui, const char *what);
/* Says what the machine answered to commands: why it refused one, or what it found. */
void ui_note_replies(struct ui *ui);

/* Names the breaks that are set; false: none. */
bool ui_breaks(const struct ui *ui, struct text *to);

/* A break was hit: removes the one that was to stop only once. */
void ui_break_hit(struct ui *ui);

/* Sets a break, or removes it if it is set; lists them if name is empty. */
void ui_break(struct ui *ui, const char *name);
void ui_unbreak(struct ui *ui);				/* removes all */

/* The view that has the keys now. */
const struct view_ops *ui_focused(const struct ui *ui);

/* The views of the tour, in the order of Tab. */
#define UI_PANES 4
extern const struct view_ops *const ui_panes[UI_PANES];

size_t *ui_top(struct ui *ui, const struct view_ops *view);

#endif
