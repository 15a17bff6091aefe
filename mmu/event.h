/* SPDX-License-Identifier: MIT */
/*
 * The MMU's events as packed structs: what event.def says, as C. The struct is
 * the wire format (little-endian, no padding).
 */
#ifndef MMU_EVENT_H
#define MMU_EVENT_H

#include "mmu/env.h"
#include "mmu/types.h"

enum mmu_event_id {
#define EVENT(id, name, sentence, kvm, ...) EV_##name = id,
#include "mmu/event.def"
};

/* A vCPU's ways to translate, as events name them. */
enum mmu_context {
#define CONTEXT(name, sentence) MMU_CONTEXT_##name,
#include "mmu/context.def"
};

#define F(type, name, unit) type name;
#define EVENT(id, name, sentence, kvm, ...)                                                        \
	struct __attribute__((packed)) ev_##name {                                                 \
		__VA_ARGS__                                                                        \
	};
#include "mmu/event.def"

/*
 * Emits the event `name` with the fields in the order of its row:
 *
 *	mmu_emit(env, vcpu_id, site, sp_free, sp->id);
 *
 * Costs one test when events are off; the arguments are then not evaluated.
 */
#define mmu_emit(env, vcpu, site, name, ...)                                                       \
	do {                                                                                       \
		const struct mmu_env *mmu_emit_env = (env);                                        \
		if (mmu_emit_env->events_on) {                                                     \
			const struct ev_##name mmu_emit_ev = { __VA_ARGS__ };                      \
			mmu_emit_env->emit(mmu_emit_env->ctx, (vcpu), EV_##name, (site),           \
					   &mmu_emit_ev, sizeof(mmu_emit_ev));                     \
		}                                                                                  \
	} while (0)

#endif
