# SPDX-License-Identifier: MIT
# What operations of the shadow MMU cost with few and with many shadow pages:
#
#     make bench                        from 1000 to 1000000, which takes 9 GiB
#     make bench SIZES='1000 100000'
#     make bench-age                    how fast it is asked which memory was used

if WITH_SHADOW_MMU
EXTRA_PROGRAMS += %D%/bench
%C%_bench_SOURCES = %D%/bench.c %D%/bench.h %D%/count.c %D%/machine.c %D%/ops.c
%C%_bench_LDADD = mmu/libmmu.a
CLEANFILES += %D%/bench$(EXEEXT)

bench: %D%/bench$(EXEEXT)
	%D%/bench$(EXEEXT) $(SIZES)

if WITH_TDP_MMU
EXTRA_PROGRAMS += %D%/age
%C%_age_LDADD = mmu/libmmu.a
CLEANFILES += %D%/age$(EXEEXT)

bench-age: %D%/age$(EXEEXT)
	%D%/age$(EXEEXT)
endif
endif
.PHONY: bench bench-age
