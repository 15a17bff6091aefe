# SPDX-License-Identifier: MIT
# The MMU library: one list of sources, two archives. The second is built for
# bare metal by HV_CC; pattern-specific variables keep the user's CC, CFLAGS
# and CPPFLAGS out of it.

mmu_sources = \
	%D%/types.h %D%/env.h %D%/mmu.h %D%/status.h %D%/status.def %D%/status.c \
	%D%/event.h %D%/event.def %D%/point.def %D%/flush.def

noinst_LIBRARIES += %D%/libmmu.a
%C%_libmmu_a_SOURCES = $(mmu_sources)

if BUILD_HV
noinst_LIBRARIES += %D%/libmmu-hv.a
%C%_libmmu_hv_a_SOURCES = $(mmu_sources)
%C%_libmmu_hv_a_CPPFLAGS = $(HV_CPPFLAGS)
%C%_libmmu_hv_a_CFLAGS = $(HV_ABI) $(HV_WARN) -Wstack-usage=1024
endif
%D%/libmmu_hv_a-%.o: CC = $(HV_CC)
%D%/libmmu_hv_a-%.o: CFLAGS = $(HV_CFLAGS)
%D%/libmmu_hv_a-%.o: CPPFLAGS =
%D%/libmmu_hv_a-%.o: DEFS =
