/* SPDX-License-Identifier: MIT */
/* Cells, UTF-8, clipping, and the text dump. */
#include "tui/canvas.h"
#include <stdlib.h>
#include "tui/say.h"

static const struct ink_look looks[] = {
#define INK(name, foreground, mono) [INK_##name] = { INK_##foreground, INK_##mono },
#include "tui/palette.def"
};

const struct ink_look *ink_look(enum ink ink)
{
	return &looks[ink < NR_INKS ? ink : INK_plain];
}

struct canvas *canvas_new(int w, int h)
{
	struct canvas *canvas = xcalloc(1, sizeof(*canvas));

	canvas->w = w;
	canvas->h = h;
	canvas->cells = xcalloc((size_t)w * h, sizeof(*canvas->cells));
	canvas_clear(canvas);
	return canvas;
}

void canvas_free(struct canvas *canvas)
{
	if (!canvas)
		return;
	free(canvas->cells);
	free(canvas);
}

void canvas_clear(struct canvas *canvas)
{
	for (int i = 0; i < canvas->w * canvas->h; i++)
		canvas->cells[i] = (struct cell){ ' ', INK_plain };
}

struct cell *canvas_cell(struct canvas *canvas, int x, int y)
{
	if (x < 0 || y < 0 || x >= canvas->w || y >= canvas->h)
		return NULL;
	return &canvas->cells[y * canvas->w + x];
}

/* The cell at a place of the area; NULL if the area ends before it. */
static struct cell *cell_in(struct canvas *canvas, const struct rect *area, int x, int y)
{
	if (x < 0 || y < 0 || x >= area->w || y >= area->h)
		return NULL;
	return canvas_cell(canvas, area->x + x, area->y + y);
}

/* The next character of a UTF-8 text; a broken sequence is one '?'. */
static u32 next_char(const unsigned char **p)
{
	unsigned char c = *(*p)++;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
	u32 ch = more == 3 ? c & 7 : more == 2 ? c & 15 : more ? c & 31 : c;

	if (c >= 0x80 && c < 0xc0)
		return '?';
	while (more--) {
		if ((**p & 0xc0) != 0x80)
			return '?';
		ch = ch << 6 | (*(*p)++ & 0x3f);
	}
	return ch < 0x20 || (ch >= 0x7f && ch < 0xa0) ? '.' : ch;
}

int canvas_width(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	int n = 0;

	for (; *p; n++)
		next_char(&p);
	return n;
}

int canvas_text(struct canvas *canvas, const struct rect *area, int x, int y, enum ink ink,
		const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p; x++) {
		u32 ch = next_char(&p);
		struct cell *cell = cell_in(canvas, area, x, y);

		if (cell)
			*cell = (struct cell){ ch, ink };
	}
	return x;
}

void canvas_repeat(struct canvas *canvas, const struct rect *area, int x, int y, int n, enum ink ink,
		   u32 ch)
{
	for (; n > 0; n--, x++) {
		struct cell *cell = cell_in(canvas, area, x, y);

		if (cell)
			*cell = (struct cell){ ch, ink };
	}
}

void canvas_ink(struct canvas *canvas, const struct rect *area, int x, int y, int n, enum ink ink)
{
	for (; n > 0; n--, x++) {
		struct cell *cell = cell_in(canvas, area, x, y);

		if (cell)
			cell->ink = ink;
	}
}

void canvas_put_utf8(struct text *to, u32 ch)
{
	char c[4] = { 0 };

	if (ch < 0x80) {
		c[0] = ch;
		text_put(to, c, 1);
	} else if (ch < 0x800) {
		c[0] = 0xc0 | ch >> 6;
		c[1] = 0x80 | (ch & 0x3f);
		text_put(to, c, 2);
	} else if (ch < 0x10000) {
		c[0] = 0xe0 | ch >> 12;
		c[1] = 0x80 | (ch >> 6 & 0x3f);
		c[2] = 0x80 | (ch & 0x3f);
		text_put(to, c, 3);
	} else {
		c[0] = 0xf0 | ch >> 18;
		c[1] = 0x80 | (ch >> 12 & 0x3f);
		c[2] = 0x80 | (ch >> 6 & 0x3f);
		c[3] = 0x80 | (ch & 0x3f);
		text_put(to, c, 4);
	}
}

void canvas_dump_text(const struct canvas *canvas, struct text *to)
{
	for (int y = 0; y < canvas->h; y++) {
		const struct cell *row = &canvas->cells[y * canvas->w];
		int end = canvas->w;

		while (end && row[end - 1].ch == ' ')
			end--;
		for (int x = 0; x < end; x++)
			canvas_put_utf8(to, row[x].ch);
		text_put(to, "\n", 1);
	}
}
