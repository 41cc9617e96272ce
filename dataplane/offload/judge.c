/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is in hardware keeps step with what is in force. A connection stays when it is judged as it
 * was, by the same rules of both sides; else it goes back to software, which then cuts it or counts
 * it for other rules. The lock is held from before the change until the last rule has left.
 */
#include "internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#define MARKS 16384u /* bits of the set of a delta's addresses */

struct suspects {
	struct entry *e[TG_CLASSIFY_BURST];
	unsigned int n;
};

static void deadline_in(uint32_t ms, struct timespec *out)
{
	clock_gettime(CLOCK_MONOTONIC, out);
	out->tv_sec += ms / 1000;
	out->tv_nsec += (long)(ms % 1000) * 1000000;
	if (out->tv_nsec >= 1000000000) {
		out->tv_sec++;
		out->tv_nsec -= 1000000000;
	}
}

static bool passed(const struct timespec *deadline)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec ||
	       (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

int lock_within(struct tg_offload *o, uint32_t ms)
{
	struct timespec deadline;

	deadline_in(ms, &deadline);
	return pthread_mutex_clocklock(&o->lock, CLOCK_MONOTONIC, &deadline) == 0 ? 0 : -ETIMEDOUT;
}

int tg_offload_hold(struct tg_offload *o, uint32_t ms)
{
	int rc = lock_within(o, ms);

	if (rc == 0)
		o->open = false;
	return rc;
}

void tg_offload_release(struct tg_offload *o)
{
	pthread_mutex_unlock(&o->lock);
}

void tg_offload_resume(struct tg_offload *o)
{
	o->open = o->clean;
}

static bool spoofed(const struct tg_offload *o, const struct entry *e, uint8_t src_kind)
{
	return tg_port_spoofed(&o->config.datapath->ports[e->port], src_kind);
}

/* TCP's first packet is nobody's reply. */
static bool asks_back(const struct entry *e)
{
	return e->kind == TG_HARDWARE_DENIAL && e->tuple.protocol != IPPROTO_TCP;
}

/* Is it judged as it was? `back`: the same with the ends exchanged, of who asks. */
static bool as_before(const struct tg_offload *o, const struct entry *e,
	const struct tg_judgement *j, const struct tg_judgement *back)
{
	if (memcmp(j->verdict, e->verdict, sizeof(e->verdict)) != 0 || spoofed(o, e, j->src_kind))
		return false;
	if (e->kind == TG_HARDWARE_CONNECTION)
		return j->action != TG_ACTION_DENY;
	return j->action == TG_ACTION_DENY && (!asks_back(e) || back->action == TG_ACTION_DENY);
}

static void judge(
	struct tg_offload *o, const struct tg_classifier *classifier, struct suspects *suspects)
{
	const struct tg_tuple *tuples[TG_CLASSIFY_BURST], *backs[TG_CLASSIFY_BURST];
	struct tg_judgement found[TG_CLASSIFY_BURST], found_back[TG_CLASSIFY_BURST];
	struct tg_tuple back[TG_CLASSIFY_BURST];
	unsigned int n_back = 0, at = 0;

	if (suspects->n == 0)
		return;
	for (unsigned int i = 0; i < suspects->n; i++) {
		tuples[i] = &suspects->e[i]->tuple;
		if (!asks_back(suspects->e[i]))
			continue;
		back[n_back] = tg_tuple_reversed(tuples[i]);
		backs[n_back] = &back[n_back];
		n_back++;
	}
	tg_classify_burst(classifier, tuples, found, suspects->n);
	if (n_back != 0)
		tg_classify_burst(classifier, backs, found_back, n_back);
	for (unsigned int i = 0; i < suspects->n; i++) {
		struct entry *e = suspects->e[i];

		if (!as_before(o, e, &found[i], asks_back(e) ? &found_back[at++] : NULL))
			entry_drain(o, e, TG_OFFLOAD_REVOKED);
	}
	suspects->n = 0;
}

/* A set of addresses that says yes too often, never too seldom. */
static void mark(uint64_t marks[MARKS / 64], uint32_t number)
{
	marks[number / 64 % (MARKS / 64)] |= 1ull << (number % 64);
}

static bool marked(const uint64_t marks[MARKS / 64], uint32_t number)
{
	return marks[number / 64 % (MARKS / 64)] >> (number % 64) & 1;
}

static void judge_entries(struct tg_offload *o, const struct tg_classifier *classifier,
	const uint64_t marks[MARKS / 64])
{
	struct suspects suspects = {.n = 0};

	for (uint32_t i = 0; i < o->n_entries; i++) {
		struct entry *e = &o->entries[i];

		if (marks != NULL && !marked(marks, o->address[i][0]) &&
			!marked(marks, o->address[i][1]))
			continue;
		if (e->state != ENTRY_INSTALLING && e->state != ENTRY_ACTIVE)
			continue;
		/* Its packets come to the worker, and what that has judged decides. */
		if (e->kind == TG_HARDWARE_MARK)
			continue;
		suspects.e[suspects.n++] = e;
		if (suspects.n == TG_CLASSIFY_BURST)
			judge(o, classifier, &suspects);
	}
	judge(o, classifier, &suspects);
}

static int wait_clean(struct tg_offload *o, uint32_t ms)
{
	const struct timespec nap = {.tv_nsec = 20000};
	struct timespec deadline;
	int rc;

	deadline_in(ms, &deadline);
	for (;;) {
		entries_poll(o);
		rc = ports_flush_unsure(o);
		if (rc == 0 && entries_left(o))
			return 0;
		if (passed(&deadline))
			return rc != 0 ? rc : -ETIMEDOUT;
		nanosleep(&nap, NULL);
	}
}

int tg_offload_judge(struct tg_offload *o, const struct tg_classifier *classifier, uint32_t epoch,
	const struct tg_classmap_entry *entries, uint32_t n, uint32_t ms)
{
	uint64_t marks[MARKS / 64] = {0};
	int rc;

	for (uint32_t i = 0; i < n; i++)
		mark(marks, address_number(entries[i].addr, entries[i].family));
	judge_entries(o, classifier, entries != NULL && o->clean ? marks : NULL);
	rc = wait_clean(o, ms);
	o->clean = rc == 0;
	o->epoch = epoch;
	o->open = rc == 0;
	return rc;
}

void tg_offload_link(struct tg_offload *o, uint16_t port, bool up)
{
	pthread_mutex_lock(&o->lock);
	o->port[port].up = up;
	if (!up)
		port_drain(o, port, TG_OFFLOAD_LINK);
	pthread_mutex_unlock(&o->lock);
}

int tg_offload_reset_begin(struct tg_offload *o, uint16_t port, uint32_t ms)
{
	int rc = lock_within(o, ms);

	if (rc != 0)
		return rc;
	o->port[port].up = false;
	port_shut(o, port);
	return 0;
}

void tg_offload_reset_end(struct tg_offload *o)
{
	pthread_mutex_unlock(&o->lock);
}
