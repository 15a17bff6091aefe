/* SPDX-License-Identifier: MIT */
/* Names and sentences of results. */
#include "mmu/status.h"

const char *mmu_status_name(enum mmu_status status)
{
	switch (status) {
#define STATUS(name, sentence)                                                                     \
	case MMU_##name:                                                                           \
		return #name;
#include "mmu/status.def"
	}
	return "?";
}

const char *mmu_status_text(enum mmu_status status)
{
	switch (status) {
#define STATUS(name, sentence)                                                                     \
	case MMU_##name:                                                                           \
		return sentence;
#include "mmu/status.def"
	}
	return "?";
}
