/* SPDX-License-Identifier: MIT */
/* What the machine offers, told from files below a root of the test's own. */
#include "tui/host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/tap.h"

static char root[64];

static void put_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}

#define CPU(flags) "processor\t: 0\nflags\t\t: fpu vme " flags "\n\nprocessor\t: 1\n"
#define NESTED	   "/sys/module/kvm_amd/parameters/nested"

static void make_root(void)
{
	strcpy(root, "/tmp/vitrine-host.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

/* A machine with all that is needed. */
static void make_good(void)
{
	make_root();
	put_file("/proc/cpuinfo", CPU("lm svm npt"));
	put_file(NESTED, "1\n");
	put_file("/dev/kvm", "");
	ck_assert_int_eq(host_svm(root), HOST_SVM);
}

static void remove_root(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(svm_and_nested_and_kvm_are_what_it_takes)
{
	make_good();
	ck_assert_str_eq(host_accel("auto", root, false), "kvm");
	put_file(NESTED, "Y\n");
	ck_assert_int_eq(host_svm(root), HOST_SVM);
	remove_root();
}
END_TEST

START_TEST(a_device_that_can_be_opened_proves_nothing)
{
	make_good();
	put_file("/proc/cpuinfo", CPU("lm vmx"));
	ck_assert_int_eq(host_svm(root), HOST_SVM_NO_CPU);
	ck_assert_str_eq(host_accel("auto", root, false), "tcg");
	remove_root();
}
END_TEST

START_TEST(a_flag_whose_name_has_svm_in_it_is_another)
{
	make_good();
	put_file("/proc/cpuinfo", CPU("svm_lock nosvm v_svm"));
	ck_assert_int_eq(host_svm(root), HOST_SVM_NO_CPU);
	put_file("/proc/cpuinfo", CPU("svm_lock svm"));
	ck_assert_int_eq(host_svm(root), HOST_SVM);
	put_file("/proc/cpuinfo", "model name\t: svm\nflags\t\t: vmx\n");
	ck_assert_int_eq(host_svm(root), HOST_SVM_NO_CPU);
	remove_root();
}
END_TEST

START_TEST(without_the_parameter_or_with_a_no_there_is_none)
{
	make_good();
	put_file(NESTED, "0\n");
	ck_assert_int_eq(host_svm(root), HOST_SVM_NOT_NESTED);
	put_file(NESTED, "N\n");
	ck_assert_int_eq(host_svm(root), HOST_SVM_NOT_NESTED);
	put_file(NESTED, "");
	ck_assert_int_eq(host_svm(root), HOST_SVM_NO_MODULE);
	ck_assert_str_ne(host_svm_remedy(HOST_SVM_NO_MODULE), "");
	remove_root();
}
END_TEST

START_TEST(a_device_that_is_not_there_is_named)
{
	make_root();
	put_file("/proc/cpuinfo", CPU("svm"));
	put_file(NESTED, "1\n");
	ck_assert_int_eq(host_svm(root), HOST_SVM_NO_KVM);
	ck_assert_str_eq(host_accel("auto", root, false), "tcg");
	remove_root();
}
END_TEST

START_TEST(an_empty_machine_has_nothing)
{
	make_root();
	ck_assert_int_eq(host_svm(root), HOST_SVM_NO_CPU);
	ck_assert_uint_eq(host_memory(root), 0);
	remove_root();
}
END_TEST

START_TEST(what_is_asked_for_by_name_is_what_one_gets)
{
	make_root();
	ck_assert_str_eq(host_accel("kvm", root, false), "kvm");
	ck_assert_str_eq(host_accel("tcg", root, false), "tcg");
	remove_root();
}
END_TEST

START_TEST(instructions_are_counted_by_tcg_only)
{
	make_good();
	ck_assert_str_eq(host_accel("auto", root, true), "tcg");
	remove_root();
}
END_TEST

START_TEST(memory_is_what_programs_can_have)
{
	make_root();
	put_file("/proc/meminfo", "MemTotal: 9000000 kB\nMemFree: 1 kB\nMemAvailable: 2048000 kB\n");
	ck_assert_uint_eq(host_memory(root), 2000);
	remove_root();
}
END_TEST

TAP_MAIN("tui_host",
	 svm_and_nested_and_kvm_are_what_it_takes,
	 a_device_that_can_be_opened_proves_nothing,
	 a_flag_whose_name_has_svm_in_it_is_another,
	 without_the_parameter_or_with_a_no_there_is_none,
	 a_device_that_is_not_there_is_named,
	 an_empty_machine_has_nothing,
	 what_is_asked_for_by_name_is_what_one_gets,
	 instructions_are_counted_by_tcg_only,
	 memory_is_what_programs_can_have)
