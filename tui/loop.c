/* SPDX-License-Identifier: MIT */
/* The interactive loop. */
#include "tui/loop.h"
#include "tui/screen.h"

#define FRAME_MS 30

static struct canvas *fit(struct canvas *canvas)
{
	int w, h;

	screen_size(&w, &h);
	if (canvas && canvas->w == w && canvas->h == h)
		return canvas;
	canvas_free(canvas);
	return canvas_new(w, h);
}

static bool interrupted(struct ui *ui)
{
	int key;

	ui_update(ui);
	ui_draw(ui, ui->canvas);
	screen_show(ui->canvas, false);
	key = screen_key(0);
	ui->full_redraw |= key == KEY_RESIZED;
	return (key != KEY_NONE && key != KEY_RESIZED) || screen_gone();
}

bool loop_run(struct ui *ui)
{
	struct canvas *canvas = NULL;
	bool running = ui->machine.wait != NULL;

	if (!screen_open())
		return false;
	ui->interrupted = interrupted;
	while (!ui->quit && !screen_gone()) {
		size_t before = timeline_count(ui->tl);
		int key;

		canvas = fit(canvas);
		ui_draw(ui, canvas);
		screen_show(canvas, ui->full_redraw);
		ui->full_redraw = false;
		do {
			if (running)
				running = ui->machine.wait(ui->machine.arg);
			ui->machine_gone = !running;
			key = screen_key(running ? FRAME_MS : 250);
		} while (key == KEY_NONE && timeline_count(ui->tl) == before && !screen_gone());
		if (key == KEY_RESIZED)
			ui->full_redraw = true;
		else if (key != KEY_NONE)
			ui_key(ui, key);
		ui_update(ui);
	}
	screen_close();
	ui->canvas = NULL;
	ui->interrupted = NULL;
	canvas_free(canvas);
	return true;
}
