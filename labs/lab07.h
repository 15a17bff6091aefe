/* SPDX-License-Identifier: MIT */
/* Lab 7's tests, the rows of 07-quadrants/rubric.def. */
#ifndef LABS_LAB07_H
#define LABS_LAB07_H

#include "labs/lab.h"

extern const struct lab_test lab07_tests[];

#endif
