/* SPDX-License-Identifier: MIT */
/*
 * ELF guests, 32-bit and 64-bit. Both are read through one small view.
 *
 * source: System V ABI, "Object Files"; Xen xen/include/public/arch-x86/hvm/start_info.h
 */
#include "hv/core/load.h"

#include "hv/core/fmt.h"

#include <string.h>

#define ELF_EXECUTABLE 2u
#define ELF_386        3u
#define ELF_X86_64     62u
#define PT_LOAD_TYPE 1u
#define PT_NOTE_TYPE 4u
#define NOTE_PHYS32_ENTRY 18u
#define PVH_RAM 1u

struct elf_header {
	u16 type, machine;
	u64 entry, phoff;
	u16 phentsize, phnum;
	bool is64;
};

struct elf_segment {
	u32 type;
	u64 offset, gva, gpa, filesz, memsz;
};

static u64 elf_get(const u8 *p, unsigned size)
{
	u64 v = 0;

	memcpy(&v, p, size);
	return v;
}

static bool elf_header(const struct load_image *l, struct elf_header *h)
{
	const u8 *e = l->image;

	if (l->size < 64 || (e[4] != 1 && e[4] != 2) || e[5] != 1)
		return false;
	h->is64 = e[4] == 2;
	h->type = (u16)elf_get(e + 16, 2);
	h->machine = (u16)elf_get(e + 18, 2);
	h->entry = elf_get(e + 24, h->is64 ? 8 : 4);
	h->phoff = h->is64 ? elf_get(e + 32, 8) : elf_get(e + 28, 4);
	h->phentsize = (u16)elf_get(e + (h->is64 ? 54 : 42), 2);
	h->phnum = (u16)elf_get(e + (h->is64 ? 56 : 44), 2);
	return h->phentsize >= (h->is64 ? 56 : 32) && h->phoff <= l->size &&
	       (u64)h->phentsize * h->phnum <= l->size - h->phoff;
}

static bool elf_segment(const struct load_image *l, const struct elf_header *h, unsigned i,
			struct elf_segment *s)
{
	const u8 *p = l->image + h->phoff + (u64)i * h->phentsize;

	s->type = (u32)elf_get(p, 4);
	if (h->is64) {
		s->offset = elf_get(p + 8, 8);
		s->gva = elf_get(p + 16, 8);
		s->gpa = elf_get(p + 24, 8);
		s->filesz = elf_get(p + 32, 8);
		s->memsz = elf_get(p + 40, 8);
	} else {
		s->offset = elf_get(p + 4, 4);
		s->gva = elf_get(p + 8, 4);
		s->gpa = elf_get(p + 12, 4);
		s->filesz = elf_get(p + 16, 4);
		s->memsz = elf_get(p + 20, 4);
	}
	return s->offset <= l->size && s->filesz <= l->size - s->offset && s->filesz <= s->memsz;
}

/* The PHYS32_ENTRY in a note segment, 0 if it has none. */
static u64 elf_note_entry(const struct load_image *l, const struct elf_segment *s)
{
	const u8 *p = l->image + s->offset, *end = p + s->filesz;

	while (end - p >= 12) {
		u64 namesz = elf_get(p, 4), descsz = elf_get(p + 4, 4), type = elf_get(p + 8, 4);
		u64 name_room = (namesz + 3) & ~3ull, desc_room = (descsz + 3) & ~3ull;

		p += 12;
		if (name_room + desc_room > (u64)(end - p))
			return 0;
		if (type == NOTE_PHYS32_ENTRY && namesz == 4 && !memcmp(p, "Xen", 4) &&
		    (descsz == 4 || descsz == 8))
			return elf_get(p + name_room, (unsigned)descsz);
		p += name_room + desc_room;
	}
	return 0;
}

struct pvh_start {
	u32 magic, version, flags, nr_modules;
	u64 modules, cmdline, rsdp, memmap;
	u32 nr_memmap, reserved;
	struct {
		u64 start, size;
		u32 type, pad;
	} map[2];
	struct {
		u64 start, size, cmdline, reserved;
	} module[LOAD_MAX_MODULES];
	char string[LOAD_MAX_MODULES][LOAD_STRING_MAX];
};
_Static_assert(sizeof(struct pvh_start) <= PAGE_SIZE, "start info and strings are one page");

/* From the top of RAM downwards, the first one highest. */
static const char *elf_place_modules(struct vm *vm, const struct load_image *l, gpa_t floor,
				     struct pvh_start *info)
{
	gpa_t limit = VM_MAX_RAM;

	for (unsigned i = 0; i < l->nr_modules; i++) {
		const struct load_module *m = &l->module[i];

		limit = load_module_high(vm, m, floor, limit);
		if (!limit)
			return "the initrd, or a module, does not fit into the guest's RAM";
		info->module[i].start = limit;
		info->module[i].size = m->size;
		info->module[i].cmdline = LOAD_INFO_GPA + offsetof(struct pvh_start, string[i]);
		memcpy(info->string[i], m->string, fmt_length(m->string));
	}
	info->nr_modules = l->nr_modules;
	return NULL;
}

static const char *elf_start_info(struct vm *vm, const struct load_image *l, gpa_t floor)
{
	struct pvh_start *info = vm_ram(vm, LOAD_INFO_GPA, sizeof(*info));
	const char *error;

	if (!info || vm->ram_size < LOAD_HIGH_START)
		return "the guest's RAM is too small";
	memset(info, 0, sizeof(*info));
	info->magic = 0x336ec578;
	info->version = 1;
	info->modules = LOAD_INFO_GPA + offsetof(struct pvh_start, module);
	info->cmdline = LOAD_CMDLINE_GPA;
	info->memmap = LOAD_INFO_GPA + offsetof(struct pvh_start, map);
	info->nr_memmap = 2;
	info->map[0].size = LOAD_LOW_END;
	info->map[0].type = info->map[1].type = PVH_RAM;
	info->map[1].start = LOAD_HIGH_START;
	info->map[1].size = vm->ram_size - LOAD_HIGH_START;
	error = elf_place_modules(vm, l, floor, info);
	if (!error && !load_cmdline(vm, l->cmdline))
		error = "the guest's command line is too long";
	return error;
}

/* What lies in low memory from LOAD_INFO_GPA on is ours. */
static const char *elf_load_segment(struct vm *vm, const struct load_image *l,
				    const struct elf_segment *s)
{
	if (!vm_ram(vm, s->gpa, s->memsz))
		return "a segment of the guest's ELF does not fit into its RAM (mem=)";
	if (s->gpa < LOAD_LOW_END && s->gpa + s->memsz > LOAD_INFO_GPA)
		return "a segment of the guest's ELF lies in 90000-9efff, which the loader needs";
	load_copy(vm, s->gpa, l->image + s->offset, s->filesz);
	return NULL;
}

/* e_entry may be a virtual address. */
static void elf_find_entry(const struct elf_header *h, const struct elf_segment *s,
			   struct load_elf_info *info)
{
	if (h->entry >= s->gva && h->entry - s->gva < s->memsz)
		info->entry = s->gpa + (h->entry - s->gva);
}

static const char *elf_load_all(struct vm *vm, const struct load_image *l,
				const struct elf_header *h, struct load_elf_info *info)
{
	struct elf_segment s;
	const char *error;
	bool any = false;

	*info = (struct load_elf_info){ .end = LOAD_HIGH_START, .entry = h->entry };
	for (unsigned i = 0; i < h->phnum; i++) {
		if (!elf_segment(l, h, i, &s))
			return "a segment of the guest's ELF lies outside the file";
		if (s.type == PT_NOTE_TYPE && !info->note)
			info->note = elf_note_entry(l, &s);
		if (s.type != PT_LOAD_TYPE || !s.memsz)
			continue;
		error = elf_load_segment(vm, l, &s);
		if (error)
			return error;
		info->end = s.gpa + s.memsz > info->end ? s.gpa + s.memsz : info->end;
		elf_find_entry(h, &s, info);
		any = true;
	}
	return any ? NULL : "the guest's ELF has nothing to load (no PT_LOAD segment)";
}

bool load_is_elf(const struct load_image *l)
{
	return l->size >= 4 && !memcmp(l->image, "\177ELF", 4);
}

const char *load_elf_segments(struct vm *vm, const struct load_image *l,
			      struct load_elf_info *info)
{
	struct elf_header h;

	if (!elf_header(l, &h))
		return "the guest's ELF header is damaged";
	if (h.machine != ELF_386 && h.machine != ELF_X86_64)
		return "the guest's ELF is not for x86";
	if (h.type != ELF_EXECUTABLE)
		return "the guest's ELF is no executable linked to fixed addresses";
	return elf_load_all(vm, l, &h, info);
}

const char *load_elf(struct vm *vm, const struct load_image *l)
{
	struct load_elf_info info;
	const char *error = load_elf_segments(vm, l, &info);
	gpa_t entry;

	if (error)
		return error;
	entry = info.note ? info.note : info.entry;
	if (entry >> 32)
		return "the guest's ELF has no entry below 4 GiB";
	error = elf_start_info(vm, l, info.end);
	if (error)
		return error;
	load_state_32(vm, entry);
	vm->vcpu[0].regs.gpr[RBX] = LOAD_INFO_GPA;
	return NULL;
}
