# SPDX-License-Identifier: MIT
# The image of storm.sh: the library on two real CPUs, without a hypervisor.

if BUILD_HV
noinst_PROGRAMS += %D%/storm.elf
endif
%C%_storm_elf_SOURCES = %D%/storm.c
%C%_storm_elf_SOURCES += hv/svm/boot.S
%C%_storm_elf_SOURCES += hv/svm/console.c
%C%_storm_elf_SOURCES += hv/svm/cpu.c
%C%_storm_elf_SOURCES += hv/svm/exit.c
%C%_storm_elf_SOURCES += hv/svm/gates.S
%C%_storm_elf_SOURCES += hv/svm/lapic.c
%C%_storm_elf_SOURCES += hv/svm/mem.c
%C%_storm_elf_SOURCES += hv/svm/pvh.c
%C%_storm_elf_SOURCES += hv/svm/smp.c hv/svm/smp.h
%C%_storm_elf_SOURCES += hv/svm/smp16.S
%C%_storm_elf_SOURCES += hv/svm/timer.c
%C%_storm_elf_SOURCES += hv/svm/trap.c
%C%_storm_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_storm_elf_CFLAGS = $(HV_ABI) $(HV_WARN)
%C%_storm_elf_CCASFLAGS = $(HV_ABI)
%C%_storm_elf_LDADD = hv/libhv-hv.a mmu/libmmu-hv.a
%C%_storm_elf_DEPENDENCIES = hv/libhv-hv.a mmu/libmmu-hv.a hv/svm/vitrine-hv.lds
%C%_storm_elf_LINK = $(HV_CC) -m64 $(HV_LINK) -Wl,-T,$(srcdir)/hv/svm/vitrine-hv.lds -o $@

%D%/storm_elf-%.o: CC = $(HV_CC)
%D%/storm_elf-%.o: CFLAGS = $(HV_CFLAGS)
%D%/storm_elf-%.o: CPPFLAGS =
%D%/storm_elf-%.o: DEFS =
%D%/storm_elf-%.o: CCAS = $(HV_CC)
%D%/storm_elf-%.o: CCASFLAGS = $(HV_CFLAGS)
hv/svm/tests_storm_storm_elf-%.o: CC = $(HV_CC)
hv/svm/tests_storm_storm_elf-%.o: CFLAGS = $(HV_CFLAGS)
hv/svm/tests_storm_storm_elf-%.o: CPPFLAGS =
hv/svm/tests_storm_storm_elf-%.o: DEFS =
hv/svm/tests_storm_storm_elf-%.o: CCAS = $(HV_CC)
hv/svm/tests_storm_storm_elf-%.o: CCASFLAGS = $(HV_CFLAGS)
