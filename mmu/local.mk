# SPDX-License-Identifier: MIT
# The MMU library: one list of sources, two archives. The second is built for
# bare metal by HV_CC (Makefile.am says how).

mmu_sources += %D%/access.c
mmu_sources += %D%/audit.c
mmu_sources += %D%/audit.h
mmu_sources += %D%/audit_gpte.c
mmu_sources += %D%/audit_rmap.c
mmu_sources += %D%/audit_slot.c
mmu_sources += %D%/audit_sp.c
mmu_sources += %D%/audit_spte.c
mmu_sources += %D%/audit_unsync.c
mmu_sources += %D%/backend.h
mmu_sources += %D%/cmpxchg.c
mmu_sources += %D%/cmpxchg.h
mmu_sources += %D%/context.def
mmu_sources += %D%/dirty_log.c
mmu_sources += %D%/dirty_log.h
mmu_sources += %D%/dump.c
mmu_sources += %D%/env.h
mmu_sources += %D%/epoch.c
mmu_sources += %D%/epoch.h
mmu_sources += %D%/event.def
mmu_sources += %D%/event.h
mmu_sources += %D%/fast_fault.c
mmu_sources += %D%/fast_fault.h
mmu_sources += %D%/flush.c
mmu_sources += %D%/flush.def
mmu_sources += %D%/flush.h
mmu_sources += %D%/flush_range.h
mmu_sources += %D%/guest_flush.c
mmu_sources += %D%/guest_pte.c
mmu_sources += %D%/guest_pte.h
mmu_sources += %D%/guest_regs.h
mmu_sources += %D%/gwalk.c
mmu_sources += %D%/gwalk.h
mmu_sources += %D%/gwalk_perm.c
mmu_sources += %D%/internal.h
mmu_sources += %D%/invariants.def
mmu_sources += %D%/knob.c
mmu_sources += %D%/knob.def
mmu_sources += %D%/lock.c
mmu_sources += %D%/lock.h
mmu_sources += %D%/memslot.c
mmu_sources += %D%/memslot.h
mmu_sources += %D%/mirror.c
mmu_sources += %D%/mirror.h
mmu_sources += %D%/mmio.c
mmu_sources += %D%/mmio.h
mmu_sources += %D%/mmu.c
mmu_sources += %D%/mmu.h
mmu_sources += %D%/nested.c
mmu_sources += %D%/nested.h
mmu_sources += %D%/op.c
mmu_sources += %D%/page_track.c
mmu_sources += %D%/page_track.h
mmu_sources += %D%/parray.c
mmu_sources += %D%/parray.h
mmu_sources += %D%/point.def
mmu_sources += %D%/request.def
mmu_sources += %D%/reserve.c
mmu_sources += %D%/reserve.h
mmu_sources += %D%/rmap.c
mmu_sources += %D%/rmap.h
mmu_sources += %D%/role.c
mmu_sources += %D%/role.h
mmu_sources += %D%/role_check.c
mmu_sources += %D%/role_nested.c
mmu_sources += %D%/role_text.c
mmu_sources += %D%/roots.c
mmu_sources += %D%/roots.h
mmu_sources += %D%/shadow.h
mmu_sources += %D%/slot_update.c
mmu_sources += %D%/slots.h
mmu_sources += %D%/sp.c
mmu_sources += %D%/sp.h
mmu_sources += %D%/sp_hash.c
mmu_sources += %D%/spte.c
mmu_sources += %D%/spte.h
mmu_sources += %D%/spte_bits.def
mmu_sources += %D%/spte_set.c
mmu_sources += %D%/spte_set.h
mmu_sources += %D%/status.c
mmu_sources += %D%/status.def
mmu_sources += %D%/status.h
mmu_sources += %D%/tdp_iter.h
mmu_sources += %D%/tdp_mmu.h
mmu_sources += %D%/types.h
mmu_sources += %D%/unsync.c
mmu_sources += %D%/unsync.h
mmu_sources += %D%/vcpu.h
mmu_sources += %D%/vm.c
mmu_sources += %D%/walk.c
mmu_sources += %D%/zap.c
mmu_sources += %D%/zap.def
if WITH_SHADOW_MMU
mmu_sources += %D%/shadow_fault.c
mmu_sources += %D%/shadow_fetch.c
mmu_sources += %D%/shadow_leaf.c
mmu_sources += %D%/shadow_mmu.c
mmu_sources += %D%/shadow_page.c
mmu_sources += %D%/shadow_prefetch.c
mmu_sources += %D%/shadow_root.c
mmu_sources += %D%/shadow_split.c
mmu_sources += %D%/shadow_sync.c
mmu_sources += %D%/shadow_zap.c
endif
if WITH_TDP_MMU
mmu_sources += %D%/tdp_fault.c
mmu_sources += %D%/tdp_iter.c
mmu_sources += %D%/tdp_mmu.c
mmu_sources += %D%/tdp_roots.c
endif

noinst_LIBRARIES += %D%/libmmu.a
%C%_libmmu_a_SOURCES = $(mmu_sources)

if BUILD_HV
noinst_LIBRARIES += %D%/libmmu-hv.a
%C%_libmmu_hv_a_SOURCES = $(mmu_sources)
%C%_libmmu_hv_a_CPPFLAGS = $(HV_CPPFLAGS)
%C%_libmmu_hv_a_CFLAGS = $(HV_ABI) $(HV_WARN) $(HV_FRAME)
endif
%D%/libmmu_hv_a-%.o: CC = $(HV_CC)
%D%/libmmu_hv_a-%.o: CFLAGS = $(HV_CFLAGS)
%D%/libmmu_hv_a-%.o: CPPFLAGS =
%D%/libmmu_hv_a-%.o: DEFS =
