/* SPDX-License-Identifier: MIT */
/* Keeps account of shadow pages and roles as the events tell of them. */
#include "hv/sim/watch.h"
#include <stdlib.h>
#include <string.h>
#include "hv/channel/event.h"

static struct watch_sp *sp_at(struct watch *w, u32 sp)
{
	u32 want = sp + 1 > 2 * w->nr ? sp + 1 : 2 * w->nr;
	struct watch_sp *more;

	if (sp < w->nr)
		return &w->sp[sp];
	more = realloc(w->sp, want * sizeof(*more));
	if (!more) {
		w->failed = true;
		return NULL;
	}
	memset(more + w->nr, 0, (want - w->nr) * sizeof(*more));
	w->sp = more;
	w->nr = want;
	return &w->sp[sp];
}

static void sp_new(struct watch *w, const struct ev_sp_new *ev)
{
	struct watch_sp *sp = sp_at(w, ev->sp);

	if (sp)
		*sp = (struct watch_sp){ .live = true, .gfn = ev->gfn, .role.word = ev->role };
}

static struct watch_rmap *rmap_at(const struct watch *w, u64 as, gfn_t gfn)
{
	for (u32 i = 0; i < w->nr_rmaps; i++)
		if (w->rmap[i].as == as && w->rmap[i].gfn == gfn)
			return &w->rmap[i];
	return NULL;
}

u32 watch_rmap(const struct watch *w, u64 as, gfn_t gfn)
{
	const struct watch_rmap *rmap = rmap_at(w, as, gfn);

	return rmap ? rmap->entries : 0;
}

static void rmap_add(struct watch *w, const struct ev_rmap_add *ev)
{
	struct watch_rmap *rmap = rmap_at(w, ev->as, ev->gfn);

	if (!rmap) {
		rmap = realloc(w->rmap, (w->nr_rmaps + 1) * sizeof(*rmap));
		w->failed |= !rmap;
		if (!rmap)
			return;
		w->rmap = rmap;
		rmap += w->nr_rmaps++;
		*rmap = (struct watch_rmap){ .as = ev->as, .gfn = ev->gfn };
	}
	rmap->entries++;
}

static void rmap_remove(struct watch *w, const struct ev_rmap_remove *ev)
{
	struct watch_rmap *rmap = rmap_at(w, ev->as, ev->gfn);

	if (rmap)
		rmap->entries--;
}

static void role_set(struct watch_vcpu *vcpu, const struct ev_mmu_role *ev)
{
	if (ev->context == MMU_CONTEXT_root)
		vcpu->own.word = ev->root_role;
	else if (ev->context == MMU_CONTEXT_guest)
		vcpu->shadowed.word = ev->root_role;
}

union mmu_role watch_root_role(const struct watch *w, unsigned vcpu)
{
	const struct watch_vcpu *v = &w->vcpu[vcpu % MMU_MAX_VCPUS];

	return v->np ? v->shadowed : v->own;
}

static void root_set(struct watch *w, u8 vcpu, const struct ev_root_set *ev)
{
	if (vcpu >= MMU_MAX_VCPUS || ev->slot >= WATCH_ROOTS || ev->context != MMU_CONTEXT_root)
		return;
	w->root[vcpu][ev->slot].sp = ev->sp;
	w->root[vcpu][ev->slot].pgd = ev->pgd;
}

u64 watch_root(const struct watch *w, u64 vcpu, u64 slot)
{
	if (vcpu >= MMU_MAX_VCPUS || slot >= WATCH_ROOTS || !w->root[vcpu][slot].sp)
		return ~0ull;
	return w->root[vcpu][slot].pgd;
}

unsigned watch_roots(const struct watch *w, u64 vcpu)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WATCH_ROOTS; i++)
		n += watch_root(w, vcpu, i) != ~0ull;
	return n;
}

void watch_seen(void *arg, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len)
{
	struct watch *w = arg;
	struct watch_sp *sp;

	(void)seq;
	(void)len;
	switch (id) {
	case EV_sp_new:
		sp_new(w, payload);
		break;
	case EV_sp_zap:
		sp = sp_at(w, ((const struct ev_sp_zap *)payload)->sp);
		if (sp)
			sp->zapped = true;
		break;
	case EV_sp_free:
		sp = sp_at(w, ((const struct ev_sp_free *)payload)->sp);
		if (sp)
			sp->live = false;
		break;
	case EV_rmap_add:
		rmap_add(w, payload);
		break;
	case EV_rmap_remove:
		rmap_remove(w, payload);
		break;
	case EV_mmu_role:
		if (vcpu < MMU_MAX_VCPUS)
			role_set(&w->vcpu[vcpu], payload);
		break;
	case EV_nested_enter:
		if (vcpu < MMU_MAX_VCPUS)
			w->vcpu[vcpu].np = ((const struct ev_nested_enter *)payload)->np;
		break;
	case EV_nested_leave:
		if (vcpu < MMU_MAX_VCPUS)
			w->vcpu[vcpu].np = false;
		break;
	case EV_root_set:
		root_set(w, vcpu, payload);
		break;
	case EV_audit_end:
		w->broken = ((const struct ev_audit_end *)payload)->broken;
		break;
	default:
		break;
	}
}

static bool matches(const struct watch_sp *sp, const u64 key[NR_KEYS])
{
	const u64 have[] = {
		[KEY_gfn] = sp->gfn,
		[KEY_level] = sp->role.level,
		[KEY_quadrant] = sp->role.quadrant,
		[KEY_direct] = sp->role.direct,
		[KEY_access] = sp->role.access,
		[KEY_smm] = sp->role.smm,
	};

	for (unsigned i = 0; i < sizeof(have) / sizeof(have[0]); i++)
		if (key[i] != SCN_ANY && key[i] != have[i])
			return false;
	return sp->live && !sp->zapped;
}

unsigned watch_count(const struct watch *w, const u64 key[NR_KEYS])
{
	unsigned n = 0;

	for (u32 i = 0; i < w->nr; i++)
		n += matches(&w->sp[i], key);
	return n;
}

void watch_fini(struct watch *w)
{
	free(w->sp);
	free(w->rmap);
	*w = (struct watch){ 0 };
}
