# SPDX-License-Identifier: MIT
# Sources of both libhv archives (hosted and bare metal, see hv/local.mk), one
# subject a line:   hv_sources += %D%/NAME.c %D%/NAME.h

hv_sources += \
	%D%/cmd.def \
	%D%/cmd_break.c \
	%D%/cmd_leave.c \
	%D%/cmd_mem.c \
	%D%/cmd_query.c \
	%D%/cmd_regs.c \
	%D%/cmd_run.c \
	%D%/cmd_stop.c \
	%D%/describe.c \
	%D%/packet.c \
	%D%/packet.h \
	%D%/regs.c \
	%D%/regs.def \
	%D%/regs.h \
	%D%/stub.c \
	%D%/stub.h \
	%D%/stub_i.h \
	%D%/target.h \
	%D%/text.c \
	%D%/text.h \
	%D%/thread.c
