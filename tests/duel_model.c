/* SPDX-License-Identifier: MIT */
/*
 * The user interface's model in the duel. It is fed with the live events alone
 * and held against a model made from nothing but the library's dump.
 *
 * The tape keeps a run's events and the dumps between them. It is played again
 * without the events of one site, for each site in turn: if they ever changed
 * the model, their loss must be noticed.
 */
#include "tests/duel.h"
#include <stdlib.h>
#include <string.h>
#include "tui/text.h"

#define HV_EVENTS	0x100	/* ids from here on are not the library's */
#define SAMPLES		40	/* events of a site looked at, to see if they matter */

struct taped {
	struct event ev;	/* payload: see at */
	size_t at;		/* in bytes */
	struct model *dump;	/* a check-point instead of an event */
};

struct duel_tape {
	struct taped *item;
	size_t nr, room;
	u8 *bytes;
	size_t len, space;
};

static void *grow(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (!p)
		abort();
	return p;
}

static struct taped *tape_item(struct duel_tape *t)
{
	if (t->nr == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		t->item = grow(t->item, t->room * sizeof(*t->item));
	}
	memset(&t->item[t->nr], 0, sizeof(*t->item));
	return &t->item[t->nr++];
}

static void tape_event(struct duel_tape *t, const struct event *ev)
{
	struct taped *item = tape_item(t);

	if (t->len + ev->len > t->space) {
		t->space = 2 * t->space + 4096;
		t->bytes = grow(t->bytes, t->space);
	}
	memcpy(t->bytes + t->len, ev->payload, ev->len);
	item->ev = *ev;
	item->at = t->len;
	t->len += ev->len;
}

/* ---- live ---------------------------------------------------------------- */

bool duel_model_open(struct duel *d, bool keep_tape)
{
	d->link = link_open(d->sim.mem.fd, 0);
	d->model = model_new();
	d->tape = keep_tape ? calloc(1, sizeof(*d->tape)) : NULL;
	d->seq = 0;
	return d->link && link_ready(d->link, NULL) && (d->tape || !keep_tape);
}

void duel_model_close(struct duel *d)
{
	link_close(d->link);
	model_free(d->model);
	d->link = NULL;
	d->model = NULL;
}

void duel_model_drain(struct duel *d)
{
	struct event ev;

	if (!d->link)
		return;
	while (link_next(d->link, &ev)) {
		if (ev.id == EV_gap)
			duel_fail(d, "the ring was overrun; drain it more often");
		ev.seq = ++d->seq;
		model_apply(d->model, &ev);
		if (d->tape)
			tape_event(d->tape, &ev);
	}
	link_commit(d->link);
	if (d->model->nr_damage)
		duel_fail(d, "the model finds: %s", d->model->damage[0].text);
}

/* A model of what the library says there is. */
static struct model *dumped(struct duel *d)
{
	struct model *model = model_new();
	struct event ev;
	u64 seq = 0;

	sim_snapshot(&d->sim);
	while (link_next(d->link, &ev)) {
		ev.seq = ++seq;
		model_apply(model, &ev);
	}
	link_commit(d->link);
	return model;
}

void duel_model_check(struct duel *d)
{
	struct text difference = { 0 };
	struct model *dump;

	if (!d->link)
		return;
	duel_model_drain(d);
	dump = dumped(d);
	if (!model_equal(d->model, dump, &difference))
		duel_fail(d, "events and dump differ: %s", text_str(&difference));
	text_free(&difference);
	if (d->tape)
		tape_item(d->tape)->dump = dump;
	else
		model_free(dump);
}

/* ---- from the tape ------------------------------------------------------- */

static void play(struct duel_tape *t, size_t i, struct model *model, u64 *seq)
{
	struct event ev = t->item[i].ev;

	ev.seq = ++*seq;
	ev.payload = t->bytes + t->item[i].at;
	model_apply(model, &ev);
}

/* Which sites have events of the library that change the model? */
static void find_sites(struct duel_tape *t, struct duel_sites *sites)
{
	static unsigned looked[DUEL_SITES];
	struct model *model = model_new();
	u64 seq = 0;

	memset(looked, 0, sizeof(looked));
	for (size_t i = 0; i < t->nr; i++) {
		u16 site = t->item[i].ev.site, id = t->item[i].ev.id;
		struct model *before = NULL;

		if (t->item[i].dump)
			continue;
		if (id < HV_EVENTS && site < DUEL_SITES && !sites->matters[site] &&
		    looked[site]++ < SAMPLES)
			before = model_copy(model);
		play(t, i, model, &seq);
		if (before && !model_equal(before, model, NULL)) {
			sites->matters[site] = true;
			sites->id[site] = id;
		}
		model_free(before);
	}
	model_free(model);
}

/* Is it noticed if the events of this site are lost? */
static bool noticed(struct duel_tape *t, u16 site)
{
	struct model *model = model_new();
	bool red = false;
	u64 seq = 0;

	for (size_t i = 0; i < t->nr && !red; i++) {
		if (t->item[i].dump)
			red = !model_equal(model, t->item[i].dump, NULL);
		else if (t->item[i].ev.site != site)
			play(t, i, model, &seq);
		red |= model->nr_damage != 0;
	}
	model_free(model);
	return red;
}

void duel_tape_judge(struct duel_tape *t, struct duel_sites *sites)
{
	find_sites(t, sites);
	for (unsigned site = 0; site < DUEL_SITES; site++)
		if (sites->matters[site] && !sites->noticed[site])
			sites->noticed[site] = noticed(t, site);
}

void duel_tape_free(struct duel_tape *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nr; i++)
		model_free(t->item[i].dump);
	free(t->item);
	free(t->bytes);
	free(t);
}
