/* SPDX-License-Identifier: MIT */
/* What the MMU's events do to the model: memory slots and their dirty logs. */
#include "tui/model_i.h"
#include <inttypes.h>

ON(slot_create)
{
	struct model_slot *slot = map_put(&s->vm->slots, model_slot_key(e->as, e->slot));

	slot->as = e->as;
	slot->slot = e->slot;
	slot->gfn = e->gfn;
	slot->npages = e->npages;
	slot->hpa = e->hpa;
	slot->flags = e->flags;
}

/* The slot's log is gone, with the slot or without. */
static void forget_log(struct step *s, const struct model_slot *slot)
{
	for (u64 i = 0; slot && i < slot->npages; i += 64)
		map_remove(&s->vm->dirty, model_frame_key(slot->as, slot->gfn + i));
}

/* A slot that goes or moves has become invalid before. */
static struct model_slot *slot_in_change(struct step *s, u8 as, u16 slot)
{
	u64 key = model_slot_key(as, slot);
	const struct model_slot *known = map_get(&s->vm->slots, key);

	if ((!known || !known->invalid) && !s->vm->unknown)
		model_damage(s, "slot %u of address space %u was not %s", slot, as,
			     known ? "invalid" : "there");
	return known ? map_put(&s->vm->slots, key) : NULL;
}

ON(slot_delete)
{
	if (slot_in_change(s, e->as, e->slot)) {
		forget_log(s, map_get(&s->vm->slots, model_slot_key(e->as, e->slot)));
		map_remove(&s->vm->slots, model_slot_key(e->as, e->slot));
	}
}

ON(slot_invalid)
{
	u64 key = model_slot_key(e->as, e->slot);

	if (map_get(&s->vm->slots, key))
		((struct model_slot *)map_put(&s->vm->slots, key))->invalid = true;
	else
		model_damage(s, "slot %u of address space %u was not there", e->slot, e->as);
}

/* The log goes with its slot: from the end that nothing is moved over. */
static void move_log(struct step *s, const struct model_slot *slot, u64 gfn)
{
	u64 words = (slot->npages + 63) / 64;

	for (u64 n = 0; n < words; n++) {
		u64 i = 64 * (gfn < slot->gfn ? n : words - 1 - n);
		const u64 *bits = map_get(&s->vm->dirty, model_frame_key(slot->as, slot->gfn + i));
		u64 value = bits ? *bits : 0;

		map_remove(&s->vm->dirty, model_frame_key(slot->as, slot->gfn + i));
		if (value)
			*(u64 *)map_put(&s->vm->dirty, model_frame_key(slot->as, gfn + i)) = value;
	}
}

ON(slot_move)
{
	struct model_slot *slot = slot_in_change(s, e->as, e->slot);

	if (!slot)
		return;
	if (slot->flags & MMU_SLOT_LOG_DIRTY)
		move_log(s, slot, e->gfn);
	slot->gfn = e->gfn;
	slot->invalid = false;
}

ON(slot_flags)
{
	u64 key = model_slot_key(e->as, e->slot);

	if (!(e->flags & MMU_SLOT_LOG_DIRTY))
		forget_log(s, map_get(&s->vm->slots, key));
	if (map_get(&s->vm->slots, key))
		((struct model_slot *)map_put(&s->vm->slots, key))->flags = e->flags;
	else
		model_damage(s, "slot %u of address space %u changed, and was not there", e->slot,
			     e->as);
}

ON(slot_generation)
{
	if (e->as < MMU_NR_AS)
		s->vm->generation[e->as] = e->generation;
}

static void set_dirty(struct step *s, u8 as, u64 gfn, u64 mask)
{
	if (mask)
		*(u64 *)map_put(&s->vm->dirty, model_frame_key(as, gfn)) = mask;
	else
		map_remove(&s->vm->dirty, model_frame_key(as, gfn));
}

static u64 get_dirty(const struct step *s, u8 as, u64 gfn)
{
	const u64 *mask = map_get(&s->vm->dirty, model_frame_key(as, gfn));

	return mask ? *mask : 0;
}

ON(dirty_set)
{
	u64 before = get_dirty(s, e->as, e->gfn);

	if (before & e->mask && !s->vm->unknown)
		model_damage(s, "frames from gfn 0x%" PRIx64 " on are dirty already", (u64)e->gfn);
	set_dirty(s, e->as, e->gfn, before | e->mask);
}

ON(dirty_clear)
{
	u64 before = get_dirty(s, e->as, e->gfn);

	if (~before & e->mask && !s->vm->unknown)
		model_damage(s, "frames from gfn 0x%" PRIx64 " on are not dirty", (u64)e->gfn);
	set_dirty(s, e->as, e->gfn, before & ~e->mask);
}

const struct step_row model_slot_rows[] = {
	ROW(slot_create), ROW(slot_delete), ROW(slot_invalid), ROW(slot_move), ROW(slot_flags),
	ROW(slot_generation), ROW(dirty_set), ROW(dirty_clear),
	{ 0 }
};
