/* SPDX-License-Identifier: MIT */
/*
 * The devices of the guest's board, and the ports (ports.def) and addresses
 * (mmio.def) they answer at. Where nobody answers reads are all ones and writes are
 * ignored.
 *
 * An interrupt line goes to the PIC and to the IO-APIC: IRQ 0 to its pin 2, any other
 * to the pin of its number. What the PIC requests arrives at LINT0 of CPU 0.
 */
#ifndef HV_DEV_BOARD_H
#define HV_DEV_BOARD_H

#include "hv/dev/apic_bus.h"
#include "hv/dev/fw_cfg.h"
#include "hv/dev/ioapic.h"
#include "hv/dev/pc_test.h"
#include "hv/dev/pic.h"
#include "hv/dev/pit.h"
#include "hv/dev/pm_timer.h"
#include "hv/dev/rtc.h"
#include "hv/dev/uart.h"

#define BOARD_STATUS_MAX 119 /* what a guest may end with; see README "exit status" */

/* What the board tells its owner. */
struct board_owner {
	void *ctx;
	u64 (*now_ns)(void *ctx);
	void (*console)(void *ctx, u8 byte);
	void (*line)(void *ctx, unsigned line, bool level); /* changed */
	void (*smi)(void *ctx);
	void (*end)(void *ctx, unsigned status, const char *reason);

	/* As in lapic_owner. */
	u64 (*tsc_ns)(void *ctx, u64 tsc);
	void (*accept)(void *ctx, unsigned cpu, enum apic_mode mode, u8 vector,
		       enum apic_source source);

	void (*forget)(void *ctx, gpa_t gpa); /* what the host maps there */
};

/* An interrupt a CPU can take. */
struct board_irq {
	int vector;    /* -1: none */
	bool from_pic;
};

struct board {
	struct apic_bus apics;
	struct lapic_owner apic_owner;
	struct ioapic ioapic;
	struct pic pic;
	struct pit pit;
	struct rtc rtc;
	struct uart uart;
	struct fw_cfg fw_cfg; /* its owner fills it by fw_cfg_init() */
	struct pc_test test;
	struct pm_timer pm_timer;
	u16 line_levels; /* as last told */
	u8 apm[2]; /* control and status of power management */
	struct board_owner owner;
};

/* nr_cpus: 1..APIC_BUS_MAX. The board stays where it is. */
void board_init(struct board *b, unsigned nr_cpus, const struct board_owner *owner);

/* One port access of 1, 2 or 4 bytes; wider ones go byte by byte to byte-wide
 * devices. Reads return zero above the size. */
u32 board_in(struct board *b, u16 port, unsigned bytes);
void board_out(struct board *b, u16 port, unsigned bytes, u32 value);

/*
 * An access to device memory by a CPU: up to 16 bytes that may be anywhere; a device
 * sees parts of at most 4 aligned bytes.
 */
void board_read_mem(struct board *b, unsigned cpu, gpa_t gpa, void *to, size_t len);
void board_write_mem(struct board *b, unsigned cpu, gpa_t gpa, const void *from, size_t len);

/* The pin of the IO-APIC that a line is wired to. */
static inline unsigned board_pin(unsigned line)
{
	return line == 0 ? 2 : line;
}

/* The interrupt that the CPU would take now if it is open for them. */
struct board_irq board_irq(const struct board *b, unsigned cpu);

/*
 * It is offered to the CPU, which may take it at any moment from now on: another one
 * like it is a new one. If it turns out that it was not taken, unack takes that back.
 */
void board_ack(struct board *b, unsigned cpu, struct board_irq irq);
void board_unack(struct board *b, unsigned cpu, struct board_irq irq);

/* Brings interrupt lines up to date with the clock. */
void board_update(struct board *b);

/* When board_update() has something to do next for a device, in ns; BOARD_NEVER if not by
 * time. The timers of APICs are asked by themselves: lapic_deadline(). */
#define BOARD_NEVER (~0ull)
u64 board_deadline(const struct board *b);

/* For board.c. line: 0..23; from 16 on they are the IO-APIC's alone */
void board_set_test_line(struct board *b, unsigned line, bool level);
void board_init_apics(struct board *b, unsigned nr_cpus);

#endif
