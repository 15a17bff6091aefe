# SPDX-License-Identifier: MIT
# The guest of traps.sh: 32-bit code in a 64-bit ELF, which is what GDB expects of
# this machine.

EXTRA_DIST += %D%/traps.lds

if BUILD_HV
noinst_PROGRAMS += %D%/traps.elf
%C%_traps_elf_SOURCES = %D%/traps.S
%C%_traps_elf_CCASFLAGS = -m64
%C%_traps_elf_LDADD =
%C%_traps_elf_DEPENDENCIES = %D%/traps.lds
%C%_traps_elf_LINK = $(HV_CC) $(HV_LINK) -Wl,-T,$(srcdir)/%D%/traps.lds -m64 -o $@
endif
%D%/%.o: CC = $(HV_CC)
%D%/%.o: CCAS = $(HV_CC)
%D%/%.o: CFLAGS = $(HV_CFLAGS)
%D%/%.o: CCASFLAGS = $(HV_CFLAGS)
%D%/%.o: CPPFLAGS =
%D%/%.o: DEFS =
