# SPDX-License-Identifier: MIT
# Sources of both libhv archives (hosted and bare metal, see hv/local.mk), one
# subject a line:   hv_sources += %D%/NAME.c %D%/NAME.h

hv_sources += \
	%D%/cmdline.c %D%/cmdline.h \
	%D%/fmt.c %D%/fmt.h \
	%D%/pages.c %D%/pages.h \
	%D%/x86.h
