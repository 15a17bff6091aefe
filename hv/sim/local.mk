# SPDX-License-Identifier: MIT
# The simulated machine: an archive, so that tests can use its parts.

noinst_LIBRARIES += %D%/libsim.a
%C%_libsim_a_SOURCES = \
	%D%/age.c \
	%D%/check.c \
	%D%/command.c \
	%D%/control.c %D%/control.h \
	%D%/cpu.c %D%/cpu.h \
	%D%/expect.def \
	%D%/explore.c %D%/explore_file.c %D%/explore.h \
	%D%/guest_mode.c %D%/guest_mode.h \
	%D%/host.c \
	%D%/hwwalk.c %D%/hwwalk.h \
	%D%/inner.c \
	%D%/judge.c \
	%D%/log.c \
	%D%/machine.c \
	%D%/mem.c %D%/mem.h \
	%D%/plan.c %D%/plan.h \
	%D%/point.def \
	%D%/promise.c \
	%D%/regs.c \
	%D%/root_flush.c %D%/root_flush.h \
	%D%/run.c %D%/run.h \
	%D%/scenario.c %D%/scenario.h %D%/scenario.def \
	%D%/sched.c %D%/sched.h \
	%D%/sim.h \
	%D%/slots.c \
	%D%/tables.c %D%/tables.h \
	%D%/tlb.c %D%/tlb.h \
	%D%/together.c \
	%D%/watch.c %D%/watch.h


bin_PROGRAMS += %D%/vitrine-sim
%C%_vitrine_sim_SOURCES = %D%/main.c
%C%_vitrine_sim_LDADD = %D%/libsim.a hv/libhv.a mmu/libmmu.a

scenariosdir = $(pkgdatadir)/scenarios
dist_scenarios_DATA = \
	%D%/scenarios/another-mmu.scn \
	%D%/scenarios/coalescing.scn \
	%D%/scenarios/aging.scn \
	%D%/scenarios/device-memory.scn \
	%D%/scenarios/dirty-bits.scn \
	%D%/scenarios/dirty-log.scn \
	%D%/scenarios/flush-race.scn \
	%D%/scenarios/huge-pages.scn \
	%D%/scenarios/left-to-the-guest.scn \
	%D%/scenarios/memory-taken-back.scn \
	%D%/scenarios/missing-flush.scn \
	%D%/scenarios/nested.scn \
	%D%/scenarios/pdptes.scn \
	%D%/scenarios/previous-roots.scn \
	%D%/scenarios/quadrants.scn \
	%D%/scenarios/shared-table.scn \
	%D%/scenarios/tdp-tree.scn \
	%D%/scenarios/two-worlds.scn \
	%D%/scenarios/smram.scn \
	%D%/scenarios/write-protection.scn
