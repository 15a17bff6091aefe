# SPDX-License-Identifier: MIT
# The book and the man page. The book's tables are made from the .def files by
# docs/gen; they are in the tarball, so that it is not needed there.

dist_man_MANS += %D%/vitrine.1
info_TEXINFOS += %D%/vitrine.texi
%C%_vitrine_TEXINFOS = %D%/gen-tables.texi
%C%_vitrine_TEXINFOS += %D%/aging.texi
%C%_vitrine_TEXINFOS += %D%/architecture.texi
%C%_vitrine_TEXINFOS += %D%/building.texi
%C%_vitrine_TEXINFOS += %D%/channel.texi
%C%_vitrine_TEXINFOS += %D%/devices.texi
%C%_vitrine_TEXINFOS += %D%/flushes.texi
%C%_vitrine_TEXINFOS += %D%/dirty.texi
%C%_vitrine_TEXINFOS += %D%/gdb.texi
%C%_vitrine_TEXINFOS += %D%/glossary.texi
%C%_vitrine_TEXINFOS += %D%/labs.texi
%C%_vitrine_TEXINFOS += %D%/paging.texi
%C%_vitrine_TEXINFOS += %D%/running.texi
%C%_vitrine_TEXINFOS += %D%/scenarios.texi
%C%_vitrine_TEXINFOS += %D%/shadow.texi
%C%_vitrine_TEXINFOS += %D%/smm.texi
%C%_vitrine_TEXINFOS += %D%/slots.texi
%C%_vitrine_TEXINFOS += %D%/tdp.texi
%C%_vitrine_TEXINFOS += %D%/testing.texi
%C%_vitrine_TEXINFOS += %D%/tour.texi
%C%_vitrine_TEXINFOS += %D%/vcpus.texi

EXTRA_PROGRAMS += %D%/gen
%C%_gen_SOURCES = %D%/gen.c
%C%_gen_LDADD =

CLEANFILES += %D%/gen
MAINTAINERCLEANFILES += %D%/gen-tables.texi
%D%/gen-tables.texi: %D%/gen.c hv/channel/command.def hv/channel/event.def \
		hv/channel/exitkind.def hv/core/cpuid.def hv/dev/mmio.def hv/dev/ports.def \
		hv/gdb/cmd.def hv/guests/guests.def hv/sim/expect.def \
		hv/sim/point.def hv/sim/scenario.def mmu/context.def mmu/event.def mmu/flush.def \
		mmu/invariants.def mmu/knob.def mmu/point.def mmu/request.def \
		mmu/spte_bits.def mmu/status.def mmu/zap.def tui/action.def tui/verb.def
	$(AM_V_GEN)$(MAKE) $(AM_MAKEFLAGS) %D%/gen && %D%/gen >$@.new && mv $@.new $@

AM_MAKEINFOFLAGS = -D 'VERSION $(VERSION)'

dist_check_SCRIPTS += tests/docs_commands.sh
TESTS += tests/docs_commands.sh

# The README's picture, made by the program (docs/picture.sh).
EXTRA_DIST += %D%/demo.svg %D%/picture.sh
