/* SPDX-License-Identifier: MIT */
/* vitrine run, and the demo, which is a run with chosen options. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tui/builtin.h"
#include "tui/host.h"
#include "tui/linux.h"
#include "tui/options.h"
#include "tui/paths.h"
#include "tui/say.h"
#include "tui/verb.h"

#define BUILTIN_MEM (32ull << 20)
#define OTHER_MEM   (256ull << 20)

static int help(void)
{
	printf("usage: vitrine run [options] GUEST\n\n"
	       "GUEST is the name of a built-in guest (vitrine guests lists them), an ELF\n"
	       "or Multiboot image, or a Linux kernel (bzImage). `linux' is Debian's kernel with a\n"
	       "shell, fetched when it is run for the first time. The guest's console is the\n"
	       "terminal; Ctrl-] leaves.\n\n");
	options_help(FOR_RUN);
	printf("\nExit status: what the guest wrote to port 0x501 or 0xf4 (0 to 119), 0 after a\n"
	       "reset, 120 triple fault, 121 ended by the user, 122 every vCPU halted for good,\n"
	       "124 timeout, 125 vitrine could not, 2 wrong usage.\n");
	return 0;
}

/* The name that the guest has in events: no spaces, no folders. */
static void name_guest(char *to, size_t room, const char *guest)
{
	const char *slash = strrchr(guest, '/');

	snprintf(to, room, "%s", slash ? slash + 1 : guest);
	for (char *p = to; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '_';
}

static bool find_builtin(struct machine_options *m, const struct builtin *builtin, char *path,
			 size_t room)
{
	if (m->initrd || m->modules) {
		say("--%s=%s: %s is a built-in guest, which takes none", m->initrd ? "initrd" : "module",
		    m->initrd ? m->initrd : m->module[0], builtin->name);
		return false;
	}
	if (!path_guest(builtin->file, path, room)) {
		say("%s: the built-in guests are missing: this vitrine was built without them "
		    "(--disable-hv)", builtin->name);
		return false;
	}
	m->guest = path;
	return true;
}

static bool find_file(struct machine_options *m, const char *guest)
{
	struct stat st;

	if (!stat(guest, &st) && S_ISDIR(st.st_mode)) {
		say("%s: is a directory; a built-in guest (vitrine guests lists them) or a file is "
		    "wanted", guest);
		return false;
	}
	if (access(guest, R_OK)) {
		say("%s: neither a built-in guest (vitrine guests lists them) nor a file that can "
		    "be read", guest);
		return false;
	}
	m->guest = guest;
	return true;
}

static bool find_guest(struct start_options *opt, const char *guest, char *path, size_t room)
{
	const struct linux_guest *linux_guest = linux_find(guest);
	const struct builtin *builtin = builtin_find(guest);
	struct machine_options *m = &opt->machine;

	if (!m->mem)
		m->mem = builtin ? BUILTIN_MEM : OTHER_MEM;
	opt->live.say_leave = !builtin;
	if (builtin)
		return find_builtin(m, builtin, path, room);
	return linux_guest ? linux_prepare(linux_guest, m) : find_file(m, guest);
}

static int start(struct start_options *opt, const char *guest)
{
	char path[4096], name[64];
	struct session s;

	session_init(&s);
	name_guest(name, sizeof(name), guest);
	opt->machine.guest_name = name;
	opt->machine.wait = live_waits(&opt->live);
	opt->machine.events = live_wants_events(&opt->live);
	s.paced = opt->machine.icount;
	opt->machine.accel = host_accel(opt->machine.accel, "", opt->machine.icount);
	s.kvm = !strcmp(opt->machine.accel, "kvm");
	if (!find_guest(opt, guest, path, sizeof(path)) ||
	    !live_prepare(&s, &opt->live) || !machine_start_qemu(&s.machine, &opt->machine)) {
		s.end = SESSION_BROKEN;
		s.refused = true;
		return session_finish(&s);
	}
	if (opt->machine.hv_gdb_port >= 0)
		say("hv-gdb: gdb -ex 'target remote 127.0.0.1:%d' with the symbols of "
		    "hv/vitrine-hv.elf; it waits for 'continue'", opt->machine.hv_gdb_port);
	session_start(&s, opt->live.timeout_s);
	return live_run(&s, &opt->live);
}

int verb_run(int argc, char **argv)
{
	struct start_options opt;
	int status = options_read(&opt, argc, argv, FOR_RUN);

	if (status)
		return status;
	if (opt.help)
		return help();
	if (optind + 1 != argc)
		return verb_usage("run");
	return start(&opt, argv[optind]);
}

/* ---- the demo ------------------------------------------------------------------- */

#define DEMO_GUEST "pse"
#define DEMO_LINES 160

static int demo_help(void)
{
	printf("usage: vitrine demo [--plain] [options of run]\n\n"
	       "A small guest with two-level page tables on the shadow MMU, stopped when the\n"
	       "first of its tables is shadowed. s steps, space runs, ? lists the keys. With --plain,\n"
	       "or without a terminal, the same as lines.\n");
	return 0;
}

int verb_demo(int argc, char **argv)
{
	struct start_options opt;
	int status = options_read(&opt, argc, argv, FOR_RUN);

	if (status)
		return status;
	if (opt.help)
		return demo_help();
	if (optind != argc)
		return verb_usage("demo");
	opt.machine.mmu = "shadow";
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		opt.live.plain = !opt.live.script;
	if (opt.live.plain) {
		opt.live.plain_events = DEMO_LINES;
		opt.live.plain_mmu = true;
		printf("A guest with two-level page tables; vitrine shadows them. Each line is an\n"
		       "event: number, clock, vm.level.vcpu, what caused it, what happened.\n");
	} else {
		opt.live.tui = !opt.live.script;
		opt.live.break_event = "track_add";
		opt.live.say = "A page table of the guest is shadowed now: nobody may write it unseen. "
			       "s: step";
	}
	return start(&opt, DEMO_GUEST);
}
