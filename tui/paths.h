/* SPDX-License-Identifier: MIT */
/* Where the program's own files are: beside it in a build folder, else where
 * they were installed. */
#ifndef TUI_PATHS_H
#define TUI_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A file of ours.
 *   built      its place below the build folder, "hv/vitrine-hv.elf"
 *   installed  its place when installed, a whole path
 *   returns    false if it is in neither; to has the installed path then
 */
bool path_find(const char *built, const char *installed, char *to, size_t room);

bool path_hypervisor(char *to, size_t room);
bool path_sim(char *to, size_t room);

/* The image of a built-in guest's file name. */
bool path_guest(const char *file, char *to, size_t room);

/* A file of hv/guests/linux. */
bool path_linux(const char *file, char *to, size_t room);

/* A scenario of the simulated machine, by its name without ".scn". */
bool path_scenario(const char *name, char *to, size_t room);

#endif
