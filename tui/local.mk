# SPDX-License-Identifier: MIT
# The host program. Everything but main() and the commands is in an archive, so
# that the tests can link it; only screen_curses.c knows ncurses.

noinst_LIBRARIES += %D%/libtui.a
%C%_libtui_a_SOURCES = \
	%D%/say.h %D%/say.c %D%/text.h %D%/text.c %D%/map.h %D%/map.c \
	%D%/event.h %D%/event.c %D%/parse.h %D%/parse.c %D%/format.h %D%/format.c %D%/unit.def \
	%D%/model.h %D%/model_i.h %D%/model.c %D%/model_mmu.c %D%/model_machine.c \
	%D%/model_equal.c %D%/timeline.h %D%/timeline.c \
	%D%/record.h %D%/record_i.h %D%/record_write.c %D%/record_read.c \
	%D%/link.h %D%/link_i.h %D%/link.c %D%/link_command.c
%C%_libtui_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

tui_libs = %D%/libtui.a hv/libhv.a mmu/libmmu.a $(JANSSON_LIBS)

# Tests of the host program: tests/check_tui_*.c, check_model.c, check_record.c.
tui_tests = tests/check_model.t tests/check_record.t tests/check_tui_link.t
hosted_tests += $(tui_tests)
check_LIBRARIES += tests/tui/libfake.a
tests_tui_libfake_a_SOURCES = tests/tui/fake.c tests/tui/fake.h
tests_check_model_t_LDADD = tests/tui/libfake.a $(tui_libs) tests/libtap.a $(CHECK_LIBS)
tests_check_record_t_LDADD = $(tests_check_model_t_LDADD)
tests_check_tui_link_t_LDADD = $(tests_check_model_t_LDADD)
