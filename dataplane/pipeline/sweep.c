/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cursor over the connection tables. Hot entries lie in one array, so looking at each of them
 * every few seconds is a sequential read, cheaper than keeping them in lists by time; a pass ages
 * entries, folds the counters of live ones and judges again what an older epoch judged.
 */
#include "internal.h"

#define STEP 256 /* entries at most in one call */
/* How far ahead of the cursor entries, their cold parts and their rules' slots are fetched. */
#define AHEAD_HOT 64
#define AHEAD_COLD 40
#define AHEAD_SLOT 16
#define FRACTION 1024 /* of entries, in struct sweep */

struct stale {
	struct tg_conn *c[TG_CLASSIFY_BURST];
	struct tg_tuple tuple[TG_CLASSIFY_BURST];
	unsigned int n;
};

static void judge_stale(struct tg_worker *w, struct tg_table *table, struct stale *stale)
{
	const struct tg_tuple *tuples[TG_CLASSIFY_BURST];
	struct tg_judgement found[TG_CLASSIFY_BURST];
	uint32_t slot;

	if (stale->n == 0)
		return;
	for (unsigned int i = 0; i < stale->n; i++)
		tuples[i] = &stale->tuple[i];
	tg_classify_burst(w->gen->classifier, tuples, found, stale->n);
	for (unsigned int i = 0; i < stale->n; i++)
		rejudge(w, table, stale->c[i], &found[i], &slot);
	stale->n = 0;
}

static void visit(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct stale *stale)
{
	struct tg_key key;

	if (conn_over(w, table, c)) {
		conn_expire(w, table, c);
		return;
	}
	if ((c->count[0] | c->count[1]) != 0)
		fold(w, table, c);
	if (w->gen == NULL || track_current(w, table, c))
		return;
	tg_table_key(table, c, &key);
	tuple_make(&stale->tuple[stale->n], &key, table->family, tg_conn_initiator(c),
		w->dp->config.ports[tg_table_cold(table, c)->port].zone);
	stale->c[stale->n++] = c;
}

/* The end of a pass: nothing refers to rules older than those in force when it began. */
static void next_pass(struct tg_worker *w)
{
	struct sweep *s = &w->sweep;

	if (s->generation != 0)
		w->stats->swept_generation = s->generation;
	s->generation = w->gen != NULL ? w->gen->number : 0;
}

static void next_table(struct tg_worker *w)
{
	w->sweep.cursor = 0;
	w->sweep.table ^= 1;
	if (w->sweep.table == 0)
		next_pass(w);
}

static inline bool to_fold(const struct tg_conn *c)
{
	return c->used && (c->count[0] | c->count[1]) != 0;
}

/* Is the cold part needed, to fold what was counted or to leave a namespace? */
static inline bool needs_cold(
	const struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c)
{
	return to_fold(c) || (c->used && conn_over(w, table, c));
}

/* Folding touches three cache lines that are anywhere; each is asked for well before its turn. */
static inline void fetch_ahead(
	const struct tg_worker *w, const struct tg_table *table, uint64_t cursor, uint64_t end)
{
	if (cursor + AHEAD_HOT >= end)
		return;
	rte_prefetch0(tg_table_at(table, cursor + AHEAD_HOT));
	if (needs_cold(w, table, tg_table_at(table, cursor + AHEAD_COLD)))
		rte_prefetch0(&table->cold[cursor + AHEAD_COLD]);
	if (to_fold(tg_table_at(table, cursor + AHEAD_SLOT)))
		fetch_slots(w, table->cold[cursor + AHEAD_SLOT].verdict);
}

/* Up to `n` entries of the table at hand; how many. */
static uint64_t advance(struct tg_worker *w, uint64_t n)
{
	struct sweep *s = &w->sweep;
	struct tg_table *table = &w->table[s->table];
	uint64_t end = tg_table_size(table), i;
	struct stale stale; /* of some thousand bytes, seldom used: not zeroed */

	stale.n = 0;
	for (i = 0; i < n && s->cursor < end; i++, s->cursor++) {
		struct tg_conn *c = tg_table_at(table, s->cursor);

		fetch_ahead(w, table, s->cursor, end);
		if (c->used)
			visit(w, table, c, &stale);
		if (stale.n == TG_CLASSIFY_BURST)
			judge_stale(w, table, &stale);
	}
	judge_stale(w, table, &stale);
	if (s->cursor == end)
		next_table(w);
	return i;
}

/* The same of a table without connections, where there is nothing to look at. */
static uint64_t skip(struct tg_worker *w, uint64_t n)
{
	struct sweep *s = &w->sweep;
	uint64_t left = tg_table_size(&w->table[s->table]) - s->cursor;

	if (n > left)
		n = left;
	s->cursor += n;
	if (n == left)
		next_table(w);
	return n;
}

static uint64_t step(struct tg_worker *w, uint64_t due)
{
	if (w->table[w->sweep.table].used == 0)
		return skip(w, due);
	return advance(w, due < STEP ? due : STEP);
}

static void publish_gauges(struct tg_worker *w)
{
	struct tg_stats_worker *stats = w->stats;

	stats->conn4_used = w->table[0].used;
	stats->conn6_used = w->table[1].used;
	stats->half_open = (uint64_t)w->halfopen[0].total + w->halfopen[1].total;
	stats->fragments_used = w->fragments.used;
}

uint32_t tg_worker_sweep(struct tg_worker *w, uint64_t now)
{
	struct sweep *s = &w->sweep;
	uint64_t due;

	stage_begins(w);
	begin_round(w, now);
	if (now != s->last) {
		s->due += (now - s->last) * s->rate;
		s->last = now;
		/* After a long pause one pass is enough. */
		due = s->rate * w->dp->config.sweep_ms;
		if (s->due > due)
			s->due = due;
		tg_fragments_sweep(&w->fragments, w->now);
		drop_held(w);
		conn_adapt_timeouts(w, &w->table[0]);
		conn_adapt_timeouts(w, &w->table[1]);
	}
	due = s->due / FRACTION;
	if (due != 0) {
		s->due -= step(w, due) * FRACTION;
		publish_gauges(w);
	}
	stage_ends(w, TG_STAGE_SWEEP);
	return s->due / FRACTION == 0 ? 1 : 0;
}
