# SPDX-License-Identifier: MIT
# Sources of both libhv archives (hosted and bare metal, see hv/local.mk), one
# subject a line:   hv_sources += %D%/NAME.c %D%/NAME.h

hv_sources += %D%/alu.c %D%/alu.h
hv_sources += %D%/bundle.c %D%/bundle.h
hv_sources += %D%/clock.h
hv_sources += %D%/cmdline.c %D%/cmdline.h
hv_sources += %D%/command.c %D%/command_look.c %D%/command.h
hv_sources += %D%/console.c %D%/console.h
hv_sources += %D%/control.c %D%/control.h
hv_sources += %D%/debug.c %D%/debug.h
hv_sources += %D%/decode.c %D%/decode.h %D%/insn.def
hv_sources += %D%/emulate.c %D%/emulate_insn.c %D%/emulate_mem.c %D%/emulate_rmw.c
hv_sources += %D%/emulate.h
hv_sources += %D%/exit.c %D%/exit.def
hv_sources += %D%/exit_cpuid.c %D%/cpuid.def
hv_sources += %D%/exit_cr.c
hv_sources += %D%/exit_fault.c
hv_sources += %D%/exit_io.c
hv_sources += %D%/exit_msr.c
hv_sources += %D%/fmt.c %D%/fmt.h
hv_sources += %D%/gdb.c %D%/gdb.h
hv_sources += %D%/gdb_target.c %D%/gdb_target.h
hv_sources += %D%/inject.c
hv_sources += %D%/load.c %D%/load.h
hv_sources += %D%/load_elf.c
hv_sources += %D%/load_linux.c
hv_sources += %D%/look.c %D%/look.h
hv_sources += %D%/pages.c %D%/pages.h
hv_sources += %D%/platform.h
hv_sources += %D%/regs.h
hv_sources += %D%/step.c %D%/step.h
hv_sources += %D%/vcpu.c %D%/vcpu.h
hv_sources += %D%/vm.c %D%/vm.h
hv_sources += %D%/x86.h
