/* SPDX-License-Identifier: MIT */
/* The duel: tables made by hand, one set of them chosen at random. */
#include "tests/duel.h"

struct piece {
	enum { BEGIN, ENTRY, ADDRESS } what;
	u64 a, b, c;
	const char *name;
};

static const struct piece piece[] = {
#define GEOMETRY(name, levels, cr3, sentence) { BEGIN, levels, cr3, 0, #name },
#define AT(table, index, value) { ENTRY, table, index, value, NULL },
#define LOOK(gva) { ADDRESS, gva, 0, 0, NULL },
#include "tests/duel_geometry.def"
};

#define PIECES (sizeof(piece) / sizeof(piece[0]))

/* Where the n-th begins, counted round and round. */
static unsigned begin_of(u64 n)
{
	unsigned nr = 0, at = 0;

	for (unsigned i = 0; i < PIECES; i++)
		nr += piece[i].what == BEGIN;
	for (n %= nr; piece[at].what != BEGIN || n--; at++)
		;
	return at;
}

/* Everybody gets the tables: they are the same frames in both address spaces, but
 * where these differ. */
static void put_entry(struct duel *d, const struct piece *p, unsigned size)
{
	duel_put(d, NULL, p->a + p->b * size, p->c, size);
	for (unsigned i = 0; i < d->cpus; i++)
		if (d->sim.cpu[i].regs.smm)
			duel_put(d, &d->sim.cpu[i], p->a + p->b * size, p->c, size);
}

void duel_op_geometry(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	unsigned i = begin_of(op->r[0]);
	struct mmu_regs regs = duel_level_regs(piece[i].a);

	duel_tell(op, "%s", piece[i].name);
	regs.cr3 = piece[i].b;
	regs.smm = cpu->regs.smm;
	duel_same_for_all(d, &regs);
	for (i++; i < PIECES && piece[i].what != BEGIN; i++)
		if (piece[i].what == ENTRY)
			put_entry(d, &piece[i], duel_levels(&regs) == 2 ? 4 : 8);
		else
			duel_remember(d, piece[i].a);
}
