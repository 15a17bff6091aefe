# SPDX-License-Identifier: MIT
# The bare-metal machine: the image vitrine-hv.elf, which QEMU starts. The lines
# at the end keep the hosted compiler and its flags out (Makefile.am says how).
%D%/vitrine_hv_elf-%.o: CC = $(HV_CC)
%D%/vitrine_hv_elf-%.o: CFLAGS = $(HV_CFLAGS)
%D%/vitrine_hv_elf-%.o: CPPFLAGS =
%D%/vitrine_hv_elf-%.o: DEFS =
%D%/vitrine_hv_elf-%.o: CCAS = $(HV_CC)
%D%/vitrine_hv_elf-%.o: CCASFLAGS = $(HV_CFLAGS)
