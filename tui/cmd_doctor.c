/* SPDX-License-Identifier: MIT */
/* vitrine doctor: looks at what vitrine needs, and says what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "tui/machine.h"
#include "tui/paths.h"
#include "tui/verb.h"

static int problems;

static void good(const char *what, const char *found)
{
	printf("  ok   %-12s %s\n", what, found);
}

static void trouble(const char *what, const char *why, const char *remedy)
{
	printf("  NOT  %-12s %s\n       %-12s %s\n", what, why, "", remedy);
	problems++;
}

/* "QEMU emulator version 7.2.22 (Debian ...)" */
static void look_at_qemu(void)
{
	char command[512], line[256] = "";
	int major = 0, minor = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "'%s' --version 2>/dev/null", machine_qemu());
	pipe = strchr(machine_qemu(), '\'') ? NULL : popen(command, "r");
	if (!pipe || !fgets(line, sizeof(line), pipe))
		line[0] = '\0';
	if (pipe)
		pclose(pipe);
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "QEMU emulator version %d.%d", &major, &minor) != 2)
		trouble("QEMU", machine_qemu(), "install it (Debian, Ubuntu: qemu-system-x86)");
	else if (major < 7 || (major == 7 && minor < 2))
		trouble("QEMU", line, "7.2 or newer is needed");
	else
		good("QEMU", line);
}

static void look_at_file(const char *what, bool there, const char *path)
{
	if (there)
		good(what, path);
	else
		trouble(what, path, "it is missing: configure without --disable-hv, make");
}

static void look_at_memory(void)
{
	struct statvfs vfs;
	char text[64];
	unsigned long long mib = 0;

	if (!statvfs("/dev/shm", &vfs))
		mib = (unsigned long long)vfs.f_bavail * vfs.f_frsize >> 20;
	snprintf(text, sizeof(text), "%llu MiB free in /dev/shm", mib);
	if (mib < 256)
		trouble("memory", text, "machines' memory goes to $TMPDIR then, and is slower");
	else
		good("memory", text);
}

static void look_at_terminal(void)
{
	const char *term = getenv("TERM");

	if (!isatty(STDOUT_FILENO))
		good("terminal", "none here; use --plain and --script");
	else if (!term || !strcmp(term, "dumb"))
		trouble("terminal", term ? term : "TERM is not set", "set TERM, or use --plain");
	else
		good("terminal", term);
}

int verb_doctor(int argc, char **argv)
{
	char path[4096];

	if (argc != 1) {
		printf("usage: vitrine doctor\n\nLooks at what vitrine needs on this machine.\n");
		return strcmp(argv[1], "--help") ? 2 : 0;
	}
	look_at_qemu();
	look_at_file("hypervisor", path_hypervisor(path, sizeof(path)), path);
	look_at_file("guests", path_guest("pse.elf", path, sizeof(path)), path);
	look_at_file("simulator", path_sim(path, sizeof(path)), path);
	look_at_memory();
	look_at_terminal();
	return problems ? 1 : 0;
}
