# SPDX-License-Identifier: MIT
# The bare-metal machine: the image vitrine-hv.elf, which QEMU starts. The lines
# at the end keep the hosted compiler and its flags out (Makefile.am says how).
#
# Its shape (automake prints the progress word itself, so the link line has none):
#
#     if BUILD_HV
#     pkglibexec_PROGRAMS += %D%/vitrine-hv.elf
#     endif
#     %C%_vitrine_hv_elf_SOURCES = %D%/start.S %D%/main.c
#     %C%_vitrine_hv_elf_CPPFLAGS = $(HV_CPPFLAGS)
#     %C%_vitrine_hv_elf_CFLAGS = $(HV_ABI) $(HV_WARN)
#     %C%_vitrine_hv_elf_CCASFLAGS = $(HV_ABI)
#     %C%_vitrine_hv_elf_LDADD = hv/libhv-hv.a mmu/libmmu-hv.a
#     %C%_vitrine_hv_elf_DEPENDENCIES = hv/libhv-hv.a mmu/libmmu-hv.a %D%/image.lds
#     %C%_vitrine_hv_elf_LINK = $(HV_CC) $(HV_ABI) $(HV_LINK) -Wl,-T,$(srcdir)/%D%/image.lds -o $@
%D%/vitrine_hv_elf-%.o: CC = $(HV_CC)
%D%/vitrine_hv_elf-%.o: CFLAGS = $(HV_CFLAGS)
%D%/vitrine_hv_elf-%.o: CPPFLAGS =
%D%/vitrine_hv_elf-%.o: DEFS =
%D%/vitrine_hv_elf-%.o: CCAS = $(HV_CC)
%D%/vitrine_hv_elf-%.o: CCASFLAGS = $(HV_CFLAGS)
