/* SPDX-License-Identifier: MIT */
/* The file behind a machine's memory. */
#define _GNU_SOURCE
#include "tui/ram.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "tui/say.h"

/* Leave some of the shared memory to others. */
#define SPARE (64ull << 20)

static char folder[256];	/* where the file lies, for ram_keep() */

static bool fits(const char *dir, u64 size)
{
	struct statvfs vfs;

	return !statvfs(dir, &vfs) && (u64)vfs.f_bavail * vfs.f_frsize >= size + SPARE;
}

/* A file without a name. */
static int open_in(const char *dir)
{
	char path[300];
	int fd = open(dir, O_TMPFILE | O_RDWR, 0600);

	if (fd < 0) {	/* not every file system can */
		snprintf(path, sizeof(path), "%s/vitrine-XXXXXX", dir);
		fd = mkstemp(path);
		if (fd >= 0)
			unlink(path);
	}
	return fd;
}

int ram_create(u64 size)
{
	const char *tmp = getenv("TMPDIR");
	const char *dir = fits("/dev/shm", size) ? "/dev/shm" : tmp && *tmp ? tmp : "/tmp";
	int fd, error;

	if (!fits(dir, size)) {
		say("%s: less than %llu MiB free for the machine's memory: use a smaller --mem, or "
		    "set TMPDIR", dir, (unsigned long long)(size >> 20));
		return -1;
	}
	snprintf(folder, sizeof(folder), "%s", dir);
	fd = open_in(dir);
	if (fd < 0) {
		say("%s: %s: the machine's memory must be a file there; set TMPDIR", dir,
		    strerror(errno));
		return -1;
	}
	error = size ? posix_fallocate(fd, 0, size) : 0;
	if (error) {
		say("%s: %s: cannot reserve %llu MiB for the machine's memory", dir,
		    strerror(error), (unsigned long long)(size >> 20));
		close(fd);
		return -1;
	}
	return fd;
}

void ram_path(int fd, char *to, size_t room)
{
	snprintf(to, room, "/proc/self/fd/%d", fd);
}

void ram_keep(int fd)
{
	char from[64], to[300];

	ram_path(fd, from, sizeof(from));
	snprintf(to, sizeof(to), "%s/vitrine-crash-%d", folder, (int)getpid());
	if (linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW))
		say("the machine's memory could not be kept: %s", strerror(errno));
	else
		say("the machine's memory is kept: vitrine view %s; remove it afterwards", to);
}
