/* SPDX-License-Identifier: MIT */
/*
 * A grid of cells to draw on. Views know only this; a screen, a text file or a
 * picture is made from it afterwards.
 */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include "mmu/types.h"
#include "tui/text.h"

enum ink {
#define INK(name, foreground, mono) INK_##name,
#include "tui/palette.def"
	NR_INKS
};

enum ink_colour { INK_DEFAULT, INK_RED, INK_GREEN, INK_YELLOW, INK_BLUE, INK_MAGENTA, INK_CYAN,
		  INK_GREY };
enum ink_mono { INK_PLAIN, INK_BOLD, INK_DIM, INK_REVERSE, INK_UNDERLINE };

struct ink_look {
	enum ink_colour colour;
	enum ink_mono mono;
};

/* How an ink looks. */
const struct ink_look *ink_look(enum ink ink);

struct cell {
	u32 ch;		/* a Unicode character, one column wide */
	enum ink ink;
};

/* A rectangle: columns [x, x + w), rows [y, y + h). May be empty. */
struct rect {
	int x, y, w, h;
};

struct canvas {
	int w, h;
	struct cell *cells;	/* row by row */
};

/* A blank canvas; w and h at least 1. */
struct canvas *canvas_new(int w, int h);
void canvas_free(struct canvas *canvas);
void canvas_clear(struct canvas *canvas);

/*
 * Writes UTF-8 text from (x, y) of the area to the right, cut at its edge; a
 * place outside the area shows nothing. Control characters become dots.
 *   returns  the column after the text, as if it had not been cut
 */
int canvas_text(struct canvas *canvas, const struct rect *area, int x, int y, enum ink ink,
		const char *text);

/* One character, n times to the right. */
void canvas_repeat(struct canvas *canvas, const struct rect *area, int x, int y, int n, enum ink ink,
		   u32 ch);

/* Gives n cells another ink. */
void canvas_ink(struct canvas *canvas, const struct rect *area, int x, int y, int n, enum ink ink);

/* NULL outside. */
struct cell *canvas_cell(struct canvas *canvas, int x, int y);

/* Columns a UTF-8 text takes. */
int canvas_width(const char *text);

/* Appends a character as UTF-8. */
void canvas_put_utf8(struct text *to, u32 ch);

/* The whole as lines of text without trailing spaces, or as an SVG picture. */
void canvas_dump_text(const struct canvas *canvas, struct text *to);
void canvas_dump_svg(const struct canvas *canvas, struct text *to);

#endif
