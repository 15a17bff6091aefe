/* SPDX-License-Identifier: MIT */
/* Roles as text, as KVM's trace points print them. */
#include "mmu/role.h"

struct text {
	char *buf;
	unsigned size, len;
};

static void put(struct text *text, const char *s)
{
	for (; *s && text->len + 1 < text->size; s++)
		text->buf[text->len++] = *s;
}

static void put_digit(struct text *text, unsigned digit)
{
	const char s[2] = { (char)('0' + digit % 10), 0 };

	put(text, s);
}

const char *role_access_text(unsigned access)
{
	static const char letters[8][4] = { "---", "--x", "w--", "w-x",
					    "-u-", "-ux", "wu-", "wux" };

	return letters[access & ACC_ALL];
}

unsigned role_text(union mmu_role role, char *buf, unsigned size)
{
	struct text text = { .buf = buf, .size = size };

	if (!size)
		return 0;
	put(&text, "l");
	if (role.level >= 10)
		put_digit(&text, role.level / 10);
	put_digit(&text, role.level);
	put(&text, role.has_4_byte_gpte ? " 4-byte q" : " 8-byte q");
	put_digit(&text, role.quadrant);
	put(&text, role.direct ? " direct " : " ");
	put(&text, role_access_text(role.access));
	put(&text, role.invalid ? " invalid" : "");
	put(&text, role.efer_nx ? " nxe" : " !nxe");
	put(&text, role.ad_disabled ? " !ad" : " ad");
	buf[text.len] = 0;
	return text.len;
}
