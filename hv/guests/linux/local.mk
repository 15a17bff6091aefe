# SPDX-License-Identifier: MIT
# `vitrine run linux`: what fetches Debian's kernels, and the files of the initramfs
# that goes with them.

linuxdir = $(pkgdatadir)/guests/linux
dist_linux_DATA = %D%/fetch.sh %D%/pack.sh %D%/init

if BUILD_HV
linux_PROGRAMS = %D%/end
%C%_end_SOURCES = %D%/end.c
%C%_end_CPPFLAGS = $(HV_CPPFLAGS)
%C%_end_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_end_LDADD =
%C%_end_LINK = $(HV_CC) $(HV_LINK) -s -m32 -o $@
endif
%D%/%.o: CC = $(HV_CC)
%D%/%.o: CFLAGS = $(HV_CFLAGS)
%D%/%.o: CPPFLAGS =
%D%/%.o: DEFS =
