/* SPDX-License-Identifier: MIT */
/*
 * vitrine doctor: looks at what vitrine needs, and says what to do. A line for each:
 *
 *   ok    all is well       warn  it works, but not all of it       fail  it does not
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "tui/host.h"
#include "tui/machine.h"
#include "tui/paths.h"
#include "tui/verb.h"

#define MEMORY_MIB 512	/* the default guest, the hypervisor, QEMU itself */

static unsigned warnings, failures;

static void good(const char *what, const char *found)
{
	printf("ok    %-11s %s\n", what, found);
}

static void warn(const char *what, const char *why, const char *remedy)
{
	printf("warn  %-11s %s\n      %-11s %s\n", what, why, "", remedy);
	warnings++;
}

static void fail(const char *what, const char *why, const char *remedy)
{
	printf("fail  %-11s %s\n      %-11s %s\n", what, why, "", remedy);
	failures++;
}

/* ---- QEMU -------------------------------------------------------------------------- */

static FILE *ask_qemu(const char *option)
{
	char command[4096];

	if (strchr(machine_qemu(), '\''))
		return NULL;
	snprintf(command, sizeof(command), "'%s' %s 2>/dev/null </dev/null", machine_qemu(), option);
	return popen(command, "r");
}

struct version {
	int major, minor, micro;
};

/* "QEMU emulator version 7.2.22 (Debian ...)" */
static bool read_version(char *line, size_t room, struct version *v)
{
	FILE *pipe = ask_qemu("--version");

	if (!pipe || !fgets(line, room, pipe))
		line[0] = '\0';
	if (pipe)
		pclose(pipe);
	line[strcspn(line, "\n")] = '\0';
	*v = (struct version){ 0 };
	return sscanf(line, "QEMU emulator version %d.%d.%d", &v->major, &v->minor, &v->micro) >= 2;
}

static bool is_before(const struct version *v, int major, int minor, int micro)
{
	if (v->major != major)
		return v->major < major;
	return v->minor != minor ? v->minor < minor : v->micro < micro;
}

/* Guests without paging bypass nested paging: mended in 7.2.15, and for all in 9.2. */
static bool leaks_unpaged(const struct version *v)
{
	bool mended_72 = v->major == 7 && v->minor == 2 && v->micro >= 15;

	return is_before(v, 9, 2, 0) && !mended_72;
}

/* The firmware that starts the hypervisor quickly; another package has it on some systems. */
static void look_at_firmware(void)
{
	FILE *pipe = ask_qemu("-L help");
	char folder[2048], path[2100];
	bool found = false, told = false;

	while (pipe && fgets(folder, sizeof(folder), pipe)) {
		folder[strcspn(folder, "\n")] = '\0';
		told |= folder[0] == '/';
		snprintf(path, sizeof(path), "%s/qboot.rom", folder);
		found |= folder[0] == '/' && !access(path, R_OK);
	}
	if (pipe)
		pclose(pipe);
	if (found)
		good("firmware", "qboot.rom");
	else if (told)
		fail("firmware", "this QEMU has no qboot.rom",
		     "install it (Debian, Ubuntu: qemu-system-data; Fedora: qboot)");
}

static void look_at_qemu(void)
{
	const char *by = getenv("QEMU");
	char line[256], found[4500];
	struct version v;

	if (!read_version(line, sizeof(line), &v)) {
		snprintf(found, sizeof(found), "%s cannot be started%s", machine_qemu(),
			 by && *by ? ", which QEMU in the environment names" : "");
		fail("QEMU", found, "install it (Debian, Ubuntu: qemu-system-x86), or set QEMU to one");
		return;
	}
	snprintf(found, sizeof(found), "%s: %s", machine_qemu(), line);
	if (is_before(&v, 7, 2, 0))
		fail("QEMU", found, "7.2 or newer is needed: install one, or set QEMU to one");
	else if (leaks_unpaged(&v))
		warn("QEMU", found, "it lets guests without paging bypass nested paging, so all guests "
				    "run on shadow paging; 7.2.15 and 9.2 have mended that");
	else
		good("QEMU", found);
	look_at_firmware();
}

/* ---- the machine ------------------------------------------------------------------- */

static void look_at_svm(void)
{
	enum host_svm svm = host_svm("");
	char found[256];

	if (svm == HOST_SVM) {
		snprintf(found, sizeof(found), "%s: --accel=auto uses KVM", host_svm_reason(svm));
		good("nested SVM", found);
		return;
	}
	snprintf(found, sizeof(found), "%s: QEMU emulates it (tcg), which works everywhere",
		 host_svm_reason(svm));
	if (*host_svm_remedy(svm))
		warn("nested SVM", found, host_svm_remedy(svm));
	else
		good("nested SVM", found);
}

static void look_at_memory(void)
{
	unsigned long ram = host_memory(""), shm = 0;
	struct statvfs vfs;
	char found[128];

	if (!statvfs("/dev/shm", &vfs))
		shm = (unsigned long)((unsigned long long)vfs.f_bavail * vfs.f_frsize >> 20);
	snprintf(found, sizeof(found), "%lu MiB free, %lu MiB of them in /dev/shm", ram, shm);
	if (ram && ram < MEMORY_MIB)
		warn("memory", found, "too little for a guest of 256 MiB: give --mem=32M");
	else if (shm < MEMORY_MIB)
		warn("memory", found, "machines' memory goes to $TMPDIR where it does not fit, which is "
				      "slower");
	else
		good("memory", found);
}

static void look_at_terminal(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO))
		good("terminal", "none here; use --plain and --script");
	else if (!term || !strcmp(term, "dumb"))
		warn("terminal", term ? term : "TERM is not set", "set TERM, or use --plain");
	else
		good("terminal", term);
}

/* ---- files and programs ------------------------------------------------------------ */

static void look_at_file(const char *what, bool there, const char *path)
{
	if (there)
		good(what, path);
	else
		fail(what, path, "it is missing: configure without --disable-hv, make");
}

/* Where kernels for guests are kept. It is made when the first one is fetched. */
static void look_at_cache(void)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char path[4096], found[4200];
	struct stat st;

	if (base && *base)
		snprintf(path, sizeof(path), "%s/vitrine", base);
	else
		snprintf(path, sizeof(path), "%s/.cache/vitrine", home ? home : "");
	if (stat(path, &st)) {
		snprintf(found, sizeof(found), "%s is not there yet: no kernel was fetched", path);
		good("kernels", found);
	} else if (!S_ISDIR(st.st_mode) || access(path, W_OK | X_OK)) {
		snprintf(found, sizeof(found), "%s cannot be written to", path);
		warn("kernels", found, "kernels are kept there: mend it, or set XDG_CACHE_HOME");
	} else {
		good("kernels", path);
	}
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char file[4096];

	while (path && *path) {
		size_t n = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", (int)n, path, program);
		if (!access(file, X_OK))
			return true;
		path += n + (path[n] == ':');
	}
	return false;
}

static void look_at_gdb(void)
{
	if (in_path("gdb"))
		good("GDB", "for --gdb and --hv-gdb");
	else
		warn("GDB", "there is none in PATH", "for --gdb and --hv-gdb install it (package gdb)");
}

int verb_doctor(int argc, char **argv)
{
	char path[4096];

	if (argc != 1) {
		printf("usage: vitrine doctor\n\n"
		       "Looks at what vitrine needs on this machine. Each line begins with ok, warn (not\n"
		       "all of it works) or fail, and says below what to do. Exit status: 1 if\n"
		       "something fails. QEMU in the environment names the QEMU to look at.\n");
		return strcmp(argv[1], "--help") ? 2 : 0;
	}
	look_at_qemu();
	look_at_svm();
	look_at_file("hypervisor", path_hypervisor(path, sizeof(path)), path);
	look_at_file("guests", path_guest("pse.elf", path, sizeof(path)), path);
	look_at_file("simulator", path_sim(path, sizeof(path)), path);
	look_at_memory();
	look_at_terminal();
	look_at_cache();
	look_at_gdb();
	if (failures || warnings)
		printf("%u failed, %u with a warning\n", failures, warnings);
	return failures ? 1 : 0;
}
