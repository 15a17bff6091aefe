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
# The bare-metal image, hv/vitrine-hv.elf.

EXTRA_DIST += %D%/vitrine-hv.lds

if BUILD_HV
noinst_PROGRAMS += hv/vitrine-hv.elf
hv_vitrine_hv_elf_SOURCES = \
	%D%/boot.S %D%/gates.S %D%/run.S \
	%D%/console.c %D%/console.h \
	%D%/cpu.c %D%/cpu.h \
	%D%/exit.c %D%/exit.h \
	%D%/lapic.c %D%/lapic.h \
	%D%/link.c %D%/link.h \
	%D%/main.c \
	%D%/mem.c %D%/memory.h \
	%D%/pvh.c %D%/pvh.h \
	%D%/selftest.c %D%/selftest.h \
	%D%/svm.c %D%/svm.h \
	%D%/trap.c %D%/trap.h \
	%D%/vmcb.h \
	%D%/x86.h
hv_vitrine_hv_elf_CPPFLAGS = $(HV_CPPFLAGS)
hv_vitrine_hv_elf_CFLAGS = $(HV_ABI) $(HV_WARN)
hv_vitrine_hv_elf_CCASFLAGS = $(HV_ABI)
hv_vitrine_hv_elf_LDADD = hv/libhv-hv.a mmu/libmmu-hv.a
hv_vitrine_hv_elf_DEPENDENCIES = hv/libhv-hv.a mmu/libmmu-hv.a %D%/vitrine-hv.lds
hv_vitrine_hv_elf_LINK = $(AM_V_CCLD)$(HV_CC) -m64 $(HV_LINK) -Wl,-T,$(srcdir)/%D%/vitrine-hv.lds -o $@

hv/svm/vitrine_hv_elf-%.o: CC = $(HV_CC)
hv/svm/vitrine_hv_elf-%.o: CFLAGS = $(HV_CFLAGS)
hv/svm/vitrine_hv_elf-%.o: CPPFLAGS =
hv/svm/vitrine_hv_elf-%.o: DEFS =
hv/svm/vitrine_hv_elf-%.o: CCAS = $(HV_CC)
hv/svm/vitrine_hv_elf-%.o: CCASFLAGS = $(HV_CFLAGS)
endif
