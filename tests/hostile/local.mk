# SPDX-License-Identifier: MIT
# The guest of hostile.sh.

EXTRA_DIST += %D%/hostile.lds

if BUILD_HV
noinst_PROGRAMS += %D%/hostile.elf
%C%_hostile_elf_SOURCES = \
	%D%/emit.c \
	%D%/endings.c \
	%D%/hostile.h \
	%D%/main.c \
	%D%/random.c \
	%D%/setup.c \
	%D%/start.S \
	%D%/sweep.c
%C%_hostile_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_hostile_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN) -O1
%C%_hostile_elf_CCASFLAGS = $(GUEST32_ABI)
%C%_hostile_elf_LDADD =
%C%_hostile_elf_DEPENDENCIES = %D%/hostile.lds
%C%_hostile_elf_LINK = $(HV_CC) $(HV_LINK) -Wl,-T,$(srcdir)/%D%/hostile.lds -m32 -o $@
endif
%D%/%.o: CC = $(HV_CC)
%D%/%.o: CCAS = $(HV_CC)
%D%/%.o: CFLAGS = $(HV_CFLAGS)
%D%/%.o: CCASFLAGS = $(HV_CFLAGS)
%D%/%.o: CPPFLAGS =
%D%/%.o: DEFS =
