/* SPDX-License-Identifier: MIT */
/* Nested virtualization and memory, from the files the kernel tells of them in. */
#include "tui/host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tui/say.h"

static FILE *open_file(const char *root, const char *name)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s%s", root, name) >= sizeof(path))
		return NULL;
	return fopen(path, "re");
}

/* "svm", but not "svm_lock" */
static bool has_word(const char *line, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = line; (p = strstr(p, word)); p += n) {
		bool begins = p == line || strchr(" \t:", p[-1]), ends = strchr(" \t\n", p[n]);

		if (begins && ends)
			return true;
	}
	return false;
}

/* The flags are the same for every CPU; the first line of them decides. */
static bool cpu_has_svm(const char *root)
{
	FILE *file = open_file(root, "/proc/cpuinfo");
	char *line = NULL;
	size_t room = 0;
	bool has = false;

	while (file && getline(&line, &room, file) > 0) {
		if (strncmp(line, "flags", 5))
			continue;
		has = has_word(line, "svm");
		break;
	}
	free(line);
	if (file)
		fclose(file);
	return has;
}

/* The parameter's first byte, '\0' where there is none. */
static char nested_parameter(const char *root)
{
	FILE *file = open_file(root, "/sys/module/kvm_amd/parameters/nested");
	int c = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return c == EOF ? '\0' : (char)c;
}

enum host_svm host_svm(const char *root)
{
	char path[4096], nested;

	if (!cpu_has_svm(root))
		return HOST_SVM_NO_CPU;
	nested = nested_parameter(root);
	if (!nested)
		return HOST_SVM_NO_MODULE;
	if (nested != '1' && nested != 'Y')
		return HOST_SVM_NOT_NESTED;
	snprintf(path, sizeof(path), "%s/dev/kvm", root);
	return access(path, R_OK | W_OK) ? HOST_SVM_NO_KVM : HOST_SVM;
}

static const struct {
	const char *reason, *remedy;
} answers[] = {
	[HOST_SVM] = { "the CPU has SVM and kvm_amd gives it to guests", "" },
	[HOST_SVM_NO_CPU] = { "the CPU does not offer AMD's SVM", "" },
	[HOST_SVM_NO_MODULE] = { "the CPU has SVM, but kvm_amd is not loaded",
				 "as root: modprobe kvm_amd nested=1" },
	[HOST_SVM_NOT_NESTED] = { "kvm_amd gives its guests no SVM",
				  "as root: modprobe -r kvm_amd; modprobe kvm_amd nested=1" },
	[HOST_SVM_NO_KVM] = { "/dev/kvm is missing, or not for this user",
			      "as root: add the user to the group kvm" },
};

const char *host_svm_reason(enum host_svm svm)
{
	return answers[svm].reason;
}

const char *host_svm_remedy(enum host_svm svm)
{
	return answers[svm].remedy;
}

const char *host_accel(const char *name, const char *root, bool deterministic)
{
	enum host_svm svm;

	if (strcmp(name, "auto"))
		return name;
	if (deterministic) {
		say("--accel=auto: tcg: --icount counts instructions, which KVM cannot");
		return "tcg";
	}
	svm = host_svm(root);
	say("--accel=auto: %s: %s", svm == HOST_SVM ? "kvm" : "tcg", host_svm_reason(svm));
	return svm == HOST_SVM ? "kvm" : "tcg";
}

unsigned long host_memory(const char *root)
{
	FILE *file = open_file(root, "/proc/meminfo");
	unsigned long kib = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib >> 10;
}
