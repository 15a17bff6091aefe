/* SPDX-License-Identifier: MIT */
/*
 * The board: port dispatch.
 */
#include "hv/dev/board.h"

#define UART_BASE 0x3f8
#define APM_BASE  0xb2
#define TEST_LINE_BASE 0x2000

#define RESET_PULSE  0xfe
#define CF9_RESET    0x04

static u8 board_pic_in(struct board *b, u16 port)
{
	return pic_in(&b->pic, port);
}

static void board_pic_out(struct board *b, u16 port, u8 value)
{
	pic_out(&b->pic, port, value);
}

static u8 board_pit_in(struct board *b, u16 port)
{
	return pit_in(&b->pit, port, b->owner.now_ns(b->owner.ctx));
}

static void board_pit_out(struct board *b, u16 port, u8 value)
{
	pit_out(&b->pit, port, value, b->owner.now_ns(b->owner.ctx));
}

static u8 board_rtc_in(struct board *b, u16 port)
{
	return rtc_in(&b->rtc, port, b->owner.now_ns(b->owner.ctx));
}

static void board_rtc_out(struct board *b, u16 port, u8 value)
{
	rtc_out(&b->rtc, port, value);
}

static u8 board_uart_in(struct board *b, u16 port)
{
	return uart_in(&b->uart, port - UART_BASE);
}

static void board_uart_out(struct board *b, u16 port, u8 value)
{
	uart_out(&b->uart, port - UART_BASE, value);
}

static u8 board_apm_in(struct board *b, u16 port)
{
	return b->apm[port - APM_BASE];
}

static void board_apm_out(struct board *b, u16 port, u8 value)
{
	b->apm[port - APM_BASE] = value;
	if (port == APM_BASE)
		b->owner.smi(b->owner.ctx);
}

static u8 board_none_in(void)
{
	return 0xff;
}

static u8 board_debug_exit_in(struct board *b, u16 port)
{
	(void)b;
	(void)port;
	return board_none_in();
}

/* The first byte is the status; the device is written to once. */
static void board_debug_exit_out(struct board *b, u16 port, u8 value)
{
	(void)port;
	b->owner.end(b->owner.ctx, value > BOARD_STATUS_MAX ? BOARD_STATUS_MAX : value, "debug-exit");
}

static u8 board_keyboard_reset_in(struct board *b, u16 port)
{
	(void)b;
	(void)port;
	return board_none_in();
}

static void board_keyboard_reset_out(struct board *b, u16 port, u8 value)
{
	(void)port;
	if (value == RESET_PULSE)
		b->owner.end(b->owner.ctx, 0, "reset by the keyboard controller");
}

static u8 board_chipset_reset_in(struct board *b, u16 port)
{
	(void)b;
	(void)port;
	return 0;
}

static void board_chipset_reset_out(struct board *b, u16 port, u8 value)
{
	(void)port;
	if (value & CF9_RESET)
		b->owner.end(b->owner.ctx, 0, "reset by port cf9");
}

static u8 board_fw_cfg_in(struct board *b, u16 port)
{
	return fw_cfg_in(&b->fw_cfg, port);
}

static void board_fw_cfg_out(struct board *b, u16 port, u8 value)
{
	fw_cfg_out(&b->fw_cfg, port, value);
}

static u8 board_pm_timer_in(struct board *b, u16 port)
{
	return pm_timer_in(&b->pm_timer, port, b->owner.now_ns(b->owner.ctx));
}

static void board_pm_timer_out(struct board *b, u16 port, u8 value)
{
	(void)b;
	(void)port;
	(void)value;
}

static u8 board_test_data_in(struct board *b, u16 port)
{
	return pc_test_in(&b->test, port);
}

static void board_test_data_out(struct board *b, u16 port, u8 value)
{
	pc_test_out(&b->test, port, value);
}

static u8 board_test_forget_in(struct board *b, u16 port)
{
	(void)b;
	(void)port;
	return board_none_in();
}

static void board_test_forget_out(struct board *b, u16 port, u8 value)
{
	gpa_t gpa;

	if (pc_test_forget(&b->test, port, value, &gpa))
		b->owner.forget(b->owner.ctx, gpa);
}

static u8 board_test_line_in(struct board *b, u16 port)
{
	(void)b;
	(void)port;
	return board_none_in();
}

static void board_test_line_out(struct board *b, u16 port, u8 value)
{
	board_set_test_line(b, port - TEST_LINE_BASE, value);
}

struct board_ports {
	u16 first, last;
	u8 (*in)(struct board *b, u16 port);
	void (*out)(struct board *b, u16 port, u8 value);
};

static const struct board_ports board_ports[] = {
#define PORTS(first, last, device, what) { first, last, board_##device##_in, board_##device##_out },
#include "hv/dev/ports.def"
};

static const struct board_ports *board_find(u16 port)
{
	for (size_t i = 0; i < sizeof(board_ports) / sizeof(*board_ports); i++) {
		if (port >= board_ports[i].first && port <= board_ports[i].last)
			return &board_ports[i];
	}
	return NULL;
}

static void board_console(void *ctx, u8 byte)
{
	struct board *b = ctx;

	b->owner.console(b->owner.ctx, byte);
}

void board_init(struct board *b, unsigned nr_cpus, const struct board_owner *owner)
{
	b->owner = *owner;
	b->line_levels = 0;
	b->apm[0] = b->apm[1] = 0;
	board_init_apics(b, nr_cpus);
	pic_init(&b->pic);
	pit_init(&b->pit);
	rtc_init(&b->rtc);
	pc_test_init(&b->test);
	b->pm_timer = (struct pm_timer){ 0 };
	fw_cfg_init(&b->fw_cfg, 0, 0);
	uart_init(&b->uart, board_console, b);
}

u32 board_in(struct board *b, u16 port, unsigned bytes)
{
	u32 value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		const struct board_ports *p = board_find(port + i);

		value |= (u32)(p ? p->in(b, port + i) : 0xff) << (8 * i);
	}
	board_update(b);
	return value;
}

void board_out(struct board *b, u16 port, unsigned bytes, u32 value)
{
	const struct board_ports *p = board_find(port);

	/* One access to debug-exit is one status, whatever its size. */
	if (p && p->out == board_debug_exit_out)
		bytes = 1;
	for (unsigned i = 0; i < bytes; i++) {
		p = board_find(port + i);
		/* CF9 lies within PCI's CF8, which is written 4 bytes at once. */
		if (p && p->out == board_chipset_reset_out && bytes != 1)
			continue;
		if (p)
			p->out(b, port + i, (u8)(value >> (8 * i)));
	}
	board_update(b);
}
