# SPDX-License-Identifier: MIT
hv_sources = \
	%D%/channel.h %D%/event.h %D%/event.def %D%/command.def %D%/exitkind.def \
	%D%/event.c %D%/emit.h %D%/emit.c
