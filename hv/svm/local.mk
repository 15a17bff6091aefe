# SPDX-License-Identifier: MIT
# The bare-metal machine: the image hv/vitrine-hv.elf, which QEMU starts. The
# lines at the end keep the hosted compiler and its flags out (Makefile.am says
# how).

EXTRA_DIST += %D%/vitrine-hv.lds

if BUILD_HV
pkglibexec_PROGRAMS += hv/vitrine-hv.elf
endif
hv_vitrine_hv_elf_SOURCES =
hv_vitrine_hv_elf_SOURCES += %D%/bell.c %D%/bell.h
hv_vitrine_hv_elf_SOURCES += %D%/boot.S
hv_vitrine_hv_elf_SOURCES += %D%/console.c %D%/console.h
hv_vitrine_hv_elf_SOURCES += %D%/cpu.c %D%/cpu.h
hv_vitrine_hv_elf_SOURCES += %D%/dr.c %D%/dr.h
hv_vitrine_hv_elf_SOURCES += %D%/exit.c %D%/exit.h
hv_vitrine_hv_elf_SOURCES += %D%/fpu.c %D%/fpu.h
hv_vitrine_hv_elf_SOURCES += %D%/gates.S
hv_vitrine_hv_elf_SOURCES += %D%/lapic.c %D%/lapic.h
hv_vitrine_hv_elf_SOURCES += %D%/link.c %D%/link.h
hv_vitrine_hv_elf_SOURCES += %D%/machine.c %D%/machine.h
hv_vitrine_hv_elf_SOURCES += %D%/main.c
hv_vitrine_hv_elf_SOURCES += %D%/mem.c %D%/memory.h
hv_vitrine_hv_elf_SOURCES += %D%/msr.def
hv_vitrine_hv_elf_SOURCES += %D%/pvh.c %D%/pvh.h
hv_vitrine_hv_elf_SOURCES += %D%/run.S
hv_vitrine_hv_elf_SOURCES += %D%/selftest.c %D%/selftest.h
hv_vitrine_hv_elf_SOURCES += %D%/smp.c %D%/smp.h %D%/smp16.S
hv_vitrine_hv_elf_SOURCES += %D%/svm.c %D%/svm.h
hv_vitrine_hv_elf_SOURCES += %D%/timer.c %D%/timer.h
hv_vitrine_hv_elf_SOURCES += %D%/translate.c
hv_vitrine_hv_elf_SOURCES += %D%/trap.c %D%/trap.h
hv_vitrine_hv_elf_SOURCES += %D%/vcpu.c %D%/vcpu.h
hv_vitrine_hv_elf_SOURCES += %D%/vmcb.h
hv_vitrine_hv_elf_SOURCES += %D%/x86.h
hv_vitrine_hv_elf_CPPFLAGS = $(HV_CPPFLAGS) -DVITRINE_VERSION='"$(PACKAGE_VERSION)"'
hv_vitrine_hv_elf_CFLAGS = $(HV_ABI) $(HV_WARN)
hv_vitrine_hv_elf_CCASFLAGS = $(HV_ABI)
hv_vitrine_hv_elf_LDADD = hv/libhv-hv.a mmu/libmmu-hv.a
hv_vitrine_hv_elf_DEPENDENCIES = hv/libhv-hv.a mmu/libmmu-hv.a %D%/vitrine-hv.lds
hv_vitrine_hv_elf_LINK = $(HV_CC) -m64 $(HV_LINK) -Wl,-T,$(srcdir)/%D%/vitrine-hv.lds -o $@

%D%/vitrine_hv_elf-%.o: CC = $(HV_CC)
%D%/vitrine_hv_elf-%.o: CFLAGS = $(HV_CFLAGS)
%D%/vitrine_hv_elf-%.o: CPPFLAGS =
%D%/vitrine_hv_elf-%.o: DEFS =
%D%/vitrine_hv_elf-%.o: CCAS = $(HV_CC)
%D%/vitrine_hv_elf-%.o: CCASFLAGS = $(HV_CFLAGS)
