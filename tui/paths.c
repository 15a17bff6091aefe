/* SPDX-License-Identifier: MIT */
/* Where the program's own files are. */
#include "tui/paths.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder above the one the program lies in. */
static bool build_folder(char *to, size_t room)
{
	ssize_t n = readlink("/proc/self/exe", to, room - 1);
	char *slash;

	if (n <= 0)
		return false;
	to[n] = '\0';
	for (int up = 0; up < 2; up++) {
		slash = strrchr(to, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
	return true;
}

bool path_find(const char *built, const char *installed, char *to, size_t room)
{
	char top[3072];

	if (build_folder(top, sizeof(top)) &&
	    (size_t)snprintf(to, room, "%s/%s", top, built) < room && !access(to, R_OK))
		return true;
	snprintf(to, room, "%s", installed);
	return !access(to, R_OK);
}

bool path_hypervisor(char *to, size_t room)
{
	return path_find("hv/vitrine-hv.elf", PKGLIBEXECDIR "/vitrine-hv.elf", to, room);
}

/* A lab's machine, built with the student's file, may stand in for ours. */
bool path_sim(char *to, size_t room)
{
	const char *other = getenv("VITRINE_SIM");

	if (other && *other && (size_t)snprintf(to, room, "%s", other) < room)
		return !access(to, R_OK);
	return path_find("hv/sim/vitrine-sim", BINDIR "/vitrine-sim", to, room);
}

bool path_guest(const char *file, char *to, size_t room)
{
	char built[256], installed[512];

	snprintf(built, sizeof(built), "hv/guests/%s", file);
	snprintf(installed, sizeof(installed), "%s/guests/%s", PKGDATADIR, file);
	return path_find(built, installed, to, room);
}

/* Scripts are in the source, programs in the build tree. */
bool path_linux(const char *file, char *to, size_t room)
{
	char built[128];

	snprintf(to, room, "%s/hv/guests/linux/%s", VITRINE_SOURCE, file);
	if (!access(to, R_OK))
		return true;
	snprintf(built, sizeof(built), "linux/%s", file);
	return path_guest(built, to, room);
}

bool path_scenario(const char *name, char *to, size_t room)
{
	char source[1024], installed[512];

	snprintf(source, sizeof(source), "%s/hv/sim/scenarios/%s.scn", VITRINE_SOURCE, name);
	snprintf(installed, sizeof(installed), "%s/scenarios/%s.scn", PKGDATADIR, name);
	snprintf(to, room, "%s", source);
	if (!access(to, R_OK))
		return true;
	snprintf(to, room, "%s", installed);
	return !access(to, R_OK);
}
