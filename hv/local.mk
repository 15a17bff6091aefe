# SPDX-License-Identifier: MIT
# The hypervisor's portable part (core, channel, dev, gdb), twice: hosted for
# vitrine-sim, the host program and the tests; bare-metal for the image.
# The fragments of the folders have filled hv_sources.

noinst_LIBRARIES += %D%/libhv.a
%C%_libhv_a_SOURCES = $(hv_sources)

EXTRA_DIST += %D%/freestanding/string.h

if BUILD_HV
noinst_LIBRARIES += %D%/libhv-hv.a
%C%_libhv_hv_a_SOURCES = $(hv_sources)
%C%_libhv_hv_a_CPPFLAGS = $(HV_CPPFLAGS)
%C%_libhv_hv_a_CFLAGS = $(HV_ABI) $(HV_WARN)
endif
hv/core/libhv_hv_a-%.o hv/channel/libhv_hv_a-%.o hv/dev/libhv_hv_a-%.o hv/gdb/libhv_hv_a-%.o: CC = $(HV_CC)
hv/core/libhv_hv_a-%.o hv/channel/libhv_hv_a-%.o hv/dev/libhv_hv_a-%.o hv/gdb/libhv_hv_a-%.o: CFLAGS = $(HV_CFLAGS)
hv/core/libhv_hv_a-%.o hv/channel/libhv_hv_a-%.o hv/dev/libhv_hv_a-%.o hv/gdb/libhv_hv_a-%.o: CPPFLAGS =
hv/core/libhv_hv_a-%.o hv/channel/libhv_hv_a-%.o hv/dev/libhv_hv_a-%.o hv/gdb/libhv_hv_a-%.o: DEFS =
