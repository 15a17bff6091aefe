/* SPDX-License-Identifier: MIT */
/* Between the files of the mutants. */
#ifndef TUI_MUTANT_I_H
#define TUI_MUTANT_I_H

/* Says that this file cannot be opened (errno), and what mutants need. */
void mutant_say_missing(const char *path);

#endif
