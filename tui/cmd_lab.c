/* SPDX-License-Identifier: MIT */
/* vitrine lab: hands over to the lab program, which belongs to labs/. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "tui/paths.h"
#include "tui/say.h"
#include "tui/verb.h"

int verb_lab(int argc, char **argv)
{
	char path[4096];

	(void)argc;
	if (!path_find("labs/vitrine-lab", PKGLIBEXECDIR "/vitrine-lab", path, sizeof(path))) {
		say("%s: the labs are missing in this installation", path);
		return EXIT_VITRINE;
	}
	argv[0] = path;
	execv(path, argv);
	say("%s: %s", path, strerror(errno));
	return EXIT_VITRINE;
}
