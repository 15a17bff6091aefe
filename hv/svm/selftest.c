/* SPDX-License-Identifier: MIT */
/*
 * The test guest: real mode, nested tables that map two pages.
 *
 *   gpa 0     a page of ours: IVT; vector 0x20 leads to 0x1100
 *   gpa 1000  another: the bytes under test at 0, HLT at 0x100
 *   others    not mapped
 *
 * The machine's own page at 0x1000 holds other code meanwhile, which runs only
 * if nested paging is not honoured.
 */
#include "hv/svm/selftest.h"

#include "hv/core/fmt.h"
#include "hv/core/x86.h"
#include "hv/svm/link.h"
#include "hv/svm/memory.h"
#include "hv/svm/svm.h"
#include "hv/svm/trap.h"

#include <string.h>

#define CODE_GPA    0x1000u
#define HANDLER_GPA 0x1100u
#define TEST_VECTOR 0x20u
#define NPT_FLAGS   7u /* present, writable, user: nested entries need all */

enum { OP_HLT = 0xf4 };

struct selftest_guest {
	struct vmcb *vmcb;
	hpa_t vmcb_hpa, ivt_hpa, code_hpa, root_hpa;
	hpa_t iopm_hpa, msrpm_hpa;
	hpa_t table_hpa[4];
};

struct selftest_case {
	const char *what;
	u8 code[8];
	u64 exit_code;
	u64 info2;     /* compared if not 0 */
	u64 int_ctl;   /* added to the guest's */
	u64 rip;       /* of the exit */
	u16 cr_read;   /* intercepts added */
};

static const struct selftest_case selftest_cases[] = {
	{ .what = "CPUID exits", .code = { 0x0f, 0xa2 },
	  .exit_code = VMCB_EXIT_CPUID, .rip = CODE_GPA },
	{ .what = "VMMCALL exits", .code = { 0x0f, 0x01, 0xd9 },
	  .exit_code = VMCB_EXIT_VMMCALL, .rip = CODE_GPA },
	{ .what = "port input exits and tells the next RIP", .code = { 0xe4, 0x71 },
	  .exit_code = VMCB_EXIT_IOIO, .rip = CODE_GPA, .info2 = CODE_GPA + 2 },
	{ .what = "RDMSR exits", .code = { 0x0f, 0x32 },
	  .exit_code = VMCB_EXIT_MSR, .rip = CODE_GPA },
	{ .what = "MOV to CR0 exits", .code = { 0x0f, 0x22, 0xc0 },
	  .exit_code = VMCB_EXIT_CR_WRITE, .rip = CODE_GPA },
	{ .what = "MOV from CR3 exits (as CR3 or as CR0) when all CR reads are intercepted",
	  .code = { 0x0f, 0x20, 0xd8 }, .cr_read = 0xffff,
	  .exit_code = VMCB_EXIT_CR_READ, .rip = CODE_GPA },
	{ .what = "MOV to DR7 exits", .code = { 0x0f, 0x23, 0xf8 },
	  .exit_code = VMCB_EXIT_DR_WRITE + 7, .rip = CODE_GPA },
	{ .what = "an access outside the nested tables exits with its address",
	  .code = { 0xa0, 0x34, 0x52 }, /* mov al, [0x5234] */
	  .exit_code = VMCB_EXIT_NPF, .rip = CODE_GPA, .info2 = 0x5234 },
	{ .what = "V_IRQ is delivered", .code = { 0xfb, 0x90, 0x90, 0x90, 0x0f, 0x01, 0xd9 },
	  .int_ctl = VMCB_INT_IRQ | VMCB_INT_PRIORITY(15) | VMCB_INT_IGNORE_TPR |
		     VMCB_INT_VECTOR(TEST_VECTOR),
	  .exit_code = VMCB_EXIT_HLT, .rip = HANDLER_GPA },
};

static hpa_t selftest_page(struct pages *pages)
{
	hpa_t hpa = pages_get(pages);

	if (hpa == HPA_INVALID)
		panic("self-test: no memory");
	return hpa;
}

static void selftest_setup(struct selftest_guest *g, struct pages *pages)
{
	u16 *ivt;

	g->vmcb_hpa = selftest_page(pages);
	g->vmcb = memory_ptr(g->vmcb_hpa);
	g->ivt_hpa = selftest_page(pages);
	g->code_hpa = selftest_page(pages);
	for (unsigned i = 0; i < 4; i++)
		g->table_hpa[i] = selftest_page(pages);
	for (unsigned i = 0; i < 3; i++)
		*(u64 *)memory_ptr(g->table_hpa[i]) = g->table_hpa[i + 1] | NPT_FLAGS;
	((u64 *)memory_ptr(g->table_hpa[3]))[0] = g->ivt_hpa | NPT_FLAGS;
	((u64 *)memory_ptr(g->table_hpa[3]))[1] = g->code_hpa | NPT_FLAGS;
	g->iopm_hpa = pages_get_block(pages, 3 * PAGE_SIZE, PAGE_SIZE);
	g->msrpm_hpa = pages_get_block(pages, 2 * PAGE_SIZE, PAGE_SIZE);
	if (g->iopm_hpa == HPA_INVALID || g->msrpm_hpa == HPA_INVALID)
		panic("self-test: no memory");
	memset(memory_ptr(g->iopm_hpa), 0xff, 3 * PAGE_SIZE);
	memset(memory_ptr(g->msrpm_hpa), 0xff, 2 * PAGE_SIZE);
	ivt = memory_ptr(g->ivt_hpa);
	ivt[TEST_VECTOR * 2] = HANDLER_GPA;
	*(u8 *)memory_ptr(g->code_hpa + HANDLER_GPA - CODE_GPA) = OP_HLT;
}

static void selftest_enter(struct cpu *c, struct selftest_guest *g, const u8 *code, size_t len,
			   u64 int_ctl, u16 cr_read)
{
	struct vmcb *v = g->vmcb;
	u64 gpr[16] = { 0 };

	memcpy(memory_ptr(g->code_hpa), code, len);
	svm_vmcb_init(v, g->iopm_hpa, g->msrpm_hpa);
	v->control.np_enable = 1;
	v->control.ncr3 = g->table_hpa[0];
	v->control.int_ctl |= int_ctl;
	v->control.intercept_cr_read |= cr_read;
	v->save.rip = CODE_GPA;
	v->save.rsp = 0x800;
	do
		svm_world_switch(gpr, g->vmcb_hpa, c->host_vmcb_hpa);
	while (v->control.exit_code == VMCB_EXIT_INTR);
}

/* CR reads may all be reported as number 0; see the case's name. */
static bool selftest_exit_matches(const struct selftest_case *t, const struct vmcb *v)
{
	u64 code = v->control.exit_code;

	if (t->exit_code == VMCB_EXIT_CR_READ)
		return (code == VMCB_EXIT_CR_READ || code == VMCB_EXIT_CR_READ + 3) &&
		       v->save.rip == t->rip;
	return code == t->exit_code && v->save.rip == t->rip &&
	       (!t->info2 || v->control.exit_info2 == t->info2);
}

static void selftest_announce(struct selftest_result *r, bool ok, const char *what,
			      const struct vmcb *v)
{
	r->run++;
	hv_emit_tail(&link_emitter, MMU_NO_VCPU, selftest, what, fmt_length(what), ok);
	if (ok)
		return;
	r->failed++;
	link_log("self-test failed: %s (exit %#lx info %#lx %#lx rip %#lx)", what,
		 v->control.exit_code, v->control.exit_info1, v->control.exit_info2, v->save.rip);
}

/* Code at gpa 0x1000 is HLT in our page and VMMCALL in the machine's page. */
static void selftest_unpaged(struct cpu *c, struct selftest_guest *g, struct selftest_result *r)
{
	static const u8 ours[] = { OP_HLT }, machines[] = { 0x0f, 0x01, 0xd9 };
	u8 *low = memory_ptr(CODE_GPA), saved[sizeof(machines)];

	memcpy(saved, low, sizeof(saved));
	memcpy(low, machines, sizeof(machines));
	selftest_enter(c, g, ours, sizeof(ours), 0, 0);
	memcpy(low, saved, sizeof(saved));
	r->unpaged_escapes = g->vmcb->control.exit_code == VMCB_EXIT_VMMCALL;
	selftest_announce(r, g->vmcb->control.exit_code == VMCB_EXIT_HLT,
			  "a guest without paging is held by nested paging", g->vmcb);
}

static void selftest_teardown(struct selftest_guest *g, struct pages *pages)
{
	for (unsigned i = 0; i < 4; i++)
		pages_put(pages, g->table_hpa[i]);
	for (unsigned i = 0; i < 3; i++)
		pages_put(pages, g->iopm_hpa + i * PAGE_SIZE);
	for (unsigned i = 0; i < 2; i++)
		pages_put(pages, g->msrpm_hpa + i * PAGE_SIZE);
	pages_put(pages, g->vmcb_hpa);
	pages_put(pages, g->ivt_hpa);
	pages_put(pages, g->code_hpa);
}

struct selftest_result selftest_run(struct cpu *c, struct pages *pages)
{
	struct selftest_result r = { 0 };
	struct selftest_guest g = { 0 };

	selftest_setup(&g, pages);
	selftest_unpaged(c, &g, &r);
	for (size_t i = 0; i < sizeof(selftest_cases) / sizeof(*selftest_cases); i++) {
		const struct selftest_case *t = &selftest_cases[i];

		if (r.unpaged_escapes) /* the others use an unpaged guest, too */
			break;
		selftest_enter(c, &g, t->code, sizeof(t->code), t->int_ctl, t->cr_read);
		selftest_announce(&r, selftest_exit_matches(t, g.vmcb), t->what, g.vmcb);
	}
	selftest_teardown(&g, pages);
	return r;
}
