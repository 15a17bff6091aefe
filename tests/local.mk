# SPDX-License-Identifier: MIT
# Tests by extension: NAME.t is a program linked with libcheck, NAME.sh a script;
# both speak TAP. A unit test is one line here, its source is NAME.c:
#
#     hosted_tests += %D%/check_NAME.t
#
# and a script is two lines:
#
#     dist_check_SCRIPTS += %D%/NAME.sh
#     TESTS += %D%/NAME.sh
#
# What takes minutes goes into long_tests instead of TESTS: `make check-long` runs
# it, and so does ./run check --all.

hosted_tests += %D%/check_platform.t
hosted_tests += %D%/check_role.t

check_LIBRARIES += %D%/libtap.a
%C%_libtap_a_SOURCES = %D%/tap.c %D%/tap.h

# Every test program links against the hosted archives; programs which are no
# tests name their own _LDADD.
LDADD = %D%/libtap.a hv/libhv.a mmu/libmmu.a $(CHECK_LIBS)

if HAVE_CHECK
check_PROGRAMS += $(hosted_tests)
TESTS += $(hosted_tests)
endif

# GDB: a pretended guest, for the unit tests and for a server real GDB talks to.
check_LIBRARIES += %D%/libgdbfake.a
%C%_libgdbfake_a_SOURCES = \
	%D%/gdb_fake.c \
	%D%/gdb_fake.h \
	%D%/gdb_session.c \
	%D%/gdb_session.h
hosted_tests += %D%/check_gdb_fuzz.t
hosted_tests += %D%/check_gdb_leave.t
hosted_tests += %D%/check_gdb_memory.t
hosted_tests += %D%/check_gdb_packet.t
hosted_tests += %D%/check_gdb_run.t
hosted_tests += %D%/check_gdb_stub.t
%C%_check_gdb_fuzz_t_LDADD = %D%/libgdbfake.a $(LDADD)
%C%_check_gdb_leave_t_LDADD = %D%/libgdbfake.a $(LDADD)
%C%_check_gdb_memory_t_LDADD = %D%/libgdbfake.a $(LDADD)
%C%_check_gdb_run_t_LDADD = %D%/libgdbfake.a $(LDADD)
%C%_check_gdb_stub_t_LDADD = %D%/libgdbfake.a $(LDADD)

check_PROGRAMS += %D%/gdb_server
%C%_gdb_server_SOURCES = %D%/gdb_server.c %D%/gdb_fake.c %D%/gdb_fake.h
%C%_gdb_server_LDADD = hv/libhv.a mmu/libmmu.a
dist_check_SCRIPTS += %D%/gdb_real.sh
TESTS += %D%/gdb_real.sh

# The same GDB on guests, through `vitrine run`.
dist_check_SCRIPTS += %D%/gdb_hv.sh
TESTS += %D%/gdb_hv.sh
dist_check_SCRIPTS += %D%/gdb_guest.sh
TESTS += %D%/gdb_guest.sh

thread_tests =
thread_tests += %D%/check_lock.t
thread_tests += %D%/check_threads.t
thread_tests += %D%/check_threads_age.t
thread_tests += %D%/check_threads_dirty.t
thread_tests += %D%/check_threads_mode.t
thread_tests += %D%/check_threads_shadow.t
thread_tests += %D%/check_threads_slots.t
thread_tests += %D%/check_threads_tdp.t

# The programs alone, which is what sanitizers can see; and that these stay out of
# bare metal.
check-hosted: all $(check_LIBRARIES)
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(hosted_tests) %D%/lint_objects.sh'
check-long: all $(check_LIBRARIES)
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(long_tests)'
# What the thread sanitizer is for; it makes them ten times slower.
check-threads: all $(check_LIBRARIES)
	CK_TIMEOUT_MULTIPLIER=10 $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(thread_tests)'
# The mutants and what killed each, as a table.
mutants: all $(check_LIBRARIES) $(check_PROGRAMS)
	@$(AM_TESTS_ENVIRONMENT) MAKE='$(MAKE)' $(SHELL) $(srcdir)/%D%/mutants.sh --table
# The duel for long: OPS operations, half of them on each back end, by all CPUs.
duel-long: all $(check_PROGRAMS)
	@$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/%D%/duel_farm.sh $(OPS) $(SEED)
# Debian's kernels under both MMUs, as a table.
check-real: all
	@$(AM_TESTS_ENVIRONMENT) top_srcdir='$(top_srcdir)' top_builddir='$(top_builddir)' \
		$(SHELL) $(srcdir)/%D%/linux.sh --table
.PHONY: check-real
.PHONY: duel-long check-hosted check-long check-threads mutants

# Lines of the library that the hosted programs run, in a build of its own.
dist_noinst_SCRIPTS += %D%/coverage.sh
coverage:
	@$(AM_TESTS_ENVIRONMENT) MAKE='$(MAKE)' $(SHELL) $(srcdir)/%D%/coverage.sh $(COVERAGE)
.PHONY: check-hosted check-long check-threads mutants coverage

# Two runs beside each other.
dist_check_SCRIPTS += %D%/compare.sh
TESTS += %D%/compare.sh

# The lints: rules of the house which a script can see.
dist_check_SCRIPTS += %D%/lint_dist.sh %D%/lint_layering.sh %D%/lint_objects.sh
dist_check_SCRIPTS += %D%/lint_source.sh
dist_check_SCRIPTS += %D%/slot_lookups.sh
TESTS += %D%/slot_lookups.sh
EXTRA_DIST += %D%/lint.sh
TESTS += %D%/lint_dist.sh %D%/lint_layering.sh %D%/lint_objects.sh %D%/lint_source.sh

# The built-in guests and Debian's kernel with our init: on plain QEMU, which is
# the truth, and under vitrine. The kernel is fetched once.
dist_noinst_SCRIPTS += %D%/fetch-kernel.sh
dist_check_SCRIPTS += %D%/guests_audit.sh %D%/guests_native.sh %D%/guests.sh
dist_check_SCRIPTS += %D%/knobs.sh %D%/linux_native.sh %D%/linux.sh
TESTS += %D%/guests_audit.sh %D%/guests_native.sh %D%/guests.sh
long_tests += %D%/knobs.sh %D%/linux_native.sh %D%/linux.sh
dist_check_SCRIPTS += %D%/linux_irq.sh
long_tests += %D%/linux_irq.sh
dist_check_SCRIPTS += %D%/linux_shell.sh
dist_noinst_SCRIPTS += %D%/vmlinux.sh
long_tests += %D%/linux_shell.sh
dist_check_SCRIPTS += %D%/switch.sh
long_tests += %D%/switch.sh
dist_check_SCRIPTS += %D%/linux_apic.sh
long_tests += %D%/linux_apic.sh

# Several vCPUs.
dist_check_SCRIPTS += %D%/smp.sh %D%/gdb_vcpus.sh %D%/linux_smp.sh
TESTS += %D%/smp.sh %D%/gdb_vcpus.sh
long_tests += %D%/linux_smp.sh

dist_check_SCRIPTS += %D%/run_script.sh
TESTS += %D%/run_script.sh

dist_check_SCRIPTS += %D%/age_type.sh
TESTS += %D%/age_type.sh

# The simulated machine.
if WITH_SHADOW_MMU
hosted_tests += %D%/check_sim_control.t
endif
hosted_tests += %D%/check_sim_hardware.t
hosted_tests += %D%/check_sim_scenario.t
%C%_check_sim_control_t_LDADD = $(tui_libs) $(LDADD)
%C%_check_sim_hardware_t_LDADD = hv/sim/libsim.a $(LDADD)
%C%_check_sim_scenario_t_LDADD = hv/sim/libsim.a $(LDADD)

# The MMU library on a pretended host (fake_env).
check_LIBRARIES += %D%/libfake.a
%C%_libfake_a_SOURCES = %D%/fake_env.c %D%/fake_env.h
hosted_tests += %D%/check_status.t
hosted_tests += %D%/check_knob.t
%C%_check_knob_t_LDADD = %D%/libfake.a $(LDADD)
hosted_tests += %D%/check_lock.t
hosted_tests += %D%/check_parray.t
hosted_tests += %D%/check_sp.t
hosted_tests += %D%/check_spte.t
%C%_check_lock_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_parray_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_sp_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_spte_t_LDADD = %D%/libfake.a $(LDADD)

if WITH_TDP_MMU
hosted_tests += %D%/check_flush.t
hosted_tests += %D%/check_flush_roots.t
hosted_tests += %D%/check_flush_by_root.t
hosted_tests += %D%/check_age.t
hosted_tests += %D%/check_age_kept.t
%C%_check_age_t_SOURCES = %D%/check_age.c %D%/age_machine.c %D%/age_machine.h
%C%_check_age_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_age_kept_t_SOURCES = %D%/check_age_kept.c %D%/age_machine.c
%C%_check_age_kept_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_flush_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_flush_by_root_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_flush_roots_t_LDADD = %D%/libfake.a $(LDADD)
hosted_tests += %D%/check_tdp.t
hosted_tests += %D%/check_tdp_iter.t
hosted_tests += %D%/check_tdp_vm.t
hosted_tests += %D%/check_threads.t
%C%_check_tdp_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_tdp_iter_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_tdp_vm_t_LDADD = %D%/libfake.a $(LDADD)
hosted_tests += %D%/check_tdp_roots.t
%C%_check_tdp_roots_t_LDADD = %D%/libfake.a $(LDADD)
hosted_tests += %D%/check_tdp_resize.t
hosted_tests += %D%/check_threads_tdp.t
%C%_check_threads_tdp_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_tdp_resize_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_threads_t_LDADD = %D%/libfake.a $(LDADD)
if WITH_SHADOW_MMU
hosted_tests += %D%/check_slots.t
hosted_tests += %D%/check_smram.t
hosted_tests += %D%/check_threads_slots.t
hosted_tests += %D%/check_age_blind.t
hosted_tests += %D%/check_age_nested.t
hosted_tests += %D%/check_threads_age.t
%C%_check_age_nested_t_SOURCES = %D%/check_age_nested.c %D%/inner.c %D%/inner.h
%C%_check_age_nested_t_LDADD = %D%/libguest.a %D%/libfake.a hv/sim/libsim.a $(LDADD)
%C%_check_threads_age_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_age_blind_t_LDADD = hv/sim/libsim.a $(LDADD)
hosted_tests += %D%/check_nested.t
hosted_tests += %D%/check_nested_change.t
hosted_tests += %D%/check_nested_random.t
hosted_tests += %D%/check_dirty_inner.t
%C%_check_dirty_inner_t_SOURCES = %D%/check_dirty_inner.c %D%/inner.c %D%/inner.h
%C%_check_dirty_inner_t_LDADD = %D%/libguest.a %D%/libfake.a hv/sim/libsim.a $(LDADD)
hosted_tests += %D%/check_mode.t
hosted_tests += %D%/check_threads_mode.t
%C%_check_threads_mode_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_mode_t_SOURCES = %D%/check_mode.c %D%/inner.c %D%/inner.h
%C%_check_mode_t_LDADD = %D%/libguest.a %D%/libfake.a hv/sim/libsim.a $(LDADD)
hosted_tests += %D%/check_audit.t
hosted_tests += %D%/check_dump.t
%C%_check_audit_t_SOURCES = %D%/check_audit.c %D%/audit_breaks.h \
	%D%/audit_breaks_mode.c \
	%D%/audit_breaks_nested.c \
	%D%/audit_breaks_roots.c %D%/audit_breaks_shadow.c %D%/audit_breaks_tdp.c
hosted_tests += %D%/check_nested_legacy.t
%C%_check_audit_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_dump_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
endif
endif

# The hypervisor's core and devices.
hosted_tests += %D%/check_alu.t
hosted_tests += %D%/check_decode.t
hosted_tests += %D%/check_dev.t
hosted_tests += %D%/check_ioapic.t
hosted_tests += %D%/check_lapic.t
hosted_tests += %D%/check_lapic_timer.t
hosted_tests += %D%/check_pit.t
hosted_tests += %D%/check_uart.t
%C%_check_lapic_t_SOURCES = %D%/check_lapic.c %D%/lapic_bus.c %D%/lapic_bus.h
%C%_check_lapic_timer_t_SOURCES = %D%/check_lapic_timer.c %D%/lapic_bus.c %D%/lapic_bus.h
hosted_tests += %D%/check_dev_qemu.t
%C%_check_exit_msr_t_SOURCES = %D%/check_exit_msr.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_multiboot_t_SOURCES = %D%/check_multiboot.c %D%/fake_machine.c %D%/fake_machine.h
if WITH_TDP_MMU
hosted_tests += %D%/check_emulate.t
hosted_tests += %D%/check_emulate_modes.t
hosted_tests += %D%/check_emulate_device.t
if HOST_X86_64
hosted_tests += %D%/check_emulate_native.t
endif
if WITH_SHADOW_MMU
hosted_tests += %D%/check_cpus.t
hosted_tests += %D%/check_tools.t
hosted_tests += %D%/check_multiboot.t
hosted_tests += %D%/check_exit_msr.t
hosted_tests += %D%/check_vm.t
hosted_tests += %D%/check_vm_stores.t
hosted_tests += %D%/check_delivery.t
hosted_tests += %D%/check_livelock.t
hosted_tests += %D%/check_smm.t
hosted_tests += %D%/check_smm_area.t
hosted_tests += %D%/check_smm_ram.t
hosted_tests += %D%/check_vm_mode.t
hosted_tests += %D%/check_vcpus.t
endif
endif
%C%_check_cpus_t_SOURCES = %D%/check_cpus.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_smm_t_SOURCES = %D%/check_smm.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_smm_ram_t_SOURCES = %D%/check_smm_ram.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_tools_t_SOURCES = %D%/check_tools.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_delivery_t_SOURCES = %D%/check_delivery.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_livelock_t_SOURCES = %D%/check_livelock.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_vm_stores_t_SOURCES = %D%/check_vm_stores.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_vm_mode_t_SOURCES = %D%/check_vm_mode.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_vcpus_t_SOURCES = %D%/check_vcpus.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_vm_t_SOURCES = %D%/check_vm.c %D%/fake_machine.c %D%/fake_machine.h
%C%_check_emulate_t_SOURCES = %D%/check_emulate.c %D%/emulate_guest.c %D%/emulate_guest.h
%C%_check_emulate_device_t_SOURCES = %D%/check_emulate_device.c %D%/emulate_guest.c %D%/emulate_guest.h
%C%_check_emulate_device_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_emulate_modes_t_SOURCES = %D%/check_emulate_modes.c %D%/emulate_guest.c %D%/emulate_guest.h
%C%_check_emulate_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_emulate_modes_t_LDADD = %D%/libfake.a $(LDADD)
if HOST_X86_64
%C%_check_emulate_native_t_SOURCES = %D%/check_emulate_native.c %D%/native.c %D%/native.h
%C%_check_emulate_native_t_LDADD = %D%/libfake.a $(LDADD)
endif
if HAVE_CAPSTONE
hosted_tests += %D%/check_decode_capstone.t
endif
%C%_check_decode_capstone_t_SOURCES = %D%/check_decode_capstone.c %D%/capstone.c %D%/capstone.h
%C%_check_decode_capstone_t_LDADD = $(LDADD) $(CAPSTONE_LIBS)

# The bare-metal image by itself, without the host program.
dist_check_SCRIPTS += %D%/image.sh %D%/smi.sh %D%/smi_long.sh
TESTS += %D%/image.sh %D%/smi.sh
long_tests += %D%/smi_long.sh
check_LIBRARIES += %D%/libguest.a
%C%_libguest_a_SOURCES = %D%/guest_pt.c %D%/guest_pt.h %D%/guest_oracle.c
hosted_tests += %D%/check_rmap.t
hosted_tests += %D%/check_starve.t
hosted_tests += %D%/check_dirty.t
%C%_check_dirty_t_SOURCES = %D%/check_dirty.c %D%/dirty_guest.c %D%/dirty_guest.h
hosted_tests += %D%/check_dirty_writers.t
hosted_tests += %D%/check_threads_dirty.t
%C%_check_threads_dirty_t_SOURCES = %D%/check_threads_dirty.c %D%/dirty_guest.c %D%/dirty_guest.h
%C%_check_threads_dirty_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_dirty_writers_t_SOURCES = %D%/check_dirty_writers.c %D%/dirty_guest.c %D%/dirty_guest.h
%C%_check_dirty_writers_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_dirty_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_starve_t_SOURCES = %D%/check_starve.c %D%/starve.h %D%/starve_rows.c \
	%D%/starve_dirty.c %D%/starve_guest.c %D%/starve_more.c
%C%_check_starve_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
if WITH_SHADOW_MMU
hosted_tests += %D%/check_access.t
hosted_tests += %D%/check_exchange.t
hosted_tests += %D%/check_gwalk.t
hosted_tests += %D%/check_gwalk_random.t
hosted_tests += %D%/check_memslot.t
hosted_tests += %D%/check_shadow.t
hosted_tests += %D%/check_threads_shadow.t
hosted_tests += %D%/check_mmio.t
hosted_tests += %D%/check_prefetch.t
hosted_tests += %D%/check_split.t
hosted_tests += %D%/check_roots.t
hosted_tests += %D%/check_zap.t
hosted_tests += %D%/check_owed.t
if WITH_TDP_MMU
hosted_tests += %D%/check_backend.t
hosted_tests += %D%/check_fast_fault.t
%C%_check_backend_t_LDADD = %D%/libfake.a $(LDADD)
endif
hosted_tests += %D%/check_gfn_cache.t
hosted_tests += %D%/check_shadow_memory.t
hosted_tests += %D%/check_shadow_modes.t
hosted_tests += %D%/check_shadow_random.t
hosted_tests += %D%/check_shadow_tables.t
hosted_tests += %D%/check_unsync.t
hosted_tests += %D%/check_unsync_links.t
%C%_check_exchange_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_access_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_threads_shadow_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
endif
%C%_check_gfn_cache_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_threads_slots_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_smram_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_slots_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_gwalk_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_gwalk_random_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_memslot_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_rmap_t_LDADD = %D%/libfake.a $(LDADD)
%C%_check_roots_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_zap_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_shadow_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_mmio_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_owed_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_prefetch_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_fast_fault_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_split_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_shadow_memory_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_shadow_modes_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_nested_legacy_t_SOURCES = %D%/check_nested_legacy.c %D%/inner.c %D%/inner.h
%C%_check_nested_legacy_t_LDADD = %D%/libguest.a %D%/libfake.a hv/sim/libsim.a $(LDADD)
%C%_check_nested_random_t_SOURCES = %D%/check_nested_random.c %D%/inner.c %D%/inner.h
%C%_check_nested_random_t_LDADD = %D%/libguest.a %D%/libfake.a hv/sim/libsim.a $(LDADD)
%C%_check_nested_t_SOURCES = %D%/check_nested.c %D%/inner.c %D%/inner.h
%C%_check_nested_change_t_SOURCES = %D%/check_nested_change.c %D%/inner.c %D%/inner.h
%C%_check_nested_change_t_LDADD = %D%/libguest.a %D%/libfake.a hv/sim/libsim.a $(LDADD)
%C%_check_nested_t_LDADD = %D%/libguest.a %D%/libfake.a hv/sim/libsim.a $(LDADD)
%C%_check_shadow_random_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_shadow_tables_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_unsync_t_SOURCES = %D%/check_unsync.c %D%/unsync_guest.c %D%/unsync_guest.h
%C%_check_unsync_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)
%C%_check_unsync_links_t_SOURCES = %D%/check_unsync_links.c %D%/unsync_guest.c %D%/unsync_guest.h
%C%_check_unsync_links_t_LDADD = %D%/libguest.a %D%/libfake.a $(LDADD)

# The duel: the library against a naive MMU, on the simulated machine.
if WITH_SHADOW_MMU
if WITH_TDP_MMU
hosted_tests += %D%/duel.t
endif
endif
%C%_duel_t_SOURCES = \
	%D%/duel.c %D%/duel.def %D%/duel.h \
	%D%/duel_access.c \
	%D%/duel_dirty.c \
	%D%/duel_age.c \
	%D%/duel_edit.c \
	%D%/duel_flush.c \
	%D%/duel_geometry.c %D%/duel_geometry.def \
	%D%/duel_guest.c \
	%D%/duel_host.c \
	%D%/duel_inner.c \
	%D%/duel_model.c \
	%D%/duel_nested.c \
	%D%/duel_resize.c \
	%D%/duel_past.c \
	%D%/duel_regs.c \
	%D%/duel_run.c \
	%D%/duel_script.c \
	%D%/duel_shrink.c \
	%D%/duel_slots.c \
	%D%/duel_step.c \
	%D%/duel_switch.c \
	%D%/naive.c %D%/naive.h \
	%D%/naive_nested.c \
	%D%/naive_past.c %D%/naive_past.h \
	%D%/naive_walk.c
%C%_duel_t_LDADD = hv/sim/libsim.a $(tui_libs)
dist_check_SCRIPTS += %D%/duel_farm.sh %D%/duel_long.sh %D%/explore.sh %D%/mutants.sh %D%/sim.sh
TESTS += %D%/explore.sh %D%/sim.sh
long_tests += %D%/duel_long.sh %D%/mutants.sh
EXTRA_DIST += %D%/mutants
# The mutants as lessons: vitrine sim --mutant.
dist_check_SCRIPTS += %D%/lessons.sh
TESTS += %D%/lessons.sh
EXTRA_DIST += \
	%D%/sim/table-of-two-sizes.scn \
	%D%/sim/all-at-once.scn \
	%D%/sim/dirty-in-readonly.scn \
	%D%/sim/eager-split.scn \
	%D%/sim/five-levels.scn \
	%D%/sim/nested-2level.scn \
	%D%/sim/nested-by-numbers.scn \
	%D%/sim/nested-pae.scn \
	%D%/sim/logged-table.scn \
	%D%/sim/nested-plain.scn \
	%D%/sim/neighbours.scn \
	%D%/sim/no-memory.scn \
	%D%/sim/order-dirty.scn \
	%D%/sim/order-flush.scn \
	%D%/sim/order-age.scn \
	%D%/sim/order-free.scn \
	%D%/sim/order-leave.scn \
	%D%/sim/order-mmio.scn \
	%D%/sim/order-root-flush.scn \
	%D%/sim/order-root-refused.scn \
	%D%/sim/order-move.scn \
	%D%/sim/order-slot-table.scn \
	%D%/sim/order-slot.scn \
	%D%/sim/order-switch.scn \
	%D%/sim/order-sync.scn \
	%D%/sim/order-table-write.scn \
	%D%/sim/order-tdp-slot.scn \
	%D%/sim/order-tdp-zap.scn \
	%D%/sim/order-tdp.scn \
	%D%/sim/order-unsync.scn \
	%D%/sim/order-walk.scn \
	%D%/sim/page-size.scn \
	%D%/sim/recursive.scn \
	%D%/sim/rights-of-large-pages.scn \
	%D%/sim/rights.scn \
	%D%/sim/table-in-large-page.scn \
	%D%/sim/resize-at-once.scn \
	%D%/sim/two-spaces.scn \
	%D%/sim/unsync-device.scn \
	%D%/sim/unsync-halves.scn \
	%D%/sim/wide-store.scn \
	%D%/sim/write-protect-off.scn

# Traps, the guest's and ours.
dist_check_SCRIPTS += %D%/storm.sh
TESTS += %D%/storm.sh
dist_check_SCRIPTS += %D%/traps.sh
TESTS += %D%/traps.sh

# A Multiboot guest and what else is QEMU's.
dist_check_SCRIPTS += %D%/multiboot.sh
TESTS += %D%/multiboot.sh

# What differs between QEMUs most, on that of Debian 12's backports (10.0), which is
# fetched once beside the system's own. Where it cannot be had that is one skip.
qemu10_tests =
qemu10_tests += %D%/gdb_guest.sh
qemu10_tests += %D%/gdb_hv.sh
qemu10_tests += %D%/guests.sh
qemu10_tests += %D%/guests_audit.sh
qemu10_tests += %D%/guests_native.sh
qemu10_tests += %D%/hostile.sh
qemu10_tests += %D%/image.sh
qemu10_tests += %D%/linux.sh
qemu10_tests += %D%/smi.sh
qemu10_tests += %D%/storm.sh
qemu10_tests += %D%/traps.sh
qemu10_tests += %D%/tui_run.sh
dist_noinst_SCRIPTS += %D%/fetch-qemu.sh
check-qemu10: all $(check_LIBRARIES)
	@qemu=`$(SHELL) $(srcdir)/%D%/fetch-qemu.sh`; status=$$?; \
	if test $$status = 77; then \
		echo 'SKIP: check-qemu10: the QEMU of backports cannot be had here'; \
	elif test $$status != 0; then exit $$status; \
	else QEMU=$$qemu $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(qemu10_tests)'; fi
.PHONY: check-qemu10

# Guests that do what no guest should.
dist_check_SCRIPTS += %D%/hostile.sh
dist_check_SCRIPTS += %D%/hostile_long.sh
TESTS += %D%/hostile.sh
long_tests += %D%/hostile_long.sh
if WITH_TDP_MMU
if WITH_SHADOW_MMU
hosted_tests += %D%/check_vm_hostile.t
endif
endif
%C%_check_vm_hostile_t_SOURCES = %D%/check_vm_hostile.c %D%/fake_machine.c %D%/fake_machine.h

# What the machine offers, and what vitrine doctor says of it.
hosted_tests += %D%/check_tui_host.t
%C%_check_tui_host_t_LDADD = $(tui_libs) $(LDADD)
dist_check_SCRIPTS += %D%/doctor.sh
TESTS += %D%/doctor.sh
