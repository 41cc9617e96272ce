/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios through real workers. */
#include "trace_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_MAX 32
#define KEPT_MAX 64
#define CROWD 16
#define BURST_MAX (GROUP_MAX + CROWD)
#define OUTS_MAX (BURST_MAX + KEPT_MAX)

enum variant { ONE_BY_ONE, BURSTS, WORKERS, CROWDED, VARIANTS };

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
	/* packets of established connections that nobody is interested in, by the port they come
	 * from */
	struct packet crowd[2][CROWD];
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
		"packet by packet", "in bursts", "three workers, in bursts", "in a crowd"};
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

static void make(struct run *run, const struct trace_line *line, struct packet *packet)
{
	char text[TRACE_TEXT];

	trace_translate(line->words, run->family, text);
	packet_make(packet, text);
	if (packet->segment == 0 && packet->size > 2048)
		packet->segment = 2048;
}

/* The packets of the lines in one burst, evenly among those of the crowd if there is one. */
static void feed(struct run *run, unsigned int port, const struct trace_line *lines, unsigned int n)
{
	const unsigned int crowd = run->variant == CROWDED ? CROWD : 0;
	struct rte_mbuf *m[BURST_MAX];
	unsigned int count = 0, others = 0;

	for (unsigned int i = 0; i < n; i++) {
		while (others < crowd * (i + 1) / (n + 1))
			m[count++] = packet_mbuf(run->world.pool, &run->crowd[port][others++]);
		make(run, &lines[i], &run->sent[i]);
		m[count++] = packet_mbuf(run->world.pool, &run->sent[i]);
	}
	while (others < crowd)
		m[count++] = packet_mbuf(run->world.pool, &run->crowd[port][others++]);
	world_feed(&run->world, port, m, count);
}

static bool came_out(struct outcome *o, const struct packet *packet, int *place)
{
	for (unsigned int k = 0; k < o->n_outs; k++) {
		if (o->expected[k] || !world_same_bytes(o->out[k], packet))
			continue;
		o->expected[k] = true;
		*place = (int)k;
		return true;
	}
	return false;
}

static void recognise_crowd(
	struct run *run, unsigned int port, struct outcome *o, unsigned int number)
{
	int place;

	for (unsigned int i = 0; i < CROWD && run->variant == CROWDED; i++) {
		if (!came_out(o, &run->crowd[port][i], &place))
			differs(run, number, "a packet of the crowd was lost");
	}
}

/* Which of those that were sent an output is, and of those that were held. */
static void recognise(struct run *run, struct outcome *o, unsigned int n)
{
	int place;

	for (unsigned int i = 0; i < n; i++) {
		o->place[i] = -1;
		came_out(o, &run->sent[i], &o->place[i]);
	}
	for (unsigned int i = 0; i < run->n_kept;) {
		if (!came_out(o, &run->kept[i], &place)) {
			i++;
			continue;
		}
		run->kept[i] = run->kept[--run->n_kept];
		o->released++;
	}
}

static void collect(struct run *run, unsigned int in, unsigned int number, unsigned int n,
	const struct tg_stats_worker *before, struct outcome *o)
{
	const struct tg_stats_worker after = world_stats(&run->world);
	struct rte_mbuf *m;
	unsigned int port;

	for (unsigned int r = 0; r < TG_DROP_COUNT; r++)
		o->drops[r] = after.drops[r].packets - before->drops[r].packets;
	while (o->n_outs < OUTS_MAX && (m = world_take(&port)) != NULL) {
		if (port != (in ^ 1))
			differs(run, number, "a packet left by the wrong port");
		o->out[o->n_outs++] = m;
	}
	recognise_crowd(run, in, o, number);
	recognise(run, o, n);
	for (unsigned int k = 0; k < o->n_outs; k++) {
		if (!o->expected[k])
			differs(run, number, "a packet came out that nobody sent");
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
		if (o->place[i] > 0 && n == 1 && run->variant != CROWDED)
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

	feed(run, lines[0].port, lines, n);
	collect(run, lines[0].port, lines[0].number, n, &before, &o);
	judge_held(run, lines, n, &o);
	judge_sent(run, lines, n, &o);
	judge_rest(run, &lines[n - 1], &o);
}

/* The crowd has something to say, from both sides. */
static void play_crowd(struct run *run, unsigned int number)
{
	for (unsigned int port = INSIDE; port <= OUTSIDE; port++) {
		const struct tg_stats_worker before = world_stats(&run->world);
		struct outcome o = {.n_outs = 0};

		feed(run, port, NULL, 0);
		collect(run, port, number, 0, &before, &o);
	}
}

/* Connections of a neighbour, whom no policy isolates. */
static void make_crowd(struct run *run)
{
	static const char *const handshake[] = {
		"neighbour>server tcp %u>443 S seq=1000",
		"server>neighbour tcp 443>%u SA seq=5000 ack=1001",
		"neighbour>server tcp %u>443 A seq=1001 ack=5001 len=10",
		"server>neighbour tcp 443>%u A seq=5001 ack=1011 len=10",
	};

	for (unsigned int i = 0; i < CROWD; i++) {
		for (unsigned int k = 0; k < 4; k++) {
			char words[64], text[TRACE_TEXT];

			snprintf(words, sizeof(words), handshake[k], 9000 + i);
			trace_translate(words, run->family, text);
			packet_make(&run->crowd[k % 2][i], text);
			if (world_send(&run->world, k % 2, text) != PASSED)
				differs(run, run->scenario->number, "no crowd");
		}
	}
}

static uint64_t crowd_in(const struct run *run, enum trace_what what)
{
	return run->variant == CROWDED && (what == TRACE_CONNECTIONS || what == TRACE_CREATED)
		       ? CROWD
		       : 0;
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
	const uint64_t got = observed(run, line) - crowd_in(run, line->what);

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

/* Sweeps move the clock a little: what counts is the time that passes. The crowd never sleeps. */
static void pass_time(struct run *run, uint64_t ms, unsigned int number)
{
	const uint64_t step = run->scenario->config.timeouts.ms[TG_CONN_ESTABLISHED] / 2;

	while (run->variant == CROWDED && ms > step) {
		run->world.now += step;
		ms -= step;
		play_crowd(run, number);
	}
	run->world.now += ms;
	if (run->variant == CROWDED)
		play_crowd(run, number);
}

static void play_lines(struct run *run)
{
	const struct trace_line *lines = run->scenario->lines;
	uint64_t last = 0;

	for (unsigned int i = 0, n; i < run->scenario->n_lines; i += n) {
		pass_time(run, lines[i].at - last, lines[i].number);
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
	if (run->variant == CROWDED)
		make_crowd(run);
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
