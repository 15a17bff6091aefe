/* SPDX-License-Identifier: MIT */
/*
 * What the machine we run on offers. All files are looked for below a root, which is ""
 * but in tests.
 */
#ifndef TUI_HOST_H
#define TUI_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* Whether KVM here can run a guest that uses AMD's SVM: what the hypervisor needs. */
enum host_svm {
	HOST_SVM,		/* yes */
	HOST_SVM_NO_CPU,	/* the CPU has none, or the firmware locked it */
	HOST_SVM_NO_MODULE,	/* kvm_amd is not loaded */
	HOST_SVM_NOT_NESTED,	/* it is, but guests are not given SVM */
	HOST_SVM_NO_KVM,	/* /dev/kvm is not there, or not ours to open */
};

/*
 * Looks at the flags in /proc/cpuinfo, at kvm_amd's parameter nested, then at /dev/kvm,
 * which by itself proves nothing: it is there on CPUs of other makers, too.
 */
enum host_svm host_svm(const char *root);

/* Why, in a sentence without a full stop; and what to do about it, "" if nothing. */
const char *host_svm_reason(enum host_svm svm);
const char *host_svm_remedy(enum host_svm svm);

/* What --accel=NAME stands for, "tcg" or "kvm"; of auto it says on standard error which
 * and why. deterministic: instructions are counted, which only TCG can do. */
const char *host_accel(const char *name, const char *root, bool deterministic);

/* Memory that programs can have, in MiB; 0: not known. */
unsigned long host_memory(const char *root);

#endif
