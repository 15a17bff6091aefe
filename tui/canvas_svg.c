/* SPDX-License-Identifier: MIT */
/* A canvas as an SVG picture: a dark terminal with a fixed grid. */
#include "tui/canvas.h"
#include <string.h>

#define CELL_W 9
#define CELL_H 18
#define PAPER  "#16181d"
#define INKED  "#d8dbe2"

static const char *colour_of(enum ink_colour colour)
{
	static const char *const names[] = {
		[INK_DEFAULT] = INKED,	   [INK_RED] = "#ff6b68",  [INK_GREEN] = "#7ec26f",
		[INK_YELLOW] = "#e6c35c",  [INK_BLUE] = "#79a8ff", [INK_MAGENTA] = "#d68be0",
		[INK_CYAN] = "#62c7d4",	   [INK_GREY] = "#858b98",
	};

	return names[colour];
}

static void put_xml(struct text *to, u32 ch)
{
	if (ch == '<')
		text_add(to, "&lt;");
	else if (ch == '&')
		text_add(to, "&amp;");
	else
		canvas_put_utf8(to, ch);
}

/* Cells with something in them, at their place: renderers treat blanks at the
 * ends of a text, and several together, each in its own way. */
static void put_words(struct text *to, const struct cell *cells, int n, int x, int y,
		      const char *fore, const char *weight)
{
	text_add(to, "<text x=\"%d\" y=\"%d\" fill=\"%s\" textLength=\"%d\"%s>", x * CELL_W,
		 y * CELL_H + 13, fore, n * CELL_W, weight);
	for (int i = 0; i < n; i++)
		put_xml(to, cells[i].ch);
	text_add(to, "</text>\n");
}

static bool is_blank(const struct cell *cells, int i, int n)
{
	return i >= n || cells[i].ch == ' ' || !cells[i].ch;
}

/* Cells of one ink beside each other. */
static void put_run(struct text *to, const struct cell *cells, int n, int x, int y)
{
	const struct ink_look *look = ink_look(cells->ink);
	const char *fore = colour_of(look->colour);

	if (look->mono == INK_REVERSE) {
		text_add(to, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n",
			 x * CELL_W, y * CELL_H, n * CELL_W, CELL_H, fore);
		fore = PAPER;
	}
	for (int i = 0, k; i < n; i = k) {
		k = i + 1;
		if (is_blank(cells, i, n))
			continue;
		while (!is_blank(cells, k, n) || !is_blank(cells, k + 1, n))
			k++;
		put_words(to, cells + i, k - i, x + i, y, fore,
			  look->mono == INK_BOLD ? " font-weight=\"bold\"" : "");
	}
}

void canvas_dump_svg(const struct canvas *canvas, struct text *to)
{
	text_add(to,
		 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		 "font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\">\n"
		 "<rect width=\"100%%\" height=\"100%%\" fill=\"" PAPER "\"/>\n",
		 canvas->w * CELL_W, canvas->h * CELL_H);
	for (int y = 0; y < canvas->h; y++) {
		const struct cell *row = &canvas->cells[y * canvas->w];

		for (int x = 0, n; x < canvas->w; x += n) {
			for (n = 1; x + n < canvas->w && row[x + n].ink == row[x].ink; n++)
				;
			put_run(to, row + x, n, x, y);
		}
	}
	text_add(to, "</svg>\n");
}
