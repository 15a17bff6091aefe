# SPDX-License-Identifier: MIT
# The MMU library: one list of sources, two archives. The second is built for
# bare metal by HV_CC (Makefile.am says how).

mmu_sources += %D%/access.c
mmu_sources += %D%/audit.c %D%/audit.h %D%/invariants.def
mmu_sources += %D%/audit_gpte.c %D%/audit_rmap.c %D%/audit_slot.c %D%/audit_sp.c %D%/audit_spte.c
mmu_sources += %D%/audit_unsync.c
mmu_sources += %D%/backend.h
mmu_sources += %D%/context.def
mmu_sources += %D%/cmpxchg.c %D%/cmpxchg.h
mmu_sources += %D%/dump.c
mmu_sources += %D%/env.h
mmu_sources += %D%/epoch.c %D%/epoch.h
mmu_sources += %D%/event.h %D%/event.def
mmu_sources += %D%/flush.c %D%/flush.h %D%/flush.def
mmu_sources += %D%/guest_flush.c %D%/guest_regs.h
mmu_sources += %D%/guest_pte.c %D%/guest_pte.h
mmu_sources += %D%/gwalk.c %D%/gwalk_perm.c %D%/gwalk.h
mmu_sources += %D%/internal.h
mmu_sources += %D%/knob.c %D%/knob.def
mmu_sources += %D%/lock.c %D%/lock.h
mmu_sources += %D%/memslot.c %D%/memslot.h
mmu_sources += %D%/mmio.c %D%/mmio.h
mmu_sources += %D%/mirror.c %D%/mirror.h
mmu_sources += %D%/mmu.c %D%/mmu.h
mmu_sources += %D%/nested.c %D%/nested.h
mmu_sources += %D%/op.c
mmu_sources += %D%/page_track.c %D%/page_track.h
mmu_sources += %D%/parray.c %D%/parray.h
mmu_sources += %D%/point.def
mmu_sources += %D%/request.def
mmu_sources += %D%/reserve.c %D%/reserve.h
mmu_sources += %D%/rmap.c %D%/rmap.h
mmu_sources += %D%/role.c %D%/role.h %D%/role_check.c %D%/role_nested.c %D%/role_text.c
mmu_sources += %D%/role.c %D%/role.h %D%/role_check.c %D%/role_text.c
mmu_sources += %D%/roots.c %D%/roots.h
mmu_sources += %D%/shadow.h
mmu_sources += %D%/slot_update.c
mmu_sources += %D%/sp.c %D%/sp.h %D%/sp_hash.c
mmu_sources += %D%/spte.c %D%/spte.h
mmu_sources += %D%/spte_bits.def
mmu_sources += %D%/spte_set.c %D%/spte_set.h
mmu_sources += %D%/status.c %D%/status.h %D%/status.def
mmu_sources += %D%/tdp_iter.h %D%/tdp_mmu.h
mmu_sources += %D%/types.h
mmu_sources += %D%/unsync.c %D%/unsync.h
mmu_sources += %D%/vcpu.h %D%/vm.c
mmu_sources += %D%/walk.c
mmu_sources += %D%/zap.c %D%/zap.def
if WITH_SHADOW_MMU
mmu_sources += %D%/shadow_fault.c %D%/shadow_fetch.c %D%/shadow_leaf.c
mmu_sources += %D%/shadow_prefetch.c
mmu_sources += %D%/shadow_mmu.c %D%/shadow_page.c %D%/shadow_root.c
mmu_sources += %D%/shadow_split.c %D%/shadow_zap.c
mmu_sources += %D%/shadow_mmu.c %D%/shadow_page.c %D%/shadow_root.c %D%/shadow_sync.c %D%/shadow_zap.c
endif
if WITH_TDP_MMU
mmu_sources += %D%/tdp_fault.c %D%/tdp_iter.c %D%/tdp_mmu.c
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
