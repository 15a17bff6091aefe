# SPDX-License-Identifier: MIT
# The first program of Linux guests, and an initramfs around it: a program for x86-64
# and one for i386 whatever the host is, hence built by HV_CC.

EXTRA_DIST += %D%/cmdline

if BUILD_HV
noinst_PROGRAMS += %D%/init %D%/init32
%C%_init_SOURCES = %D%/init.c %D%/init.h %D%/shared.c %D%/sys.h %D%/warm.c
%C%_init_CPPFLAGS = $(HV_CPPFLAGS)
%C%_init_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_init_LDADD =
%C%_init_LINK = $(HV_CC) $(HV_LINK) -s -m64 -o $@
%C%_init32_SOURCES = %D%/init.c %D%/init.h %D%/shared.c %D%/sys.h %D%/warm.c
%C%_init32_CPPFLAGS = $(HV_CPPFLAGS)
%C%_init32_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_init32_LDADD =
%C%_init32_LINK = $(HV_CC) $(HV_LINK) -s -m32 -o $@

noinst_DATA += %D%/init.cpio %D%/init32.cpio
CLEANFILES += %D%/init.cpio %D%/init32.cpio
%D%/init.cpio: %D%/init hv/guests/linux/pack.sh
	$(AM_V_GEN)$(SHELL) $(srcdir)/hv/guests/linux/pack.sh %D%/init >$@.tmp && mv $@.tmp $@
%D%/init32.cpio: %D%/init32 hv/guests/linux/pack.sh
	$(AM_V_GEN)$(SHELL) $(srcdir)/hv/guests/linux/pack.sh %D%/init32 >$@.tmp && mv $@.tmp $@
endif
%D%/%.o: CC = $(HV_CC)
%D%/%.o: CFLAGS = $(HV_CFLAGS)
%D%/%.o: CPPFLAGS =
%D%/%.o: DEFS =
