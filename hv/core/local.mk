# SPDX-License-Identifier: MIT
# Sources of both libhv archives (hosted and bare metal, see hv/local.mk), one
# subject a line:   hv_sources += %D%/NAME.c %D%/NAME.h

hv_sources += %D%/cmdline.c %D%/cmdline.h
hv_sources += %D%/fmt.c %D%/fmt.h
hv_sources += %D%/pages.c %D%/pages.h
hv_sources += %D%/x86.h
hv_sources += %D%/decode.c %D%/decode.h %D%/insn.def
hv_sources += %D%/regs.h
