# SPDX-License-Identifier: MIT
# The host program. Everything but main() and the commands is in an archive, so
# that the tests can link it; only screen_curses.c knows ncurses.

tui_places = -DVITRINE_SOURCE='"$(abs_top_srcdir)"' -DBINDIR='"$(bindir)"' \
	-DPKGLIBEXECDIR='"$(pkglibexecdir)"' -DPKGDATADIR='"$(pkgdatadir)"'
# How programs are built that have one file of the library replaced.
tui_builds = -DBUILD_SRCDIR='"$(abs_top_srcdir)"' -DBUILD_BUILDDIR='"$(abs_top_builddir)"' \
	-DBUILD_CC='"$(CC)"' -DBUILD_AR='"$(AR)"' -DBUILD_CFLAGS='"$(CFLAGS) $(MMU_DEFS)"'

noinst_LIBRARIES += %D%/libtui.a
%C%_libtui_a_SOURCES = \
	%D%/say.h %D%/say.c %D%/text.h %D%/text.c %D%/map.h %D%/map.c \
	%D%/event.h %D%/event.c %D%/parse.h %D%/parse.c \
	%D%/format.h %D%/format.c %D%/unit.def \
	%D%/model.h %D%/model_i.h %D%/model.c %D%/model_mmu.c %D%/model_slot.c %D%/model_machine.c \
	%D%/model_equal.c %D%/timeline.h %D%/timeline.c \
	%D%/record.h %D%/record_i.h %D%/record_write.c %D%/record_read.c \
	%D%/link.h %D%/link_i.h %D%/link.c %D%/link_command.c \
	%D%/build.h %D%/build.c %D%/mutant.h %D%/mutant_i.h %D%/mutant.c %D%/mutant_build.c \
	%D%/compare.def %D%/compare.h %D%/compare.c %D%/compare_diff.c \
	%D%/open.h %D%/open.c %D%/paths.h %D%/paths.c \
	%D%/ram.h %D%/ram.c %D%/machine.h %D%/machine_i.h %D%/machine.c %D%/qemu.c \
	%D%/bundle.h %D%/bundle.c \
	%D%/host.h %D%/host.c \
	%D%/last.h %D%/last.c \
	%D%/relay.h %D%/relay.c %D%/session.h %D%/session.c \
	%D%/canvas.h %D%/canvas.c %D%/canvas_svg.c %D%/palette.def \
	%D%/action.h %D%/action.c %D%/action.def \
	%D%/ui.h %D%/ui.c %D%/ui_keys.c %D%/ui_draw.c %D%/ui_command.c %D%/ui_break.c %D%/ui_mmu.c %D%/ui_dirty.c \
	%D%/ui.h %D%/ui.c %D%/ui_keys.c %D%/ui_draw.c %D%/ui_command.c %D%/ui_break.c %D%/ui_mmu.c \
	%D%/ui_age.c \
	%D%/ui_reply.c \
	%D%/view.h %D%/view.c %D%/view_pages.c %D%/view_page.c %D%/view_spte.c \
	%D%/view_events.c %D%/view_source.c %D%/view_console.c %D%/view_slots.c %D%/view_knobs.c \
	%D%/view_vcpus.c %D%/view_lists.c %D%/view_help.c
%C%_libtui_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(tui_places) $(tui_builds)

tui_libs = %D%/libtui.a hv/libhv.a mmu/libmmu.a $(JANSSON_LIBS)

bin_PROGRAMS += %D%/vitrine
%C%_vitrine_SOURCES = \
	%D%/main.c %D%/verb.h %D%/verb.def %D%/cmd_view.c %D%/cmd_trace.c \
	%D%/cmd_run.c %D%/cmd_sim.c %D%/cmd_compare.c %D%/cmd_guests.c %D%/cmd_lab.c %D%/cmd_doctor.c \
	%D%/linux.h %D%/linux.c %D%/linux.def \
	%D%/builtin.h %D%/options.h %D%/options.c %D%/option.def %D%/live.h %D%/live.c \
	%D%/loop.h %D%/loop.c %D%/screen.h
%C%_vitrine_LDADD = $(tui_libs)
%C%_vitrine_CPPFLAGS = $(AM_CPPFLAGS) $(tui_places) $(NCURSES_CFLAGS)
if BUILD_TUI
%C%_vitrine_SOURCES += %D%/screen_curses.c
%C%_vitrine_LDADD += $(NCURSES_LIBS)
EXTRA_DIST += %D%/screen_none.c
else
%C%_vitrine_SOURCES += %D%/screen_none.c
EXTRA_DIST += %D%/screen_curses.c
endif

clean-local:
	rm -rf hv/sim/mutants

# Tests of the host program: tests/check_tui_*.c, check_model.c, check_record.c.
tui_tests = tests/check_model.t tests/check_record.t tests/check_tui_link.t
hosted_tests += $(tui_tests)
check_LIBRARIES += tests/tui/libfake.a
tests_tui_libfake_a_SOURCES = tests/tui/fake.c tests/tui/fake.h
tests_check_model_t_LDADD = tests/tui/libfake.a $(tui_libs) tests/libtap.a $(CHECK_LIBS)
tests_check_record_t_LDADD = $(tests_check_model_t_LDADD)
tests_check_tui_link_t_LDADD = $(tests_check_model_t_LDADD)
dist_check_SCRIPTS += tests/tui_golden.sh
TESTS += tests/tui_golden.sh
EXTRA_DIST += tests/tui/shadow.events tests/tui/src/mmu/sample.c \
	tests/tui/tour.script tests/tui/tour.screen tests/tui/views.script tests/tui/views.screen \
	tests/tui/mmio.events tests/tui/mmio.script tests/tui/mmio.screen \
	tests/tui/flushes.events tests/tui/flushes.script tests/tui/flushes.screen \
	tests/tui/keys.script tests/tui/keys.screen tests/tui/wide.script tests/tui/wide.screen \
	tests/tui/small.script tests/tui/small.screen tests/tui/svg.script tests/tui/svg.screen

dist_check_SCRIPTS += tests/tui_run.sh tests/tui_snapshot.sh
TESTS += tests/tui_run.sh tests/tui_snapshot.sh

if HAVE_VTERM
if BUILD_TUI
hosted_tests += tests/check_tui_terminal.t
tests_check_tui_terminal_t_CPPFLAGS = $(AM_CPPFLAGS) $(VTERM_CFLAGS)
tests_check_tui_terminal_t_LDADD = tests/libtap.a $(CHECK_LIBS) $(VTERM_LIBS) -lutil
endif
endif
