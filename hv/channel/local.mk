# SPDX-License-Identifier: MIT
# Sources of both libhv archives (hosted and bare metal, see hv/local.mk), one
# subject a line:   hv_sources += %D%/NAME.c %D%/NAME.h

hv_sources += %D%/channel.h
hv_sources += %D%/command.def
hv_sources += %D%/emit.c %D%/emit.h
hv_sources += %D%/event.c %D%/event.h %D%/event.def
hv_sources += %D%/exitkind.def
