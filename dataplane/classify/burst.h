/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging a burst: the text of one function, compiled once for each kind of processor. The file
 * that includes it defines BURST, the function's name, and what it compares with:
 *
 *	lanes4_class(line, addr, &ends)  the class of an address in a bucket, or a value of
 *					 LANE_PENDING or above; `ends` says then whether a search
 *					 ends here
 *	row_program(line, scrambled)	 the program of a column in a line, PROGRAM_NONE when it is
 *					 not there and a lane is free, else ROW_GOES_ON
 *	step_verdict(line, key)		 the verdict word of the last step at or before the key
 *
 * Each stage does one thing for all tuples and prefetches what the next one reads, so that the
 * cache misses of 64 tuples overlap. Which way a tuple goes depends on the traffic and cannot be
 * predicted; so tuples are put in lists and values are selected, and what branches there are
 * nearly always go one way.
 */
#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#define N_ADDRS (2 * TG_CLASSIFY_BURST)

/* Address 2i is the source of tuple i, 2i + 1 its destination. */
struct burst {
	const struct zone *zone[TG_CLASSIFY_BURST]; /* NULL: not of the image */
	uint32_t addr[N_ADDRS];			    /* IPv4 */
	const void *line[N_ADDRS];		    /* exact bucket, then LPM entry */
	uint32_t cls[N_ADDRS];
	uint32_t program[N_ADDRS]; /* of egress, ingress */
	uint8_t v4[TG_CLASSIFY_BURST], v6[TG_CLASSIFY_BURST];
	uint8_t missed[N_ADDRS]; /* addresses without an exact entry */
	unsigned int n_v4, n_v6;
};

static const uint8_t both_actions[16] = {
	[TG_ACTION_ALLOW << 2 | TG_ACTION_ALLOW] = TG_ACTION_ALLOW,
	[TG_ACTION_ALLOW << 2 | TG_ACTION_AUDIT] = TG_ACTION_AUDIT,
	[TG_ACTION_AUDIT << 2 | TG_ACTION_ALLOW] = TG_ACTION_AUDIT,
	[TG_ACTION_AUDIT << 2 | TG_ACTION_AUDIT] = TG_ACTION_AUDIT,
};

/* Which zone and family; tuples of neither are left with class 0. */
static inline void sort_tuples(const struct tg_classifier *c, const struct tg_tuple *const tuples[],
	struct burst *b, unsigned int n)
{
	const struct zone *zone = c->n_zones != 0 ? &c->zones[0] : NULL;

	b->n_v4 = b->n_v6 = 0;
	for (unsigned int i = 0; i < n; i++) {
		const struct tg_tuple *t = tuples[i];

		if (unlikely(zone == NULL || zone->id != t->zone))
			zone = classifier_zone(c, t->zone);
		b->zone[i] = zone;
		b->cls[2 * i] = b->cls[2 * i + 1] = TG_CLASS_FAIL_CLOSED;
		b->v4[b->n_v4] = (uint8_t)i;
		b->n_v4 += t->family == 4 && zone != NULL;
		b->v6[b->n_v6] = (uint8_t)i;
		b->n_v6 += t->family == 6 && zone != NULL;
	}
}

static inline void hash4(const struct tg_tuple *const tuples[], struct burst *b)
{
	for (unsigned int j = 0; j < b->n_v4; j++) {
		const unsigned int i = b->v4[j];
		const struct exact *t = &b->zone[i]->exact4;

		b->addr[2 * i] = rte_be_to_cpu_32(tuples[i]->src.v4);
		b->addr[2 * i + 1] = rte_be_to_cpu_32(tuples[i]->dst.v4);
		for (unsigned int a = 2 * i; a < 2 * i + 2; a++) {
			b->line[a] = &t->lines4[exact_home4(t, b->addr[a])];
			rte_prefetch0(b->line[a]);
		}
	}
}

/* A bucket that is full may have passed the address on. */
static __rte_noinline uint32_t search_on4(const struct exact *t, uint32_t addr)
{
	uint32_t lane;

	return exact_find4(t, exact_home4(t, addr), addr, &lane);
}

/* Exact entries; whoever has none is listed and gets the LPM's root prefetched. */
static inline unsigned int exact4(const struct tg_classifier *c, struct burst *b)
{
	unsigned int n_missed = 0;

	for (unsigned int j = 0; j < b->n_v4; j++) {
		const unsigned int i = b->v4[j];
		const struct zone *zone = b->zone[i];

		for (unsigned int a = 2 * i; a < 2 * i + 2; a++) {
			const uint32_t *root = &zone->lpm4.root[b->addr[a] >> 16];
			unsigned int ends;
			uint32_t cls = lanes4_class(b->line[a], b->addr[a], &ends);

			if (unlikely(ends == 0 && cls >= LANE_PENDING))
				cls = search_on4(&zone->exact4, b->addr[a]);
			b->missed[n_missed] = (uint8_t)a;
			n_missed += cls >= LANE_PENDING;
			b->cls[a] = cls;
			b->line[a] = root;
			rte_prefetch0(cls >= LANE_PENDING ? (const void *)root : &c->classes[cls]);
		}
	}
	return n_missed;
}

/* One level of the trie for the addresses listed; keeps those that go deeper listed. */
static inline unsigned int descend4(
	const struct tg_classifier *c, struct burst *b, unsigned int n_missed, unsigned int shift)
{
	unsigned int deeper = 0;

	for (unsigned int j = 0; j < n_missed; j++) {
		const unsigned int a = b->missed[j];
		const uint32_t *nodes = b->zone[a / 2]->lpm4.nodes;
		const uint32_t entry = *(const uint32_t *)b->line[a];
		const uint32_t *next = nodes + (size_t)(entry & ~LPM_DEEPER) * LPM_NODE +
				       (b->addr[a] >> shift & 0xff);

		b->missed[deeper] = (uint8_t)a;
		deeper += (entry & LPM_DEEPER) != 0;
		b->cls[a] = entry;
		b->line[a] = next;
		rte_prefetch0((entry & LPM_DEEPER) != 0 ? (const void *)next : &c->classes[entry]);
	}
	return deeper;
}

static inline void classes4(
	const struct tg_classifier *c, const struct tg_tuple *const tuples[], struct burst *b)
{
	unsigned int n_missed;

	hash4(tuples, b);
	n_missed = exact4(c, b);
	n_missed = descend4(c, b, n_missed, 8);
	n_missed = descend4(c, b, n_missed, 0);
	for (unsigned int j = 0; j < n_missed; j++) {
		const unsigned int a = b->missed[j];

		b->cls[a] = *(const uint32_t *)b->line[a];
		rte_prefetch0(&c->classes[b->cls[a]]);
	}
}

static inline const uint8_t *addr6(const struct tg_tuple *const tuples[], unsigned int a)
{
	return a % 2 == 0 ? tuples[a / 2]->src.v6 : tuples[a / 2]->dst.v6;
}

static inline void classes6(
	const struct tg_classifier *c, const struct tg_tuple *const tuples[], struct burst *b)
{
	unsigned int n_missed = 0;

	for (unsigned int j = 0; j < b->n_v6; j++) {
		for (unsigned int a = 2u * b->v6[j]; a < 2u * b->v6[j] + 2; a++) {
			const struct exact *t = &b->zone[a / 2]->exact6;

			b->addr[a] = exact_home6(t, addr6(tuples, a));
			rte_prefetch0(&t->lines6[b->addr[a]]);
		}
	}
	for (unsigned int j = 0; j < b->n_v6; j++) {
		for (unsigned int a = 2u * b->v6[j]; a < 2u * b->v6[j] + 2; a++) {
			const struct zone *zone = b->zone[a / 2];
			const uint8_t *addr = addr6(tuples, a);
			const void *root = &zone->lpm6.root[addr[0] << 8 | addr[1]];
			uint32_t lane;

			b->cls[a] = exact_find6(&zone->exact6, b->addr[a], addr, &lane);
			b->missed[n_missed] = (uint8_t)a;
			n_missed += b->cls[a] >= LANE_PENDING;
			rte_prefetch0(b->cls[a] >= LANE_PENDING ? root : &c->classes[b->cls[a]]);
		}
	}
	for (unsigned int j = 0; j < n_missed; j++) {
		const unsigned int a = b->missed[j];

		b->cls[a] = lpm6_find(&b->zone[a / 2]->lpm6, addr6(tuples, a));
		rte_prefetch0(&c->classes[b->cls[a]]);
	}
}

/* The line of the subject's row in which the peer's column would be. */
static inline const struct row_line *line_of(const struct tg_classifier *c,
	const struct class_record *subject, enum tg_direction direction, uint32_t column)
{
	const uint32_t mask = (1u << subject->row_log[direction]) - 1;

	return &c->rows.lines[subject->row[direction] + (column & mask)];
}

static inline void prefetch_rows(
	const struct tg_classifier *c, const struct burst *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct class_record *src = &c->classes[b->cls[2 * i]];
		const struct class_record *dst = &c->classes[b->cls[2 * i + 1]];

		for (unsigned int k = 0; k < TG_COLUMNS; k++) {
			rte_prefetch0(line_of(c, src, TG_EGRESS, dst->column[k]));
			rte_prefetch0(line_of(c, dst, TG_INGRESS, src->column[k]));
		}
	}
}

static inline uint32_t cell_program(const struct tg_classifier *c,
	const struct class_record *subject, enum tg_direction direction, uint32_t column)
{
	uint32_t program = row_program(line_of(c, subject, direction, column), column);

	if (unlikely(program == ROW_GOES_ON))
		program = row_find(&c->rows.lines[subject->row[direction]],
			subject->row_log[direction], column);
	return program;
}

/* The first of the peer's columns that the subject's row has, else the default. */
static inline uint32_t side_program(const struct tg_classifier *c,
	const struct class_record *subject, const struct class_record *peer,
	enum tg_direction direction)
{
	const uint32_t own = cell_program(c, subject, direction, peer->column[0]);
	const uint32_t group = cell_program(c, subject, direction, peer->column[1]);
	const uint32_t kind = cell_program(c, subject, direction, peer->column[2]);
	uint32_t program = subject->program[direction];

	program = kind != PROGRAM_NONE ? kind : program;
	program = group != PROGRAM_NONE ? group : program;
	return own != PROGRAM_NONE ? own : program;
}

static inline void find_programs(const struct tg_classifier *c, struct burst *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct class_record *src = &c->classes[b->cls[2 * i]];
		const struct class_record *dst = &c->classes[b->cls[2 * i + 1]];
		const uint32_t egress = side_program(c, src, dst, TG_EGRESS);
		const uint32_t ingress = side_program(c, dst, src, TG_INGRESS);

		b->program[2 * i] = egress;
		b->program[2 * i + 1] = ingress;
		rte_prefetch0(&c->programs.lines[program_line_of(egress)]);
		rte_prefetch0(&c->programs.lines[program_line_of(ingress)]);
	}
}

static inline uint32_t run(const struct tg_classifier *c, uint32_t reference, uint32_t key)
{
	const struct program_line *line = &c->programs.lines[program_line_of(reference)];
	uint32_t verdict;

	if (unlikely((reference & (TG_PROGRAM_DIRECT | PROGRAM_LONG)) == PROGRAM_LONG))
		line = program_find_line(line, key);
	verdict = step_verdict(line, key);
	return (reference & TG_PROGRAM_DIRECT) != 0 ? reference & ~TG_PROGRAM_DIRECT : verdict;
}

/* The source is a node: is it that of the destination? */
static __rte_noinline int is_own_node(const struct zone *zone, const struct tg_tuple *t)
{
	uint32_t src, dst;

	if (t->family == 4) {
		zone_class4(zone, rte_be_to_cpu_32(t->src.v4), &src);
		zone_class4(zone, rte_be_to_cpu_32(t->dst.v4), &dst);
	} else {
		zone_class6(zone, t->src.v6, &src);
		zone_class6(zone, t->dst.v6, &dst);
	}
	return src != TG_NONE && src == dst;
}

static inline void judge(const struct tg_classifier *c, const struct tg_tuple *const tuples[],
	const struct burst *b, struct tg_judgement *out, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct tg_tuple *t = tuples[i];
		const uint32_t key = (uint32_t)t->protocol << 16 | t->dport;
		const uint8_t src_kind = c->classes[b->cls[2 * i]].kind;
		uint32_t egress = run(c, b->program[2 * i], key);
		uint32_t ingress = run(c, b->program[2 * i + 1], key);

		if (unlikely(src_kind == TG_KIND_NODE && !tg_verdict_passes(ingress)) &&
			is_own_node(b->zone[i], t))
			ingress = tg_verdict_make(TG_ACTION_ALLOW, TG_BUILTIN_OWN_NODE);
		out[i] = (struct tg_judgement){
			.verdict = {egress, ingress},
			.src_kind = src_kind,
			.dst_kind = c->classes[b->cls[2 * i + 1]].kind,
			.action = both_actions[tg_verdict_action(egress) << 2 |
					       tg_verdict_action(ingress)],
		};
	}
}

void BURST(const struct tg_classifier *c, const struct tg_tuple *const tuples[],
	struct tg_judgement *out, unsigned int n)
{
	struct burst b;

	sort_tuples(c, tuples, &b, n);
	classes4(c, tuples, &b);
	if (b.n_v6 != 0)
		classes6(c, tuples, &b);
	prefetch_rows(c, &b, n);
	find_programs(c, &b, n);
	judge(c, tuples, &b, out, n);
}
