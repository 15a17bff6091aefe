# SPDX-License-Identifier: MIT
# The guest of multiboot.sh.

if BUILD_HV
noinst_PROGRAMS += %D%/pc.elf
%C%_pc_elf_SOURCES = %D%/header.S %D%/pc.c
%C%_pc_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_pc_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_pc_elf_CCASFLAGS = $(GUEST32_ABI)
%C%_pc_elf_LDADD = hv/guests/libguest32.a
%C%_pc_elf_DEPENDENCIES = hv/guests/libguest32.a hv/guests/guest.lds
%C%_pc_elf_LINK = $(GUEST_LD) -m32 -o $@
endif
%D%/%.o: CC = $(HV_CC)
%D%/%.o: CCAS = $(HV_CC)
%D%/%.o: CFLAGS = $(HV_CFLAGS)
%D%/%.o: CCASFLAGS = $(HV_CFLAGS)
%D%/%.o: CPPFLAGS =
%D%/%.o: DEFS =
