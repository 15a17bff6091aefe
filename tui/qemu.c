/* SPDX-License-Identifier: MIT */
/* QEMU's command line, and vitrine-sim's. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hv/channel/channel.h"
#include "tui/bundle.h"
#include "tui/machine_i.h"
#include "tui/paths.h"
#include "tui/ram.h"
#include "tui/say.h"
#include "tui/text.h"

#define MAX_ARGS   64
#define HV_SPARE   (128ull << 20)	/* rings, page tables, the hypervisor itself */
#define MIB	   ((u64)1 << 20)

const char *machine_qemu(void)
{
	const char *name = getenv("QEMU");

	return name && *name ? name : "qemu-system-x86_64";
}

/* ---- arguments ---------------------------------------------------------------- */

struct args {
	char *v[MAX_ARGS];
	unsigned n;
};

static void add(struct args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct args *args, const char *format, ...)
{
	struct text text = { 0 };
	va_list list;

	if (args->n == MAX_ARGS - 1)
		die("too many arguments for QEMU");
	va_start(list, format);
	text_vadd(&text, format, list);
	va_end(list);
	args->v[args->n++] = text.s ? text.s : xstrdup("");
}

static void add_words(struct args *args, const char *words)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		add(args, "%.*s", (int)n, words);
		words += n + strspn(words + n, " ");
	}
}

static void free_args(struct args *args)
{
	while (args->n)
		free(args->v[--args->n]);
}

static void add_machine(struct args *args, const struct machine_options *opt, u64 mem,
			const char *ram, int bell)
{
	add(args, "%s", machine_qemu());
	add_words(args, "-machine pc,acpi=off,smm=off,hpet=off,memory-backend=ram "
			"-bios qboot.rom -cpu max,+svm,+npt,+la57 -nodefaults -no-user-config "
			"-display none -no-reboot -device isa-debug-exit,iobase=0x501,iosize=0x04");
	add(args, "-m");
	add(args, "%" PRIu64 "M", mem / MIB);
	add(args, "-smp");
	add(args, "%u", opt->cpus);
	add(args, "-accel");
	add(args, "%s", opt->accel);
	add(args, "-object");
	add(args, "memory-backend-file,id=ram,share=on,size=%" PRIu64 ",mem-path=%s", mem, ram);
	add_words(args, "-chardev stdio,id=log,signal=off -serial chardev:log");
	add(args, "-chardev");
	add(args, "socket,id=bell,fd=%d", bell);
	add_words(args, "-serial chardev:bell");
	if (opt->icount)
		add_words(args, "-icount shift=0,sleep=off -seed 1 -rtc base=2026-01-01,clock=vm");
	if (opt->hv_gdb_port >= 0) {
		add(args, "-gdb");
		add(args, "tcp:127.0.0.1:%d", opt->hv_gdb_port);
		add(args, "-S");
	}
}

static void add_hypervisor(struct args *args, const struct machine_options *opt, const char *image,
			   const char *module_path)
{
	char audit[32] = "";

	add(args, "-kernel");
	add(args, "%s", image);
	add(args, "-initrd");
	add(args, "%s", module_path);
	if (opt->audit)
		snprintf(audit, sizeof(audit), " audit=%u", opt->audit);
	add(args, "-append");
	add(args, "mmu=%s mem=%" PRIu64 "M vcpus=%u cpus=%u guest=%s%s%s%s%s%s%s%s%s", opt->mmu,
	    opt->mem / MIB, opt->vcpus, opt->cpus, opt->guest_name, audit,
	    opt->wait ? " wait=1" : "",
	    opt->icount ? " icount=1" : "", opt->events ? "" : " events=0", *opt->words ? " " : "",
	    opt->words, opt->append ? " -- " : "", opt->append ? opt->append : "");
}

bool machine_start_qemu(struct machine *m, const struct machine_options *opt)
{
	char image[4096], path[4096], ram[64];
	struct args args = { .n = 0 };
	u64 size = 0, mem;
	int bell;
	bool ok;

	*m = (struct machine){ .ram_fd = -1, .bell_fd = -1, .log_fd = -1,
			       .header_offset = CH_IMAGE_BASE + CH_HEADER_OFFSET };
	if (!path_hypervisor(image, sizeof(image))) {
		say("%s: the hypervisor's image is missing: this vitrine was built without it "
		    "(--disable-hv)", image);
		return false;
	}
	if (!bundle_path(opt, path, sizeof(path), &size))
		return false;
	mem = (opt->mem + HV_SPARE + 2 * size + 2 * MIB - 1) & ~(2 * MIB - 1);
	m->ram_fd = ram_create(mem);
	if (m->ram_fd < 0 || !machine_prepare(m, &bell))
		return false;
	ram_path(m->ram_fd, ram, sizeof(ram));
	add_machine(&args, opt, mem, ram, bell);
	add_hypervisor(&args, opt, image, path);
	ok = machine_spawn(m, args.v, bell, false);
	free_args(&args);
	return ok;
}

bool machine_start_sim(struct machine *m, char **argv)
{
	static char program[4096], shared[80];
	char ram[64];
	int bell;

	*m = (struct machine){ .ram_fd = -1, .bell_fd = -1, .log_fd = -1, .simulated = true };
	if (!path_sim(program, sizeof(program))) {
		say("%s: the simulated machine is missing", program);
		return false;
	}
	m->ram_fd = ram_create(0);
	if (m->ram_fd < 0 || !machine_prepare(m, &bell))
		return false;
	ram_path(m->ram_fd, ram, sizeof(ram));
	snprintf(shared, sizeof(shared), "--shared=%s", ram);
	argv[0] = program;
	argv[1] = shared;
	return machine_spawn(m, argv, bell, true);
}
