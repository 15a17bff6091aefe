# SPDX-License-Identifier: MIT
# The labs: the program behind `vitrine lab`, the starters and their texts. The
# grader links the library's sources of answers nowhere: it asks a child.

pkglibexec_PROGRAMS += %D%/vitrine-lab
%C%_vitrine_lab_SOURCES = \
	%D%/lab.h %D%/labs.def %D%/main.c %D%/ask.c %D%/build.c %D%/grade.c %D%/scenario.c \
	%D%/lab07.c %D%/lab07.h %D%/07-quadrants/rubric.def
%C%_vitrine_lab_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE -DLAB_VERSION='"$(VERSION)"'
%C%_vitrine_lab_LDADD = $(tui_libs)

# Built from source for each grading, together with the student's file.
EXTRA_DIST += %D%/answer.c %D%/07-quadrants/answer.c

EXTRA_DIST += %D%/07-quadrants/README.md %D%/07-quadrants/role.c %D%/07-quadrants/guest.scn \
	%D%/07-quadrants/hint-1.txt %D%/07-quadrants/hint-2.txt %D%/07-quadrants/hint-3.txt

dist_check_SCRIPTS += %D%/lab.sh
TESTS += %D%/lab.sh
