# SPDX-License-Identifier: MIT
# The built-in guests: bare-metal ELFs, 32- or 64-bit, each made of its own
# sources and one small library. HV_CC builds everything in this folder;
# pattern-specific variables keep the user's CC, CFLAGS and CPPFLAGS out.

EXTRA_DIST += %D%/README.md %D%/guests.def %D%/guest.lds

GUEST_ABI = -std=gnu11 -ffreestanding -mgeneral-regs-only -mno-red-zone -fno-pic -fno-pie \
	-fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-strict-aliasing
GUEST32_ABI = $(GUEST_ABI) -m32 -march=i686
GUEST64_ABI = $(GUEST_ABI) -m64
GUEST_LD = $(HV_CC) $(HV_LINK) -Wl,-T,$(srcdir)/%D%/guest.lds

guest_sources = \
	%D%/start.S %D%/trap.S %D%/fault.c %D%/print.c \
	%D%/guest.h %D%/fault.h %D%/cpu.h %D%/paging.h %D%/rights.h %D%/space.h \
	%D%/stores.h

if BUILD_HV
noinst_LIBRARIES += %D%/libguest32.a %D%/libguest64.a
%C%_libguest32_a_SOURCES = $(guest_sources)
%C%_libguest32_a_CPPFLAGS = $(HV_CPPFLAGS)
%C%_libguest32_a_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_libguest32_a_CCASFLAGS = $(GUEST32_ABI)
%C%_libguest64_a_SOURCES = $(guest_sources)
%C%_libguest64_a_CPPFLAGS = $(HV_CPPFLAGS)
%C%_libguest64_a_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_libguest64_a_CCASFLAGS = $(GUEST64_ABI)

guestsdir = $(pkgdatadir)/guests
guests_PROGRAMS = %D%/real.elf %D%/unpaged.elf %D%/pse.elf %D%/pae.elf %D%/long.elf \
	%D%/ptwriter.elf %D%/ptwriter32.elf %D%/smi.elf %D%/smi64.elf
guests_PROGRAMS += %D%/smp.elf %D%/smp32.elf
guests_PROGRAMS += %D%/irq.elf %D%/rights.elf %D%/rights32.elf
guests_PROGRAMS += %D%/apic.elf

%C%_real_elf_SOURCES = %D%/real.c %D%/real16.S
%C%_real_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_real_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_real_elf_CCASFLAGS = $(GUEST32_ABI)
%C%_real_elf_LDADD = %D%/libguest32.a
%C%_real_elf_DEPENDENCIES = %D%/libguest32.a %D%/guest.lds
%C%_real_elf_LINK = $(GUEST_LD) -m32 -o $@

%C%_unpaged_elf_SOURCES = %D%/unpaged.c
%C%_unpaged_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_unpaged_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_unpaged_elf_LDADD = %D%/libguest32.a
%C%_unpaged_elf_DEPENDENCIES = %D%/libguest32.a %D%/guest.lds
%C%_unpaged_elf_LINK = $(GUEST_LD) -m32 -o $@

%C%_pse_elf_SOURCES = %D%/pse.c
%C%_pse_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_pse_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_pse_elf_LDADD = %D%/libguest32.a
%C%_pse_elf_DEPENDENCIES = %D%/libguest32.a %D%/guest.lds
%C%_pse_elf_LINK = $(GUEST_LD) -m32 -o $@

%C%_pae_elf_SOURCES = %D%/pae.c
%C%_pae_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_pae_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_pae_elf_LDADD = %D%/libguest32.a
%C%_pae_elf_DEPENDENCIES = %D%/libguest32.a %D%/guest.lds
%C%_pae_elf_LINK = $(GUEST_LD) -m32 -o $@

%C%_long_elf_SOURCES = %D%/long.c
%C%_long_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_long_elf_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_long_elf_LDADD = %D%/libguest64.a
%C%_long_elf_DEPENDENCIES = %D%/libguest64.a %D%/guest.lds
%C%_long_elf_LINK = $(GUEST_LD) -m64 -o $@

%C%_ptwriter_elf_SOURCES = %D%/ptwriter.c
%C%_ptwriter_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_ptwriter_elf_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_ptwriter_elf_LDADD = %D%/libguest64.a
%C%_ptwriter_elf_DEPENDENCIES = %D%/libguest64.a %D%/guest.lds
%C%_ptwriter_elf_LINK = $(GUEST_LD) -m64 -o $@

%C%_ptwriter32_elf_SOURCES = %D%/ptwriter.c
%C%_ptwriter32_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_ptwriter32_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_ptwriter32_elf_LDADD = %D%/libguest32.a
%C%_ptwriter32_elf_DEPENDENCIES = %D%/libguest32.a %D%/guest.lds
%C%_ptwriter32_elf_LINK = $(GUEST_LD) -m32 -o $@

%C%_smi_elf_SOURCES = %D%/smi.c %D%/smi.h %D%/smi16.S
%C%_smi_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_smi_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_smi_elf_CCASFLAGS = $(GUEST32_ABI)
%C%_smi_elf_LDADD = %D%/libguest32.a
%C%_smi_elf_DEPENDENCIES = %D%/libguest32.a %D%/guest.lds
%C%_smi_elf_LINK = $(GUEST_LD) -m32 -o $@

%C%_smi64_elf_SOURCES = %D%/smi.c %D%/smi.h %D%/smi16.S
%C%_smi64_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_smi64_elf_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_smi64_elf_CCASFLAGS = $(GUEST64_ABI)
%C%_smi64_elf_LDADD = %D%/libguest64.a
%C%_smi64_elf_DEPENDENCIES = %D%/libguest64.a %D%/guest.lds
%C%_smi64_elf_LINK = $(GUEST_LD) -m64 -o $@

%C%_irq_elf_SOURCES = %D%/irq.c
%C%_irq_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_irq_elf_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_irq_elf_LDADD = %D%/libguest64.a
%C%_irq_elf_DEPENDENCIES = %D%/libguest64.a %D%/guest.lds
%C%_irq_elf_LINK = $(GUEST_LD) -m64 -o $@

%C%_rights_elf_SOURCES = %D%/rights.c
%C%_rights_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_rights_elf_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_rights_elf_LDADD = %D%/libguest64.a
%C%_rights_elf_DEPENDENCIES = %D%/libguest64.a %D%/guest.lds
%C%_rights_elf_LINK = $(GUEST_LD) -m64 -o $@

%C%_rights32_elf_SOURCES = %D%/rights.c
%C%_rights32_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_rights32_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_rights32_elf_LDADD = %D%/libguest32.a
%C%_rights32_elf_DEPENDENCIES = %D%/libguest32.a %D%/guest.lds
%C%_rights32_elf_LINK = $(GUEST_LD) -m32 -o $@

%C%_apic_elf_SOURCES = %D%/apic.c
%C%_apic_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_apic_elf_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_apic_elf_LDADD = %D%/libguest64.a
%C%_apic_elf_DEPENDENCIES = %D%/libguest64.a %D%/guest.lds
%C%_apic_elf_LINK = $(GUEST_LD) -m64 -o $@
%C%_smp_elf_SOURCES = %D%/smp.c %D%/smp16.S %D%/cpus.c %D%/cpus.h
%C%_smp_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_smp_elf_CFLAGS = $(GUEST64_ABI) $(HV_WARN)
%C%_smp_elf_CCASFLAGS = $(GUEST64_ABI)
%C%_smp_elf_LDADD = %D%/libguest64.a
%C%_smp_elf_DEPENDENCIES = %D%/libguest64.a %D%/guest.lds
%C%_smp_elf_LINK = $(GUEST_LD) -m64 -o $@

%C%_smp32_elf_SOURCES = %D%/smp.c %D%/smp16.S %D%/cpus.c %D%/cpus.h
%C%_smp32_elf_CPPFLAGS = $(HV_CPPFLAGS)
%C%_smp32_elf_CFLAGS = $(GUEST32_ABI) $(HV_WARN)
%C%_smp32_elf_CCASFLAGS = $(GUEST32_ABI)
%C%_smp32_elf_LDADD = %D%/libguest32.a
%C%_smp32_elf_DEPENDENCIES = %D%/libguest32.a %D%/guest.lds
%C%_smp32_elf_LINK = $(GUEST_LD) -m32 -o $@
endif
%D%/%.o: CC = $(HV_CC)
%D%/%.o: CCAS = $(HV_CC)
%D%/%.o: CFLAGS = $(HV_CFLAGS)
%D%/%.o: CCASFLAGS = $(HV_CFLAGS)
%D%/%.o: CPPFLAGS =
%D%/%.o: DEFS =
