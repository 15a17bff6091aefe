# SPDX-License-Identifier: MIT
# Sources of both libhv archives (hosted and bare metal, see hv/local.mk), one
# subject a line:   hv_sources += %D%/NAME.c %D%/NAME.h

hv_sources += %D%/apic_bus.c %D%/apic_bus.h
hv_sources += %D%/board.c %D%/board_irq.c %D%/board_mem.c %D%/board.h %D%/ports.def %D%/mmio.def
hv_sources += %D%/ioapic.c %D%/ioapic.h
hv_sources += %D%/lapic.c %D%/lapic_irq.c %D%/lapic_timer.c %D%/lapic.h %D%/lapic.def
hv_sources += %D%/pic.c %D%/pic.h
hv_sources += %D%/pit.c %D%/pit.h
hv_sources += %D%/rtc.c %D%/rtc.h
hv_sources += %D%/uart.c %D%/uart.h
hv_sources += %D%/fw_cfg.c %D%/fw_cfg.h
hv_sources += %D%/pc_test.c %D%/pc_test.h
hv_sources += %D%/pm_timer.c %D%/pm_timer.h
