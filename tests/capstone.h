/* SPDX-License-Identifier: MIT */
/*
 * An instruction as our decoder sees it against the same as capstone sees it.
 */
#ifndef TESTS_CAPSTONE_H
#define TESTS_CAPSTONE_H

#include "hv/core/decode.h"

#include <capstone/capstone.h>

/* Whether capstone's name is that of one of insn.def's operations. */
bool capstone_names_ours(unsigned id);

/* The first operand of this kind, or NULL. */
const cs_x86_op *capstone_operand(const cs_insn *ci, x86_op_type type);

/* NULL if they agree, else what they disagree about. Not compared: length and
 * prefixes other than the address size. */
const char *capstone_compare(const struct insn *i, const cs_insn *ci, enum insn_mode mode);

#endif
