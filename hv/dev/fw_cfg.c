/* SPDX-License-Identifier: MIT */
/*
 * Items are made when they are selected.
 */
#include "hv/dev/fw_cfg.h"

#include <string.h>

#define FW_CFG_DATA 0x511

enum fw_cfg_key {
	KEY_SIGNATURE = 0x0000,
	KEY_FEATURES = 0x0001,
	KEY_RAM_SIZE = 0x0003,
	KEY_NR_CPUS = 0x0005,
	KEY_MAX_CPUS = 0x000f,
	KEY_DIRECTORY = 0x0019,
	KEY_E820 = 0x0020,
};

#define FEATURE_TRADITIONAL 1u
#define E820_SIZE           20u
#define E820_RAM            1u
#define NAME_SIZE           56u

static void fw_cfg_add(struct fw_cfg *f, u64 value, unsigned bytes)
{
	memcpy(f->item + f->size, &value, bytes);
	f->size += bytes;
}

static void fw_cfg_add_big(struct fw_cfg *f, u32 value, unsigned bytes)
{
	while (bytes--)
		f->item[f->size++] = (u8)(value >> (8 * bytes));
}

static void fw_cfg_add_directory(struct fw_cfg *f)
{
	static const char name[NAME_SIZE] = "etc/e820";

	fw_cfg_add_big(f, 1, 4);
	fw_cfg_add_big(f, E820_SIZE, 4);
	fw_cfg_add_big(f, KEY_E820, 2);
	fw_cfg_add_big(f, 0, 2);
	memcpy(f->item + f->size, name, NAME_SIZE);
	f->size += NAME_SIZE;
}

static void fw_cfg_select(struct fw_cfg *f, u16 key)
{
	f->size = f->at = 0;
	switch (key) {
	case KEY_SIGNATURE:
		memcpy(f->item, "QEMU", 4);
		f->size = 4;
		break;
	case KEY_FEATURES:
		fw_cfg_add(f, FEATURE_TRADITIONAL, 4);
		break;
	case KEY_RAM_SIZE:
		fw_cfg_add(f, f->ram_size, 8);
		break;
	case KEY_NR_CPUS:
	case KEY_MAX_CPUS:
		fw_cfg_add(f, f->nr_cpus, 2);
		break;
	case KEY_DIRECTORY:
		fw_cfg_add_directory(f);
		break;
	case KEY_E820:
		fw_cfg_add(f, 0, 8);
		fw_cfg_add(f, f->ram_size, 8);
		fw_cfg_add(f, E820_RAM, 4);
		break;
	}
}

void fw_cfg_init(struct fw_cfg *f, u64 ram_size, unsigned nr_cpus)
{
	*f = (struct fw_cfg){ .ram_size = ram_size, .nr_cpus = (u16)nr_cpus };
	fw_cfg_select(f, KEY_SIGNATURE);
}

u8 fw_cfg_in(struct fw_cfg *f, u16 port)
{
	return port == FW_CFG_DATA && f->at < f->size ? f->item[f->at++] : 0;
}

void fw_cfg_out(struct fw_cfg *f, u16 port, u8 value)
{
	if (port == FW_CFG_DATA)
		fw_cfg_select(f, (u16)(value << 8 | f->selector_low));
	else
		f->selector_low = value;
}
