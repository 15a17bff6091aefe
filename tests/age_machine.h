/* SPDX-License-Identifier: MIT */
/* A machine with TDP tables whose memory is asked which of it was used. */
#ifndef TESTS_AGE_MACHINE_H
#define TESTS_AGE_MACHINE_H

#include "mmu/age.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/fake_env.h"

#define FRAMES	4096u
#define R	PFERR_USER

extern struct machine m;

/* 16 MiB of RAM at 0; the hardware has no A and D in our tables; large pages. */
void setup(bool no_ad, bool huge);

/* The leaf for the address; NULL: there is none. */
spte_t *leaf(gpa_t gpa, unsigned *level);

/* An access of the guest's (PFERR_) by the hardware, which has an empty TLB. */
void touch(gfn_t gfn, u64 access);

/* Asks, and changes nothing. */
void expect_age(gfn_t gfn, enum mmu_age_is want);

#endif
