/* SPDX-License-Identifier: MIT */
/*
 * The command line, and small things. It has one word of these:
 *
 *   seed=N [rounds=N]   random rounds
 *   sweep=NAME          every value of something
 *   end=NAME            something that ends a machine, or should not
 *
 * The status is 0 when the guest comes to its own end, 2 for a wrong word, 3 and more
 * for what should have been otherwise.
 */
#include "tests/hostile/hostile.h"

enum { COM1 = 0x3f8, EXIT_PORT = 0xf4 };

static u64 random_state = 1;

void seed_random(u32 seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ull + 1;
}

u32 random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (u32)(random_state >> 16);
}

u32 chance(u32 n)
{
	return random32() % n;
}

void put(const char *text)
{
	for (; *text; text++) {
		while (!(inb(COM1 + 5) & 0x20))
			;
		outb(COM1, *text);
	}
}

void put_number(u32 n)
{
	char text[11];
	int at = 10;

	text[at] = 0;
	do {
		text[--at] = '0' + n % 10;
		n /= 10;
	} while (n);
	put(text + at);
}

_Noreturn void finish(u32 status)
{
	for (;;)
		outb(EXIT_PORT, status);
}

bool equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* The text behind "name=" in the command line, NULL if it is not there. */
static const char *word(const char *line, const char *name)
{
	for (; *line; line++) {
		const char *a = line, *b = name;

		while (*b && *a == *b) {
			a++;
			b++;
		}
		if (!*b && *a == '=')
			return a + 1;
	}
	return NULL;
}

static u32 number(const char *text, u32 otherwise)
{
	u32 n = 0;

	if (!text)
		return otherwise;
	for (; *text >= '0' && *text <= '9'; text++)
		n = 10 * n + *text - '0';
	return n;
}

void hostile_main(const char *line);
void hostile_main(const char *line)
{
	const char *seed = word(line, "seed"), *s = word(line, "sweep"), *end = word(line, "end");

	setup_once();
	if (seed)
		random_rounds(number(seed, 1), number(word(line, "rounds"), 100));
	else if (!(s && sweep(s)) && !(end && endings(end)))
		finish(2);
	finish(0);
}
