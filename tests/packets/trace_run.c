/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios through real workers. */
#include "trace_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_MAX 32
#define KEPT_MAX 64
#define OUTS_MAX (GROUP_MAX + KEPT_MAX)

enum variant { ONE_BY_ONE, BURSTS, WORKERS, VARIANTS };

struct run {
	const struct trace *trace;
	const struct trace_scenario *scenario;
	int family;
	enum variant variant;
	FILE *report;
	unsigned int wrong;
	struct world world;
	struct packet sent[GROUP_MAX];
	struct packet kept[KEPT_MAX]; /* packets that the gateway holds, as far as is known */
	unsigned int n_kept;
};

/* What came of a group of packets. */
struct outcome {
	struct rte_mbuf *out[OUTS_MAX];
	bool expected[OUTS_MAX]; /* it is one that was sent or held */
	unsigned int n_outs;
	int place[GROUP_MAX]; /* of a packet that was sent among those that came out, or -1 */
	unsigned int released;
	uint64_t drops[TG_DROP_COUNT]; /* not yet put down to a packet */
};

static void differs(struct run *run, unsigned int number, const char *format, ...)
{
	static const char *const variants[] = {
		"packet by packet", "in bursts", "three workers, in bursts"};
	va_list args;

	run->wrong++;
	fprintf(run->report, "%s:%u: ", run->trace->name, number);
	va_start(args, format);
	vfprintf(run->report, format, args);
	va_end(args);
	fprintf(run->report, " (%s, IPv%d, %s)\n", run->scenario->name, run->family,
		variants[run->variant]);
}

static const char *name_of(unsigned int verdict, char text[64])
{
	if (verdict < TG_DROP_COUNT)
		snprintf(text, 64, "drop %s", tg_drop_label(verdict));
	else
		snprintf(text, 64, "%s", verdict == PASSED ? "pass" : "hold");
	return text;
}

static void feed(struct run *run, const struct trace_line *lines, unsigned int n)
{
	struct rte_mbuf *m[GROUP_MAX];
	char text[TRACE_TEXT];

	for (unsigned int i = 0; i < n; i++) {
		trace_translate(lines[i].words, run->family, text);
		packet_make(&run->sent[i], text);
		if (run->sent[i].segment == 0 && run->sent[i].size > 2048)
			run->sent[i].segment = 2048;
		m[i] = packet_mbuf(run->world.pool, &run->sent[i]);
	}
	world_feed(&run->world, lines[0].port, m, n);
}

/* Which of those that were sent an output is, and of those that were held. */
static void recognise(struct run *run, struct outcome *o, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		o->place[i] = -1;
		for (unsigned int k = 0; k < o->n_outs && o->place[i] < 0; k++) {
			if (o->expected[k] || !world_same_bytes(o->out[k], &run->sent[i]))
				continue;
			o->expected[k] = true;
			o->place[i] = (int)k;
		}
	}
	for (unsigned int i = 0; i < run->n_kept;) {
		bool found = false;

		for (unsigned int k = 0; k < o->n_outs && !found; k++) {
			found = !o->expected[k] && world_same_bytes(o->out[k], &run->kept[i]);
			o->expected[k] |= found;
		}
		if (found)
			run->kept[i] = run->kept[--run->n_kept];
		else
			i++;
		o->released += found;
	}
}

static void collect(struct run *run, const struct trace_line *lines, unsigned int n,
	const struct tg_stats_worker *before, struct outcome *o)
{
	const struct tg_stats_worker after = world_stats(&run->world);
	struct rte_mbuf *m;
	unsigned int port;

	for (unsigned int r = 0; r < TG_DROP_COUNT; r++)
		o->drops[r] = after.drops[r].packets - before->drops[r].packets;
	while (o->n_outs < OUTS_MAX && (m = world_take(&port)) != NULL) {
		if (port != (lines[0].port ^ 1))
			differs(run, lines[0].number, "a packet left by the wrong port");
		o->out[o->n_outs++] = m;
	}
	recognise(run, o, n);
	for (unsigned int k = 0; k < o->n_outs; k++) {
		if (!o->expected[k])
			differs(run, lines[0].number, "a packet came out that nobody sent");
		rte_pktmbuf_free(o->out[k]);
	}
}

/* A drop to put a packet's fate down to: the expected one if there is one. */
static unsigned int blame(struct outcome *o, unsigned int expected)
{
	unsigned int r = expected;

	if (r >= TG_DROP_COUNT || o->drops[r] == 0) {
		for (r = 0; r < TG_DROP_COUNT && o->drops[r] == 0; r++)
			;
	}
	if (r == TG_DROP_COUNT)
		return HELD;
	o->drops[r]--;
	return r;
}

static void judge_held(
	struct run *run, const struct trace_line *lines, unsigned int n, struct outcome *o)
{
	unsigned int released = 0;
	char text[64];

	for (unsigned int i = 0; i < n; i++) {
		const unsigned int r = lines[i].held_verdict;

		if (lines[i].held == 0)
			continue;
		if (r == PASSED) {
			released += lines[i].held;
			continue;
		}
		if (o->drops[r] < lines[i].held)
			differs(run, lines[i].number, "expected held %u %s, got %llu",
				lines[i].held, name_of(r, text), (unsigned long long)o->drops[r]);
		o->drops[r] -= lines[i].held < o->drops[r] ? lines[i].held : o->drops[r];
	}
	if (released != o->released)
		differs(run, lines[n - 1].number, "expected held %u pass, got %u", released,
			o->released);
}

static bool dropped_as_expected(const struct outcome *o, const struct trace_line *line)
{
	return line->verdict < TG_DROP_COUNT && o->drops[line->verdict] != 0;
}

/* Words that tell conversations apart. */
static void flow_of(const char *words, char out[TRACE_TEXT])
{
	unsigned int n = 0;
	size_t used = 0;

	for (; *words != '\0' && *words != '/'; n++) {
		const size_t length = strcspn(words, " \t");

		if (n == 1 || memchr(words, '>', length) != NULL ||
			strncmp(words, "icmpid=", 7) == 0)
			used += (size_t)snprintf(
				out + used, TRACE_TEXT - used, "%.*s ", (int)length, words);
		words += length;
		words += strspn(words, " \t");
	}
}

static bool same_flow(const struct trace_line *a, const struct trace_line *b)
{
	char x[TRACE_TEXT], y[TRACE_TEXT];

	flow_of(a->words, x);
	flow_of(b->words, y);
	return strcmp(x, y) == 0;
}

/*
 * Whether packet i left before an earlier one of its conversation. Fragments may: several workers
 * have to do with them, and receivers put them in order.
 */
static bool overtook(const struct run *run, const struct trace_line *lines, unsigned int i,
	const struct outcome *o)
{
	if (run->variant == WORKERS && strstr(lines[i].words, "frag=") != NULL)
		return false;
	for (unsigned int k = 0; k < i; k++) {
		if (o->place[i] >= 0 && o->place[i] < o->place[k] &&
			same_flow(&lines[i], &lines[k]))
			return true;
	}
	return false;
}

static void judge_sent(
	struct run *run, const struct trace_line *lines, unsigned int n, struct outcome *o)
{
	unsigned int got[GROUP_MAX];
	char want[64], have[64];

	for (unsigned int i = 0; i < n; i++) {
		got[i] = o->place[i] >= 0 ? PASSED : TRACE_NONE;
		if (got[i] == TRACE_NONE && dropped_as_expected(o, &lines[i]))
			got[i] = blame(o, lines[i].verdict);
	}
	for (unsigned int i = 0; i < n; i++) {
		if (got[i] == TRACE_NONE)
			got[i] = blame(o, TG_DROP_COUNT);
		if (got[i] != lines[i].verdict)
			differs(run, lines[i].number, "expected %s, got %s",
				name_of(lines[i].verdict, want), name_of(got[i], have));
		if (got[i] == HELD && run->n_kept < KEPT_MAX)
			run->kept[run->n_kept++] = run->sent[i];
		if (overtook(run, lines, i, o))
			differs(run, lines[i].number, "it left before its predecessor");
		if (o->place[i] > 0 && n == 1)
			differs(run, lines[i].number, "held packets left before it");
	}
}

static void judge_rest(struct run *run, const struct trace_line *line, const struct outcome *o)
{
	char text[64];

	for (unsigned int r = 0; r < TG_DROP_COUNT; r++) {
		if (o->drops[r] != 0)
			differs(run, line->number, "%llu more: %s", (unsigned long long)o->drops[r],
				name_of(r, text));
	}
}

static void play_group(struct run *run, const struct trace_line *lines, unsigned int n)
{
	const struct tg_stats_worker before = world_stats(&run->world);
	struct outcome o = {.n_outs = 0};

	feed(run, lines, n);
	collect(run, lines, n, &before, &o);
	judge_held(run, lines, n, &o);
	judge_sent(run, lines, n, &o);
	judge_rest(run, &lines[n - 1], &o);
}

static uint64_t observed(struct run *run, const struct trace_line *line)
{
	struct tg_stats_worker stats;

	world_sweep(&run->world);
	stats = world_stats(&run->world);
	switch (line->what) {
	case TRACE_CONNECTIONS:
		return stats.conn4_used + stats.conn6_used;
	case TRACE_HALF_OPEN:
		return stats.half_open;
	case TRACE_FRAGMENTS:
		return stats.fragments_used;
	case TRACE_CREATED:
		return stats.conn_created;
	case TRACE_EVICTED:
		return stats.conn_evicted;
	case TRACE_HELD:
		return world_held(&run->world);
	default:
		return stats.drops[line->reason].packets;
	}
}

static void play_check(struct run *run, const struct trace_line *line)
{
	const uint64_t got = observed(run, line);

	if (got != line->value)
		differs(run, line->number, "expected %llu, got %llu",
			(unsigned long long)line->value, (unsigned long long)got);
}

/* How many lines from this one on go in one burst. */
static unsigned int group_at(const struct run *run, unsigned int i)
{
	const struct trace_line *first = &run->scenario->lines[i];
	unsigned int n = 1;

	if (run->variant == ONE_BY_ONE)
		return 1;
	while (n < GROUP_MAX && i + n < run->scenario->n_lines && first[n].what == TRACE_PACKET &&
		first[n].at == first->at && first[n].port == first->port)
		n++;
	return n;
}

static void play_lines(struct run *run)
{
	const struct trace_line *lines = run->scenario->lines;
	uint64_t last = 0;

	for (unsigned int i = 0, n; i < run->scenario->n_lines; i += n) {
		/* sweeps move the clock a little: what counts is the time that passed since */
		run->world.now += lines[i].at - last;
		last = lines[i].at;
		n = 1;
		if (lines[i].what != TRACE_PACKET) {
			play_check(run, &lines[i]);
			continue;
		}
		if (run->variant == BURSTS)
			world_sweep(&run->world);
		n = group_at(run, i);
		play_group(run, &lines[i], n);
	}
}

static unsigned int play(struct run *run)
{
	struct world *w = &run->world;
	const struct trace_scenario *s = run->scenario;

	world_defaults(w);
	w->config = s->config;
	if (run->variant == WORKERS) {
		w->config.n_workers = WORLD_WORKERS;
		w->receiver = 1;
	}
	world_start(w);
	world_allow(w, s->allow, s->n_allows);
	play_lines(run);
	world_stop(w);
	return run->wrong;
}

/* Whether every variant went as expected. */
static bool play_scenario(
	const struct trace *trace, const struct trace_scenario *s, struct run *run, FILE *report)
{
	for (int family = 4; family <= 6; family += 2) {
		if (s->family != 0 && s->family != family)
			continue;
		for (int v = 0; v < VARIANTS; v++) {
			if (v == WORKERS && !s->several_workers)
				continue;
			run->trace = trace;
			run->scenario = s;
			run->family = family;
			run->variant = (enum variant)v;
			run->report = report;
			run->wrong = 0;
			run->n_kept = 0;
			if (play(run) != 0)
				return false;
		}
	}
	return true;
}

unsigned int trace_run(const struct trace *trace, FILE *report)
{
	struct run *run = calloc(1, sizeof(*run));
	unsigned int failed = 0;

	for (unsigned int i = 0; i < trace->n_scenarios; i++)
		failed += !play_scenario(trace, &trace->scenarios[i], run, report);
	free(run);
	return failed;
}
