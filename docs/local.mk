# SPDX-License-Identifier: MIT
# The book and the man page. The book's tables are made from the .def files by
# docs/gen; they are in the tarball, so that it is not needed there.

dist_man_MANS += %D%/vitrine.1
info_TEXINFOS += %D%/vitrine.texi
%C%_vitrine_TEXINFOS = %D%/gen-tables.texi
%C%_vitrine_TEXINFOS += %D%/architecture.texi
%C%_vitrine_TEXINFOS += %D%/building.texi
%C%_vitrine_TEXINFOS += %D%/channel.texi
%C%_vitrine_TEXINFOS += %D%/glossary.texi
%C%_vitrine_TEXINFOS += %D%/paging.texi
%C%_vitrine_TEXINFOS += %D%/tour.texi

EXTRA_PROGRAMS += %D%/gen
%C%_gen_SOURCES = %D%/gen.c
%C%_gen_LDADD =

CLEANFILES += %D%/gen
MAINTAINERCLEANFILES += %D%/gen-tables.texi
%D%/gen-tables.texi: $(srcdir)/%D%/gen.c $(srcdir)/mmu/event.def $(srcdir)/hv/channel/event.def \
		$(srcdir)/hv/channel/command.def $(srcdir)/hv/channel/exitkind.def \
		$(srcdir)/mmu/status.def $(srcdir)/mmu/flush.def $(srcdir)/mmu/point.def \
		$(srcdir)/mmu/spte_bits.def $(srcdir)/hv/guests/guests.def
	$(AM_V_GEN)$(MAKE) $(AM_MAKEFLAGS) %D%/gen && %D%/gen >$@.new && mv $@.new $@

AM_MAKEINFOFLAGS = -D 'VERSION $(VERSION)'
