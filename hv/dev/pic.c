/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controllers. Bit n of irr, isr, imr is line n of the chip;
 * the lowest set bit has the highest priority.
 */
#include "hv/dev/pic.h"

#include <string.h>

#define CASCADE_LINE 2
#define ICW1_INIT    0x10
#define ICW1_ICW4    0x01
#define ICW1_SINGLE  0x02
#define ICW4_AEOI    0x02
#define OCW2_EOI     0x20
#define OCW2_SPECIFIC 0x40
#define OCW3         0x08

void pic_init(struct pic *p)
{
	memset(p, 0, sizeof(*p));
}

/* The line whose request is above everything in service; -1 none. */
static int pic_chip_pending(const struct pic_chip *c, u8 requests)
{
	u8 ready = requests & ~c->imr;

	for (unsigned line = 0; line < 8; line++) {
		if (c->isr & 1u << line)
			return -1;
		if (ready & 1u << line)
			return (int)line;
	}
	return -1;
}

/* The slave's request is a line of the master. While line 2 is in service a
 * further request of the slave waits for the EOI, as without special nesting. */
static u8 pic_master_requests(const struct pic *p)
{
	u8 irr = p->chip[0].irr;

	if (pic_chip_pending(&p->chip[1], p->chip[1].irr) >= 0)
		irr |= 1u << CASCADE_LINE;
	return irr;
}

void pic_set_line(struct pic *p, unsigned line, bool level)
{
	struct pic_chip *c = &p->chip[line / 8];
	u8 bit = 1u << line % 8;

	if (level && !(c->lines & bit))
		c->irr |= bit;
	if (!level)
		c->irr &= ~bit; /* withdrawn before it was taken */
	c->lines = level ? c->lines | bit : c->lines & ~bit;
}

int pic_pending(const struct pic *p)
{
	int line = pic_chip_pending(&p->chip[0], pic_master_requests(p));

	if (line != CASCADE_LINE)
		return line < 0 ? -1 : p->chip[0].vector_base + line;
	line = pic_chip_pending(&p->chip[1], p->chip[1].irr);
	return line < 0 ? -1 : p->chip[1].vector_base + line;
}

static void pic_chip_ack(struct pic_chip *c, unsigned line)
{
	c->irr &= ~(1u << line);
	if (!c->auto_eoi)
		c->isr |= 1u << line;
}

void pic_ack(struct pic *p, u8 vector)
{
	unsigned line = vector & 7;

	if (p->chip[0].vector_base == (vector & 0xf8) && line != CASCADE_LINE) {
		pic_chip_ack(&p->chip[0], line);
	} else if (p->chip[1].vector_base == (vector & 0xf8)) {
		pic_chip_ack(&p->chip[1], line);
		pic_chip_ack(&p->chip[0], CASCADE_LINE);
	}
}

static void pic_chip_unack(struct pic_chip *c, unsigned line)
{
	c->irr |= c->lines & 1u << line; /* it may have been withdrawn meanwhile */
	c->isr &= ~(1u << line);
}

void pic_unack(struct pic *p, u8 vector)
{
	unsigned line = vector & 7;

	if (p->chip[0].vector_base == (vector & 0xf8) && line != CASCADE_LINE) {
		pic_chip_unack(&p->chip[0], line);
	} else if (p->chip[1].vector_base == (vector & 0xf8)) {
		pic_chip_unack(&p->chip[1], line);
		p->chip[0].isr &= ~(1u << CASCADE_LINE);
	}
}

u8 pic_in(const struct pic *p, u16 port)
{
	const struct pic_chip *c = &p->chip[port >= 0xa0];

	if (port & 1)
		return c->imr;
	return c->read_isr ? c->isr : c->irr;
}

static void pic_icw1(struct pic_chip *c, u8 value)
{
	u8 lines = c->lines;

	*c = (struct pic_chip){ .lines = lines, .icw_next = 2, .icw4 = value & ICW1_ICW4 };
}

static void pic_command(struct pic_chip *c, u8 value)
{
	if (value & ICW1_INIT) {
		pic_icw1(c, value);
	} else if (value & OCW3) {
		if (value & 2)
			c->read_isr = value & 1;
	} else if (value & OCW2_EOI) {
		if (value & OCW2_SPECIFIC)
			c->isr &= ~(1u << (value & 7));
		else
			c->isr &= c->isr - 1; /* the highest priority in service */
	}
}

static void pic_data(struct pic_chip *c, u8 value)
{
	switch (c->icw_next) {
	case 2:
		c->vector_base = value & 0xf8;
		c->icw_next = 3;
		break;
	case 3: /* how the chips are wired: fixed here */
		c->icw_next = c->icw4 ? 4 : 0;
		break;
	case 4:
		c->auto_eoi = value & ICW4_AEOI;
		c->icw_next = 0;
		break;
	default:
		c->imr = value;
	}
}

void pic_out(struct pic *p, u16 port, u8 value)
{
	struct pic_chip *c = &p->chip[port >= 0xa0];

	if (port & 1)
		pic_data(c, value);
	else
		pic_command(c, value);
}
