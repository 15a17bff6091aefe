/* SPDX-License-Identifier: MIT */
/*
 * The tables, one page.
 */
#include "hv/core/acpi.h"

#include "hv/core/vm.h"

#include <string.h>

#define RSDT_AT 0x40u
#define FADT_AT 0x80u
#define DSDT_AT 0x100u
#define FACS_AT 0x180u

#define PM_TIMER_BYTES 4u

struct acpi_rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision; /* 0: of ACPI 1.0 */
	u32 rsdt;
} __attribute__((packed));

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision;
	char creator[4];
	u32 creator_revision;
} __attribute__((packed));

/* Of revision 1. What is 0 is not there. */
struct acpi_fadt {
	struct acpi_header header;
	u32 facs, dsdt;
	u8 other1[32]; /* up to the general purpose events */
	u32 pm_timer;
	u8 other2[11];
	u8 pm_timer_length;
	u8 other3[24];
} __attribute__((packed));
_Static_assert(offsetof(struct acpi_fadt, pm_timer) == 76 &&
		       offsetof(struct acpi_fadt, pm_timer_length) == 91 &&
		       sizeof(struct acpi_fadt) == 116,
	       "the FADT of revision 1");

struct acpi_facs {
	char signature[4];
	u32 length;
	u8 other[56];
} __attribute__((packed));

static u8 acpi_checksum(const void *from, size_t size)
{
	const u8 *at = from;
	u8 sum = 0;

	while (size--)
		sum += *at++;
	return (u8)-sum;
}

/* The header's checksum is over all length bytes. */
static void acpi_begin(struct acpi_header *h, const char signature[4], u32 length)
{
	memcpy(h->signature, signature, 4);
	memcpy(h->oem, "VITRIN", 6);
	memcpy(h->oem_table, "VITRINE ", 8);
	memcpy(h->creator, "VITR", 4);
	h->length = length;
	h->revision = 1;
}

static void acpi_end(struct acpi_header *h)
{
	h->checksum = acpi_checksum(h, h->length);
}

static void acpi_fadt(struct acpi_fadt *fadt)
{
	acpi_begin(&fadt->header, "FACP", sizeof(*fadt));
	fadt->facs = ACPI_GPA + FACS_AT;
	fadt->dsdt = ACPI_GPA + DSDT_AT;
	fadt->pm_timer = PM_TIMER_PORT;
	fadt->pm_timer_length = PM_TIMER_BYTES;
	acpi_end(&fadt->header);
}

void acpi_place(struct vm *vm)
{
	u8 *page = vm_ram(vm, ACPI_GPA, PAGE_SIZE);
	struct acpi_rsdp *rsdp = (void *)page;
	struct acpi_header *rsdt = (void *)(page + RSDT_AT), *dsdt = (void *)(page + DSDT_AT);
	struct acpi_facs *facs = (void *)(page + FACS_AT);
	const u32 fadt = ACPI_GPA + FADT_AT;

	if (!page)
		return;
	memset(page, 0, PAGE_SIZE);
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem, "VITRIN", 6);
	rsdp->rsdt = ACPI_GPA + RSDT_AT;
	rsdp->checksum = acpi_checksum(rsdp, sizeof(*rsdp));
	acpi_begin(rsdt, "RSDT", sizeof(*rsdt) + sizeof(fadt));
	memcpy(rsdt + 1, &fadt, sizeof(fadt));
	acpi_end(rsdt);
	acpi_fadt((void *)(page + FADT_AT));
	acpi_begin(dsdt, "DSDT", sizeof(*dsdt));
	acpi_end(dsdt);
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
}
