/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cursor over the connection tables, a span of entries at a time. In each pass it visits the
 * connections that are watched: those that end before long if nothing happens, and all that are
 * half-open or weak, whose time may be cut short at any moment. All others it visits in one pass
 * of several when there are many: to fold their counters, and to see whether they are to be
 * watched. A firm connection whose state changes is watched too, so none outlives its time by more
 * than a pass. After a change of rules everything is visited within a pass, to be judged again.
 *
 * What a visit touches lies anywhere: the hot entries of a batch are asked for first, then all
 * cold parts, then the counters, so that memory is waited for a few times a batch only.
 */
#include "internal.h"

#define FRACTION 1024 /* of spans, in struct sweep */
#define EVERY_MAX 4
#define BUSY (1u << 18)
/* Visits and spans of one call: so many, and more when packets keep the worker from calling. */
#define STEP 64u
#define STEP_PER_PACKET 4u

/* Entries to visit together: enough of them, and what the last span has more. */
#define BATCH 64
#define BATCH_ROOM (BATCH - 1 + TG_TABLE_SPAN)

struct batch {
	struct tg_conn *c[BATCH_ROOM];
	unsigned int n;
	unsigned int n_over; /* the first ones: their time is over */
};

struct stale {
	struct tg_conn *c[TG_CLASSIFY_BURST];
	struct tg_tuple tuple[TG_CLASSIFY_BURST];
	unsigned int n;
};

static uint64_t all_spans(const struct tg_worker *w)
{
	return tg_table_spans(&w->table[0]) + tg_table_spans(&w->table[1]);
}

void sweep_init(struct tg_worker *w)
{
	const uint32_t pass_ms = w->dp->config.sweep_ms;

	w->sweep.rate = all_spans(w) * FRACTION / pass_ms + 1;
	w->sweep.horizon = (EVERY_MAX + 1) * pass_ms;
	w->sweep.busy = BUSY;
	w->sweep.every = 1;
}

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

/* Goes on: what was counted, and whether it is still allowed. */
static void visit(
	struct tg_worker *w, struct tg_table *table, struct tg_conn *c, struct stale *stale)
{
	struct tg_key key;

	if (unlikely(w->hardware != NULL))
		hardware_offer(w, table, c);
	fold(w, table, c);
	if (w->gen == NULL || track_current(w, table, c))
		return;
	tg_table_key(table, c, &key);
	tuple_make(&stale->tuple[stale->n], &key, table->family, tg_conn_initiator(c),
		w->dp->config.ports[tg_table_cold(table, c)->port].zone);
	stale->c[stale->n++] = c;
	if (stale->n == TG_CLASSIFY_BURST)
		judge_stale(w, table, stale);
}

/* The end of a pass: nothing refers to rules older than those in force when it began. */
static void next_pass(struct tg_worker *w)
{
	struct sweep *s = &w->sweep;
	uint64_t live = (uint64_t)w->table[0].used + w->table[1].used;

	if (s->generation != 0)
		w->stats->swept_generation = s->generation;
	s->generation = w->gen != NULL ? w->gen->number : 0;
	s->pass++;
	for (s->every = 1; s->every < EVERY_MAX && live > (uint64_t)s->busy * s->every;)
		s->every *= 2;
}

static void next_table(struct tg_worker *w)
{
	w->sweep.cursor = 0;
	w->sweep.table ^= 1;
	if (w->sweep.table == 0)
		next_pass(w);
}

/* The entries of the span at the cursor that are to be visited now, by index. */
static uint64_t to_visit(const struct sweep *s, const struct tg_span *span)
{
	bool all = s->unseen != 0 || ((s->cursor + s->pass) & (s->every - 1)) == 0;

	return all ? span->used : span->watched;
}

/* Takes spans, up to `n`, until there is a batch; how many. */
static uint64_t collect(
	struct sweep *s, const struct tg_table *table, uint64_t n, struct batch *batch)
{
	const uint64_t end = RTE_MIN(tg_table_spans(table), s->cursor + n), from = s->cursor;

	batch->n = 0;
	for (; s->cursor < end && batch->n < BATCH; s->cursor++) {
		uint64_t left = to_visit(s, &table->span[s->cursor]);

		for (; left != 0; left &= left - 1) {
			struct tg_conn *c = tg_table_at(table,
				s->cursor * TG_TABLE_SPAN + (unsigned int)__builtin_ctzll(left));

			rte_prefetch0(c);
			batch->c[batch->n++] = c;
		}
		s->unseen -= s->unseen != 0;
	}
	return s->cursor - from;
}

/* May it be over before everything is visited again? */
static inline bool to_watch(
	const struct tg_worker *w, const struct tg_table *table, const struct tg_conn *c)
{
	uint32_t timeout = w->timeouts[table->family == 6].ms[c->state];

	return tg_conn_evictable(c->state) || timeout - (w->now - c->seen) <= w->sweep.horizon;
}

/*
 * Puts those that are over first, then those that there is something else to do for, and asks for
 * their cold parts.
 */
static void sift(struct tg_worker *w, struct tg_table *table, struct batch *batch)
{
	struct tg_conn *rest[BATCH_ROOM];
	unsigned int n_rest = 0;

	batch->n_over = 0;
	for (unsigned int i = 0; i < batch->n; i++) {
		struct tg_conn *c = batch->c[i];

		if (conn_over(w, table, c)) {
			batch->c[batch->n_over++] = c;
		} else {
			tg_table_watch(table, c, to_watch(w, table, c));
			if ((c->count[0] | c->count[1]) == 0 && c->epoch == w->epoch)
				continue;
			rest[n_rest++] = c;
		}
		rte_prefetch0(tg_table_cold(table, c));
		if (table->family == 6)
			rte_prefetch0((const uint8_t *)c - 64); /* its addresses */
	}
	memcpy(&batch->c[batch->n_over], rest, n_rest * sizeof(rest[0]));
	batch->n = batch->n_over + n_rest;
}

/* A batch, of up to `n` spans of the table at hand; what it took, in spans and visits. */
static uint64_t advance(struct tg_worker *w, uint64_t n, uint64_t *spans)
{
	struct sweep *s = &w->sweep;
	struct tg_table *table = &w->table[s->table];
	struct stale stale; /* of some thousand bytes, seldom used: not zeroed */
	struct batch batch;
	uint64_t cost;

	*spans = collect(s, table, n, &batch);
	cost = *spans + batch.n;
	sift(w, table, &batch);
	for (unsigned int i = 0; i < batch.n_over; i++)
		if (!hardware_recall(w, table, batch.c[i]))
			conn_expire(w, table, batch.c[i]);
	stale.n = 0;
	for (unsigned int i = batch.n_over; i < batch.n; i++)
		visit(w, table, batch.c[i], &stale);
	judge_stale(w, table, &stale);
	if (s->cursor == tg_table_spans(table))
		next_table(w);
	return cost;
}

/* What may be done in this call: who takes many packets a call is called seldom. */
static uint64_t allowance(struct tg_worker *w)
{
	uint64_t packets = w->stats->rx_packets + w->stats->handoff_received;
	uint64_t more = packets - w->sweep.packets;

	w->sweep.packets = packets;
	return STEP + more * STEP_PER_PACKET;
}

static void step(struct tg_worker *w)
{
	struct sweep *s = &w->sweep;
	uint64_t left = allowance(w), spans, cost;

	while (left != 0 && s->due >= FRACTION) {
		cost = advance(w, RTE_MIN(s->due / FRACTION, left), &spans);
		s->due -= spans * FRACTION;
		left -= RTE_MIN(left, cost);
	}
}

static void publish_gauges(struct tg_worker *w)
{
	struct tg_stats_worker *stats = w->stats;

	stats->conn4_used = w->table[0].used;
	stats->conn6_used = w->table[1].used;
	stats->half_open = (uint64_t)w->halfopen[0].total + w->halfopen[1].total;
	stats->fragments_used = w->fragments.used;
}

/* Time has passed since the last call. */
static void become_due(struct tg_worker *w, uint64_t now)
{
	struct sweep *s = &w->sweep;
	const uint64_t elapsed = now - s->last, pass_ms = w->dp->config.sweep_ms;

	/* After a long pause one pass is enough, over everything. */
	if (elapsed > pass_ms)
		s->unseen = all_spans(w);
	s->due = RTE_MIN(s->due + elapsed * s->rate, pass_ms * s->rate);
	s->last = now;
	tg_fragments_sweep(&w->fragments, w->now);
	drop_held(w);
	conn_adapt_timeouts(w, &w->table[0]);
	conn_adapt_timeouts(w, &w->table[1]);
}

uint32_t tg_worker_sweep(struct tg_worker *w, uint64_t now)
{
	struct sweep *s = &w->sweep;

	stage_begins(w);
	begin_round(w, now);
	hardware_take_events(w);
	if (now != s->last)
		become_due(w, now);
	if (w->epoch != s->epoch) {
		s->epoch = w->epoch;
		s->unseen = all_spans(w);
	}
	if (s->due >= FRACTION) {
		step(w);
		publish_gauges(w);
	}
	stage_ends(w, TG_STAGE_SWEEP);
	return s->due < FRACTION ? 1 : 0;
}
