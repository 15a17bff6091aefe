/* SPDX-License-Identifier: MIT */
/* Putting the guest's files together. */
#define _GNU_SOURCE
#include "tui/bundle.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tui/ram.h"
#include "tui/say.h"

/* The layout of hv/core/bundle.h: the header, then the files, each at a multiple of
 * 4096. */
#define BUNDLE_MAGIC "VITRINE3"
#define BUNDLE_MAX   (1 + MACHINE_MAX_MODULES)

struct bundle_header {
	char magic[8];
	u64 nr;
	struct bundle_file {
		u64 size;
		char string[248];
	} file[BUNDLE_MAX];
};
_Static_assert(sizeof(struct bundle_header) == 16 + 256 * BUNDLE_MAX, "as hv/core/bundle.h has it");

static bool append_file(int to, const char *path, u64 *size)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	char buf[65536];
	ssize_t n = -1;

	*size = 0;
	while (from >= 0 && (n = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, n) != n) {
			n = -1;
			break;
		}
		*size += n;
	}
	if (n < 0)
		say("%s: %s", path, strerror(errno));
	if (from >= 0)
		close(from);
	return n == 0;
}

/* Where the file at the beginning of "FILE ARGUMENTS" is. */
static void module_path(const char *text, char *to, size_t room)
{
	snprintf(to, room, "%.*s", (int)strcspn(text, " "), text);
}

static bool add_to_bundle(int fd, struct bundle_header *head, const char *path, const char *text)
{
	struct bundle_file *f = &head->file[head->nr];
	off_t at = lseek(fd, 0, SEEK_END);

	if (head->nr == BUNDLE_MAX) {
		say("--module=%s: at most %u files besides the guest", text, BUNDLE_MAX - 1);
		return false;
	}
	if ((size_t)snprintf(f->string, sizeof(f->string), "%s", text) >= sizeof(f->string)) {
		say("--module=%s: longer than %zu bytes", text, sizeof(f->string) - 1);
		return false;
	}
	head->nr++;
	at = at ? (off_t)((u64)(at + PAGE_SIZE - 1) & PAGE_MASK) : (off_t)PAGE_SIZE;
	return lseek(fd, at, SEEK_SET) == at && append_file(fd, path, &f->size);
}

static int make_bundle(const struct machine_options *opt)
{
	struct bundle_header head = { .magic = BUNDLE_MAGIC };
	int fd = memfd_create("vitrine-module", 0);
	char path[4096];
	bool ok = fd >= 0 && add_to_bundle(fd, &head, opt->guest, "");

	if (ok && opt->initrd)
		ok = add_to_bundle(fd, &head, opt->initrd, "initrd");
	for (unsigned i = 0; ok && i < opt->modules; i++) {
		module_path(opt->module[i], path, sizeof(path));
		ok = add_to_bundle(fd, &head, path, opt->module[i]);
	}
	if (ok && pwrite(fd, &head, sizeof(head), 0) == sizeof(head))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool bundle_path(const struct machine_options *opt, char *path, size_t room, u64 *size)
{
	struct stat st;
	int fd;

	if (opt->initrd || opt->modules) {
		fd = make_bundle(opt);
		if (fd < 0)
			return false;
		ram_path(fd, path, room);
	} else {
		snprintf(path, room, "%s", opt->guest);
	}
	if (stat(path, &st) || access(path, R_OK)) {
		say("%s: %s", opt->guest, strerror(errno));
		return false;
	}
	*size = st.st_size;
	return true;
}
