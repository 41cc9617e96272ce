/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging a burst: the text of one function, compiled once for each kind of processor. The file
 * that includes it defines BURST, the function's name, and what it compares with:
 *
 *	lanes4_match(line, addr, &ends)	 the lane of a bucket that has an address and is in use,
 *					 and whether a free lane ends the search
 *	row_match(line, scrambled)	 the lane of a row's line that has a column
 *	step_of(line, key)		 the last step of a program's line at or before the key
 *
 * The first two give a set of bits: none, or the one of the lane found (an even bit 2k for lane k
 * of lanes4_match).
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
	/* Of egress (2i) and ingress: where each column would be, and one for the default. */
	const struct row_line *rows[N_ADDRS][TG_COLUMNS + 1];
	uint32_t program[N_ADDRS];
	uint8_t v4[TG_CLASSIFY_BURST], v6[TG_CLASSIFY_BURST], neither[TG_CLASSIFY_BURST];
	uint8_t missed[N_ADDRS]; /* addresses without an exact entry */
	unsigned int n_v4, n_v6;
};

static const uint8_t both_actions[16] = {
	[TG_ACTION_ALLOW << 2 | TG_ACTION_ALLOW] = TG_ACTION_ALLOW,
	[TG_ACTION_ALLOW << 2 | TG_ACTION_AUDIT] = TG_ACTION_AUDIT,
	[TG_ACTION_AUDIT << 2 | TG_ACTION_ALLOW] = TG_ACTION_AUDIT,
	[TG_ACTION_AUDIT << 2 | TG_ACTION_AUDIT] = TG_ACTION_AUDIT,
};

/*
 * One of two values without a branch. All ones or zero is a number that the compiler must not see
 * through: it likes to make branches of selections, and these cannot be predicted.
 */
static inline uint64_t mask_of(unsigned int condition)
{
	uint64_t mask = 0 - (uint64_t)condition;

	asm("" : "+r"(mask));
	return mask;
}

/* `condition` is 0 or 1. */
static inline uint32_t choose32(unsigned int condition, uint32_t yes, uint32_t no)
{
	return no ^ ((yes ^ no) & (uint32_t)mask_of(condition));
}

static inline const void *choose(unsigned int condition, const void *yes, const void *no)
{
	const uintptr_t y = (uintptr_t)yes, n = (uintptr_t)no;

	return (const void *)(n ^ ((y ^ n) & mask_of(condition)));
}

/* Which zone and family. */
static inline void sort_tuples(const struct tg_classifier *c, const struct tg_tuple *const tuples[],
	struct burst *b, unsigned int n)
{
	const struct zone *zone = c->n_zones != 0 ? &c->zones[0] : NULL;
	unsigned int n_v4 = 0, n_v6 = 0, n_neither = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct tg_tuple *t = tuples[i];
		unsigned int family = t->family;

		if (unlikely(zone == NULL || zone->id != t->zone))
			zone = classifier_zone(c, t->zone);
		if (unlikely(zone == NULL))
			family = 0;
		b->zone[i] = zone;
		b->v4[n_v4] = b->v6[n_v6] = b->neither[n_neither] = (uint8_t)i;
		n_v4 += family == 4;
		n_v6 += family == 6;
		n_neither += family != 4 && family != 6;
	}
	for (unsigned int j = 0; j < n_neither; j++)
		b->cls[2 * b->neither[j]] = b->cls[2 * b->neither[j] + 1] = TG_CLASS_FAIL_CLOSED;
	b->n_v4 = n_v4;
	b->n_v6 = n_v6;
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
			const struct exact_line4 *line = b->line[a];
			const uint32_t *root = &zone->lpm4.root[b->addr[a] >> 16];
			unsigned int ends, found = lanes4_match(line, b->addr[a], &ends);
			/* The lane may have been removed since; not reused, so it says so. */
			const unsigned int lane = __builtin_ctz(found | 1u << 14) / 2;
			uint32_t cls =
				(uint32_t)(__atomic_load_n(&line->lane[lane], __ATOMIC_ACQUIRE) >>
					   32);

			cls |= 0u - (found == 0);
			if (unlikely((found | ends) == 0))
				cls = search_on4(&zone->exact4, b->addr[a]);
			b->missed[n_missed] = (uint8_t)a;
			n_missed += cls >= LANE_PENDING;
			b->cls[a] = cls;
			b->line[a] = root;
			rte_prefetch0(choose(cls >= LANE_PENDING, root, &c->classes[cls]));
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
		rte_prefetch0(choose((entry & LPM_DEEPER) != 0, next, &c->classes[entry]));
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
			rte_prefetch0(
				choose(b->cls[a] >= LANE_PENDING, root, &c->classes[b->cls[a]]));
		}
	}
	for (unsigned int j = 0; j < n_missed; j++) {
		const unsigned int a = b->missed[j];

		b->cls[a] = lpm6_find(&b->zone[a / 2]->lpm6, addr6(tuples, a));
		rte_prefetch0(&c->classes[b->cls[a]]);
	}
}

/* Where the columns of the peer would be in the subject's row. */
static inline void locate_row(const struct tg_classifier *c, const struct class_record *subject,
	const struct class_record *peer, enum tg_direction direction,
	const struct row_line *lines[TG_COLUMNS + 1])
{
	const struct row_line *first = &c->rows.lines[subject->row[direction]];
	const unsigned int log = subject->row_log[direction];
	const unsigned int shift = record_shift(subject, direction);

	for (unsigned int k = 0; k < TG_COLUMNS; k++) {
		lines[k] = &first[row_line_of(peer->column[k], log & 31, shift)];
		rte_prefetch0(lines[k]);
	}
	/* So that the default program is in lane 0 of the line. */
	lines[TG_COLUMNS] = (const struct row_line *)((const char *)&subject->program[direction] -
						      offsetof(struct row_line, program));
}

static inline void locate_rows(const struct tg_classifier *c, struct burst *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct class_record *src = &c->classes[b->cls[2 * i]];
		const struct class_record *dst = &c->classes[b->cls[2 * i + 1]];

		locate_row(c, src, dst, TG_EGRESS, b->rows[2 * i]);
		locate_row(c, dst, src, TG_INGRESS, b->rows[2 * i + 1]);
	}
}

/* The same where lines may have spilled; one column after the other. */
static __rte_noinline uint32_t search_row(const struct tg_classifier *c,
	const struct class_record *subject, const struct class_record *peer,
	enum tg_direction direction)
{
	const struct row_line *first = &c->rows.lines[subject->row[direction]];
	const unsigned int log = subject->row_log[direction] & ~ROW_SPILLS;

	for (unsigned int k = 0; k < TG_COLUMNS; k++) {
		const uint32_t program =
			row_find(first, log, record_shift(subject, direction), peer->column[k]);

		if (program != PROGRAM_NONE)
			return program;
	}
	return subject->program[direction];
}

/* The first of the peer's columns that the subject's row has, else the default. */
static inline uint32_t side_program(const struct tg_classifier *c,
	const struct class_record *subject, const struct class_record *peer,
	enum tg_direction direction, const struct row_line *const lines[TG_COLUMNS + 1])
{
	unsigned int found = 1u << TG_COLUMNS * ROW_LANES, at;

	if (unlikely((subject->row_log[direction] & ROW_SPILLS) != 0))
		return search_row(c, subject, peer, direction);
	for (unsigned int k = 0; k < TG_COLUMNS; k++)
		found |= row_match(lines[k], peer->column[k]) << k * ROW_LANES;
	at = (unsigned int)__builtin_ctz(found);
	return lines[at / ROW_LANES]->program[at % ROW_LANES];
}

static inline const struct program_line *steps_of(const struct tg_classifier *c, uint32_t reference)
{
	const uint32_t line = choose32((reference & TG_PROGRAM_DIRECT) != 0, 0, reference);

	return &c->programs.lines[line & ~PROGRAM_LONG];
}

static inline void find_programs(const struct tg_classifier *c, struct burst *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct class_record *src = &c->classes[b->cls[2 * i]];
		const struct class_record *dst = &c->classes[b->cls[2 * i + 1]];
		const uint32_t egress = side_program(c, src, dst, TG_EGRESS, b->rows[2 * i]);
		const uint32_t ingress = side_program(c, dst, src, TG_INGRESS, b->rows[2 * i + 1]);

		b->program[2 * i] = egress;
		b->program[2 * i + 1] = ingress;
		b->line[2 * i] = steps_of(c, egress);
		b->line[2 * i + 1] = steps_of(c, ingress);
		rte_prefetch0(b->line[2 * i]);
		rte_prefetch0(b->line[2 * i + 1]);
	}
}

static inline uint32_t run(const struct program_line *line, uint32_t reference, uint32_t key)
{
	if (unlikely((reference & (TG_PROGRAM_DIRECT | PROGRAM_LONG)) == PROGRAM_LONG))
		line = program_find_line(line, key);
	return choose32((reference & TG_PROGRAM_DIRECT) != 0, reference & ~TG_PROGRAM_DIRECT,
		line->verdict[step_of(line, key)]);
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
		const uint8_t dst_kind = c->classes[b->cls[2 * i + 1]].kind;
		uint32_t egress = run(b->line[2 * i], b->program[2 * i], key);
		uint32_t ingress = run(b->line[2 * i + 1], b->program[2 * i + 1], key);

		if (unlikely(src_kind == TG_KIND_NODE && dst_kind == TG_KIND_POD &&
			     !tg_verdict_passes(ingress)) &&
			is_own_node(b->zone[i], t))
			ingress = tg_verdict_make(TG_ACTION_ALLOW, TG_BUILTIN_OWN_NODE);
		out[i] = (struct tg_judgement){
			.verdict = {egress, ingress},
			.src_kind = src_kind,
			.dst_kind = dst_kind,
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
	locate_rows(c, &b, n);
	find_programs(c, &b, n);
	judge(c, tuples, &b, out, n);
}
