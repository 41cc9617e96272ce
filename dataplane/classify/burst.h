/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging a burst: the text of one function, compiled once for each kind of processor. The file
 * that includes it defines BURST, the function's name, VECTOR, and these:
 *
 *	walk4(lpm, addr, found, n, list)	addresses from network to host order, and their
 *				classes in the trie; `list` is room for n numbers
 *	homes4(table, addr, home, n)	the buckets of addresses in host order
 *	class4_in(line, addr)	the class at the bucket's lane in use that has the address; else
 *				LANE_EMPTY, or LANE_FREE: a bucket after it may have it
 *	class6_in(line, words)	the same of IPv6
 *	list_missed(cls, n, missed)	lists which of n numbers have their top bit set; how many
 *	may_have_cells(src, dst)	may a row of one have a cell for the other?
 *	row_match(line, scrambled)	a set of bits: none, or that of the lane of a row's line
 *					that has the column
 *	step_of(line, key)		the last step of a program's line at or before the key
 *
 * walk4, homes4 and list_missed may read and write whole groups of VECTOR elements, whatever n is.
 *
 * Each stage does one thing for all tuples and prefetches what the next one reads, so that the
 * cache misses of 64 tuples overlap. Which way a tuple goes depends on the traffic and cannot be
 * predicted; so tuples are put in lists and values are selected, and what branches there are
 * nearly always go one way.
 *
 * The classes' summaries decide all tuples that no row has a cell for. The rest are listed and go
 * through records, rows and programs.
 */
#include <stdalign.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "burst_choose.h"

#define N_ADDRS (2 * TG_CLASSIFY_BURST)

struct burst {
	/* Of a group; address 2j is the source of its tuple j, 2j + 1 the destination. */
	alignas(64) uint32_t addr[N_ADDRS]; /* IPv4 */
	alignas(64) uint32_t home[N_ADDRS];
	alignas(64) uint32_t found[N_ADDRS]; /* class */
	uint32_t missed[N_ADDRS + VECTOR];   /* addresses that a step has not settled */
	uint8_t member[TG_CLASSIFY_BURST];   /* tuples of the group */
	const uint8_t *addr6[N_ADDRS];	     /* IPv6 */
	/* Of the burst; 2i is the source of tuple i, 2i + 1 its destination. */
	uint32_t cls[N_ADDRS];
	uint8_t listed[TG_CLASSIFY_BURST]; /* tuples that need more than summaries */
	/* Of the listed, egress (2k) and ingress: where each column would be, and one for the
	 * default. */
	const struct row_line *rows[N_ADDRS][TG_COLUMNS + 1];
	const struct program_line *line[N_ADDRS];
	uint32_t program[N_ADDRS];
};

static const uint8_t both_actions[16] = {
	[TG_ACTION_ALLOW << 2 | TG_ACTION_ALLOW] = TG_ACTION_ALLOW,
	[TG_ACTION_ALLOW << 2 | TG_ACTION_AUDIT] = TG_ACTION_AUDIT,
	[TG_ACTION_AUDIT << 2 | TG_ACTION_ALLOW] = TG_ACTION_AUDIT,
	[TG_ACTION_AUDIT << 2 | TG_ACTION_AUDIT] = TG_ACTION_AUDIT,
};

/* What tuples of a group have in common. */
static inline uint32_t group_of(const struct tg_tuple *t)
{
	return (uint32_t)t->family << 16 | t->zone;
}

/* The members of tuple `first`'s group, with what would be their IPv4 addresses; how many. */
static inline unsigned int take_group(
	const struct tg_tuple *const tuples[], struct burst *b, unsigned int first, unsigned int n)
{
	const uint32_t group = group_of(tuples[first]);
	unsigned int members = 0;

	for (unsigned int i = first; i < n; i++) {
		const struct tg_tuple *t = tuples[i];

		b->member[members] = (uint8_t)i;
		b->addr[2 * members] = t->src.v4;
		b->addr[2 * members + 1] = t->dst.v4;
		members += group_of(t) == group;
	}
	return members;
}

/* Addresses that are in no block: exact entries go before what the trie said. */
static __rte_noinline void override4(const struct exact *t, struct burst *b, unsigned int n)
{
	homes4(t, b->addr, b->home, n);
	for (unsigned int a = 0; a < n; a++)
		rte_prefetch0(&t->lines4[b->home[a]]);
	for (unsigned int a = 0; a < n; a++) {
		const struct exact_line4 *line = &t->lines4[b->home[a]];
		uint32_t cls = class4_in(line, b->addr[a]), lane;

		if (unlikely(cls == LANE_FREE))
			cls = exact_find4(t, b->home[a], b->addr[a], &lane);
		b->found[a] = choose32(cls < LANE_PENDING, cls, b->found[a]);
	}
}

static inline void classes4(const struct zone *zone, struct burst *b, unsigned int n)
{
	/* Looked at first: what was in no block when it was cleared is in the exact table. */
	const bool whole = lpm4_whole(&zone->lpm4);

	walk4(&zone->lpm4, b->addr, b->found, n, b->missed);
	if (unlikely(!whole))
		override4(&zone->exact4, b, n);
}

/* The table's entry for an address whose home bucket was asked for. */
static inline uint32_t find6(const struct exact *t, uint32_t home, struct exact_words6 addr)
{
	const struct exact_line6 *line = &t->lines6[home];
	uint32_t cls = class6_in(line, addr), lane;

	if (unlikely(cls == LANE_FREE))
		cls = exact_find6(t, home, (const uint8_t *)addr.word, &lane);
	return cls;
}

/* From blocks: their numbers, then classes in them. */
static inline void blocks6(const struct dense6 *t, struct burst *b, unsigned int n)
{
	const struct exact *directory = &t->directory;

	for (unsigned int a = 0; a < n; a++) {
		b->home[a] = exact_home_of6(directory, dense6_words(b->addr6[a]));
		rte_prefetch0(&directory->lines6[b->home[a]]);
	}
	for (unsigned int a = 0; a < n; a++) {
		const uint8_t *addr = b->addr6[a];
		const uint32_t block = find6(directory, b->home[a], dense6_words(addr));

		b->found[a] = block;
		b->addr[a] = dense6_at(block, addr) & ~(uint32_t)mask_of(block >> 31);
		rte_prefetch0(block_address(&t->blocks, b->addr[a]));
	}
	for (unsigned int a = 0; a < n; a++)
		b->found[a] = block_class(&t->blocks, b->addr[a]) |
			      (uint32_t)mask_of(b->found[a] >> 31);
}

static __rte_noinline void exact6(const struct exact *t, struct burst *b, unsigned int n)
{
	for (unsigned int a = 0; a < n; a++) {
		b->home[a] = exact_home6(t, b->addr6[a]);
		rte_prefetch0(&t->lines6[b->home[a]]);
	}
	for (unsigned int a = 0; a < n; a++)
		b->found[a] = find6(t, b->home[a], exact_words6(b->addr6[a]));
}

static inline void classes6(const struct zone *zone, const struct tg_tuple *const tuples[],
	struct burst *b, unsigned int n)
{
	unsigned int n_missed;

	for (unsigned int j = 0; j < n / 2; j++) {
		b->addr6[2 * j] = tuples[b->member[j]]->src.v6;
		b->addr6[2 * j + 1] = tuples[b->member[j]]->dst.v6;
	}
	if (likely(dense6_whole(&zone->dense6)))
		blocks6(&zone->dense6, b, n);
	else
		exact6(&zone->exact6, b, n);
	n_missed = list_missed(b->found, n, b->missed);
	for (unsigned int j = 0; j < n_missed; j++) {
		const uint32_t a = b->missed[j];

		b->found[a] = lpm6_find(&zone->lpm6, b->addr6[a]);
	}
}

/* What no zone or family of the image has is of no class that is let through. */
static inline void find_group(const struct tg_classifier *c, const struct tg_tuple *const tuples[],
	struct burst *b, unsigned int members)
{
	const struct tg_tuple *one = tuples[b->member[0]];
	const struct zone *zone = classifier_zone(c, one->zone);

	if (likely(zone != NULL && one->family == 4))
		classes4(zone, b, 2 * members);
	else if (zone != NULL && one->family == 6)
		classes6(zone, tuples, b, 2 * members);
	else
		memset(b->found, 0, 2 * members * sizeof(b->found[0])); /* TG_CLASS_FAIL_CLOSED */
}

/* The classes that were found go to their tuples; the set of these. */
static inline uint64_t spread_classes(struct burst *b, unsigned int members, unsigned int n)
{
	uint64_t done = 0;

	if (likely(members == n)) {
		memcpy(b->cls, b->found, sizeof(b->cls));
		return UINT64_MAX;
	}
	for (unsigned int j = 0; j < members; j++) {
		const unsigned int i = b->member[j];

		done |= UINT64_C(1) << i;
		b->cls[2 * i] = b->found[2 * j];
		b->cls[2 * i + 1] = b->found[2 * j + 1];
	}
	return done;
}

/* Group by group: nearly always there is one, or one of each family. */
static inline void find_classes(const struct tg_classifier *c,
	const struct tg_tuple *const tuples[], struct burst *b, unsigned int n)
{
	uint64_t todo = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;

	while (todo != 0) {
		const unsigned int members =
			take_group(tuples, b, (unsigned int)__builtin_ctzll(todo), n);

		find_group(c, tuples, b, members);
		todo &= ~spread_classes(b, members, n);
	}
	for (unsigned int a = 0; a < 2 * n; a++)
		rte_prefetch0(&c->summaries[b->cls[a]]);
}

/* Judges all whose rows have no cell for their peers; lists the others. How many. */
static inline unsigned int judge_by_summaries(
	const struct tg_classifier *c, struct burst *b, struct tg_judgement *out, unsigned int n)
{
	unsigned int n_listed = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct class_summary *src = &c->summaries[b->cls[2 * i]];
		const struct class_summary *dst = &c->summaries[b->cls[2 * i + 1]];
		const unsigned int more = (src->traits & SUMMARY_MORE_SRC) |
					  (dst->traits & SUMMARY_MORE_DST);

		out[i] = (struct tg_judgement){
			.verdict = {src->verdict[TG_EGRESS], dst->verdict[TG_INGRESS]},
			.src_kind = src->kind,
			.dst_kind = dst->kind,
			.action = both_actions[(src->traits & SUMMARY_ACTION_SRC) |
					       (dst->traits & SUMMARY_ACTION_DST)],
		};
		b->listed[n_listed] = (uint8_t)i;
		n_listed += (more | may_have_cells(src, dst)) != 0;
	}
	return n_listed;
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

static inline const struct class_record *listed_class(
	const struct tg_classifier *c, const struct burst *b, unsigned int k, unsigned int side)
{
	return &c->classes[b->cls[2u * b->listed[k] + side]];
}

static inline void locate_rows(const struct tg_classifier *c, struct burst *b, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		rte_prefetch0(listed_class(c, b, k, 0));
		rte_prefetch0(listed_class(c, b, k, 1));
	}
	for (unsigned int k = 0; k < n; k++) {
		const struct class_record *src = listed_class(c, b, k, 0);
		const struct class_record *dst = listed_class(c, b, k, 1);

		locate_row(c, src, dst, TG_EGRESS, b->rows[2 * k]);
		locate_row(c, dst, src, TG_INGRESS, b->rows[2 * k + 1]);
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
	for (unsigned int k = 0; k < n; k++) {
		const struct class_record *src = listed_class(c, b, k, 0);
		const struct class_record *dst = listed_class(c, b, k, 1);
		const uint32_t egress = side_program(c, src, dst, TG_EGRESS, b->rows[2 * k]);
		const uint32_t ingress = side_program(c, dst, src, TG_INGRESS, b->rows[2 * k + 1]);

		b->program[2 * k] = egress;
		b->program[2 * k + 1] = ingress;
		b->line[2 * k] = steps_of(c, egress);
		b->line[2 * k + 1] = steps_of(c, ingress);
		rte_prefetch0(b->line[2 * k]);
		rte_prefetch0(b->line[2 * k + 1]);
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
static __rte_noinline int is_own_node(const struct tg_classifier *c, const struct tg_tuple *t)
{
	const struct zone *zone = classifier_zone(c, t->zone);
	uint32_t src, dst;

	if (t->family == 4) {
		src = place_node(zone_place4(zone, rte_be_to_cpu_32(t->src.v4)));
		dst = place_node(zone_place4(zone, rte_be_to_cpu_32(t->dst.v4)));
	} else {
		src = place_node(zone_place6(zone, t->src.v6));
		dst = place_node(zone_place6(zone, t->dst.v6));
	}
	return src != TG_NONE && src == dst;
}

static inline void judge_listed(const struct tg_classifier *c,
	const struct tg_tuple *const tuples[], const struct burst *b, struct tg_judgement *out,
	unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		struct tg_judgement *j = &out[b->listed[k]];
		const struct tg_tuple *t = tuples[b->listed[k]];
		const uint32_t key = (uint32_t)t->protocol << 16 | t->dport;
		uint32_t egress = run(b->line[2 * k], b->program[2 * k], key);
		uint32_t ingress = run(b->line[2 * k + 1], b->program[2 * k + 1], key);

		if (unlikely(j->src_kind == TG_KIND_NODE && j->dst_kind == TG_KIND_POD &&
			     !tg_verdict_passes(ingress)) &&
			is_own_node(c, t))
			ingress = tg_verdict_make(TG_ACTION_ALLOW, TG_BUILTIN_OWN_NODE);
		j->verdict[TG_EGRESS] = egress;
		j->verdict[TG_INGRESS] = ingress;
		j->action =
			both_actions[tg_verdict_action(egress) << 2 | tg_verdict_action(ingress)];
	}
}

void BURST(const struct tg_classifier *c, const struct tg_tuple *const tuples[],
	struct tg_judgement *out, unsigned int n)
{
	unsigned int n_listed;
	struct burst b;

	find_classes(c, tuples, &b, n);
	n_listed = judge_by_summaries(c, &b, out, n);
	locate_rows(c, &b, n_listed);
	find_programs(c, &b, n_listed);
	judge_listed(c, tuples, &b, out, n_listed);
}
