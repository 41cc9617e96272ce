/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "engine.h"
#include "log.h"
#include "offload.h"

#define RETIRED_MAX 8	   /* things kept at a time for a stuck worker */
#define STUCK_GRACE_MS 10u /* what is waited while a worker is known to be stuck */
#define GRACE_YIELDS 64	   /* rounds of the wait before it sleeps */
#define GRACE_SLEEP_US 20

/* What workers that have not reported since `token` may still read. */
struct retired {
	uint64_t token;
	struct tg_generation *generation;
	struct tg_classifier *classifier;
};

struct tg_engine {
	struct tg_engine_config config;
	struct tg_classifier *classifier; /* in force; NULL: none */
	struct tg_classifier *spare;	  /* was in force; nobody reads it; NULL: none */
	uint64_t delta_sequence;
	uint64_t applied_at; /* Unix time, ms */
	uint64_t image_size;
	uint64_t checkpoint_at;
	uint64_t started_ms; /* monotonic */
	uint64_t reclaim_token;
	uint32_t image_checksum;
	uint32_t flags;
	uint32_t epoch; /* of the newest generation */
	uint32_t n_retired;
	bool reclaim; /* deltas freed slots that wait for reclaim_token */
	struct retired retired[RETIRED_MAX];
};

/* --- what readers of the segment see --- */

static void store_state(struct tg_engine *engine)
{
	struct tg_stats_header *h = engine->config.stats->header;
	struct tg_endpoint_usage endpoints = {0};

	if (engine->classifier != NULL)
		endpoints = tg_classifier_endpoints(engine->classifier);
	tg_stats_begin(engine->config.stats);
	h->endpoints = endpoints.used;
	h->endpoints_capacity = endpoints.capacity;
	h->endpoint_bytes = endpoints.bytes;
	h->epoch = engine->epoch;
	h->generation = tg_engine_generation(engine);
	h->delta_sequence = engine->delta_sequence;
	h->applied_at = engine->applied_at;
	h->state_flags = engine->flags;
	h->image_checksum = engine->image_checksum;
	h->image_size = engine->image_size;
	h->checkpoint_at = engine->checkpoint_at;
	tg_stats_end(engine->config.stats);
}

static void count(struct tg_engine *engine, uint64_t *counter)
{
	tg_stats_begin(engine->config.stats);
	++*counter;
	tg_stats_end(engine->config.stats);
}

void tg_engine_refused(struct tg_engine *engine, bool ruleset)
{
	struct tg_stats_header *h = engine->config.stats->header;

	count(engine, ruleset ? &h->rulesets_refused : &h->deltas_refused);
}

void tg_engine_flag(struct tg_engine *engine, uint32_t set, uint32_t clear)
{
	uint32_t flags = (engine->flags & ~clear) | set;

	if (flags == engine->flags)
		return;
	engine->flags = flags;
	store_state(engine);
}

void tg_engine_checkpoint(struct tg_engine *engine, uint64_t at_ms, bool failed)
{
	if (failed) {
		count(engine, &engine->config.stats->header->checkpoint_errors);
		tg_engine_flag(engine, TG_STATE_CHECKPOINT_FAILED, 0);
		return;
	}
	engine->checkpoint_at = at_ms;
	engine->flags &= ~TG_STATE_CHECKPOINT_FAILED;
	store_state(engine);
}

/* --- grace periods --- */

static bool passed(const struct tg_engine *engine, uint64_t token)
{
	return rte_rcu_qsbr_check(engine->config.qsbr, token, false) == 1;
}

/* Waits until every awake worker has reported since `token`. false: one did not in time. */
static bool wait_grace(struct tg_engine *engine, uint64_t token)
{
	bool stuck = engine->flags & TG_STATE_STUCK_WORKER;
	uint64_t deadline =
		tg_clock_ms(CLOCK_MONOTONIC) + (stuck ? STUCK_GRACE_MS : engine->config.grace_ms);
	struct timespec nap = {.tv_nsec = GRACE_SLEEP_US * 1000};

	for (unsigned int i = 0; !passed(engine, token); i++) {
		if (i < GRACE_YIELDS) {
			sched_yield();
			continue;
		}
		if (tg_clock_ms(CLOCK_MONOTONIC) >= deadline)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* A classifier is kept for the next build. */
static void free_retired(struct tg_engine *engine, const struct retired *r)
{
	if (r->generation != NULL)
		tg_generation_free(r->generation);
	if (r->classifier == NULL)
		return;
	tg_classifier_free(engine->spare);
	engine->spare = r->classifier;
}

/* Frees `r` after a grace period, now or later. false: a worker is stuck. */
static bool retire(struct tg_engine *engine, struct retired r)
{
	r.token = rte_rcu_qsbr_start(engine->config.qsbr);
	if (wait_grace(engine, r.token)) {
		free_retired(engine, &r);
		return true;
	}
	engine->retired[engine->n_retired++] = r;
	return false;
}

static void reap(struct tg_engine *engine)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < engine->n_retired; i++) {
		if (passed(engine, engine->retired[i].token))
			free_retired(engine, &engine->retired[i]);
		else
			engine->retired[kept++] = engine->retired[i];
	}
	engine->n_retired = kept;
	if (engine->reclaim && passed(engine, engine->reclaim_token)) {
		engine->reclaim = false;
		if (engine->classifier != NULL)
			tg_classifier_reclaim(engine->classifier);
	}
}

static int stuck(struct tg_engine *engine, struct tg_wire_error *error)
{
	if (!(engine->flags & TG_STATE_STUCK_WORKER))
		tg_log_err("a worker has not come round for %u ms: what it may still use is kept",
			engine->config.grace_ms);
	tg_engine_flag(engine, TG_STATE_STUCK_WORKER, 0);
	return tg_wire_refuse(error, -ETIMEDOUT, TG_NONE,
		"in force, but a worker has not passed a quiescent state within %u ms",
		engine->config.grace_ms);
}

/* --- hardware --- */

/*
 * Nothing is installed in NICs from here to revoke(). A driver that hangs does not keep the change
 * from software: false, and revoke() tries again.
 */
static bool hold(struct tg_engine *engine)
{
	struct tg_offload *offload = engine->config.offload;

	return offload != NULL && tg_offload_hold(offload, engine->config.grace_ms) == 0;
}

/* Nothing has changed. */
static void resume(struct tg_engine *engine, bool held)
{
	if (!held)
		return;
	tg_offload_resume(engine->config.offload);
	tg_offload_release(engine->config.offload);
}

/* What the ruleset in force denies leaves the NICs. False: something may still be there. */
static bool revoke(
	struct tg_engine *engine, bool held, const struct tg_classmap_entry *entries, uint32_t n)
{
	struct tg_offload *offload = engine->config.offload;
	int rc;

	if (offload == NULL)
		return true;
	if (!held && tg_offload_hold(offload, engine->config.grace_ms) != 0)
		return false;
	rc = tg_offload_judge(
		offload, engine->classifier, engine->epoch, entries, n, engine->config.grace_ms);
	tg_offload_release(offload);
	return rc == 0;
}

static int stuck_hardware(struct tg_engine *engine, struct tg_wire_error *error)
{
	if (!(engine->flags & TG_STATE_STUCK_HARDWARE))
		tg_log_err("a NIC may still forward what the ruleset in force denies: its driver "
			   "did not remove all rules within %u ms",
			engine->config.grace_ms);
	tg_engine_flag(engine, TG_STATE_STUCK_HARDWARE, 0);
	return tg_wire_refuse(error, -ETIMEDOUT, TG_NONE,
		"in force, but a NIC has not removed its rules within %u ms",
		engine->config.grace_ms);
}

/* How a change ended that is in force: for every worker, and for every NIC. */
static int outcome(
	struct tg_engine *engine, bool workers, bool hardware, struct tg_wire_error *error)
{
	int rc = 0;

	if (!hardware)
		rc = stuck_hardware(engine, error);
	else
		tg_engine_flag(engine, 0, TG_STATE_STUCK_HARDWARE);
	return workers ? rc : stuck(engine, error);
}

/* --- rulesets --- */

static int check_install(const struct tg_engine *engine, const struct tg_candidate *candidate,
	uint64_t delta_sequence, struct tg_wire_error *error)
{
	const struct tg_image_header *h = candidate->image.header;
	uint64_t in_force = tg_engine_generation(engine);

	if (engine->n_retired == RETIRED_MAX)
		return tg_wire_refuse(
			error, -EBUSY, TG_NONE, "too much is kept for a stuck worker");
	if (h->generation <= in_force)
		return tg_wire_refuse(error, -ESTALE, TG_NONE,
			"generation %llu, but %llu is in force", (unsigned long long)h->generation,
			(unsigned long long)in_force);
	if (delta_sequence < h->delta_sequence)
		return tg_wire_refuse(error, -EINVAL, TG_NONE,
			"delta sequence %llu, but the image has %llu",
			(unsigned long long)delta_sequence, (unsigned long long)h->delta_sequence);
	/* It would give addresses that changed since back to their former owners. */
	if (delta_sequence < engine->delta_sequence)
		return tg_wire_refuse(error, -ESTALE, TG_NONE,
			"deltas up to %llu are in force, the ruleset has those up to %llu",
			(unsigned long long)engine->delta_sequence,
			(unsigned long long)delta_sequence);
	return 0;
}

/* Entries onto a classifier that no worker reads yet, in the portions that one call takes. */
static int apply_all(struct tg_classifier *classifier, const struct tg_classmap_entry *entries,
	uint32_t n, struct tg_wire_error *error)
{
	uint32_t index = TG_NONE, chunk;
	int rc;

	for (uint32_t at = 0; at < n; at += chunk) {
		chunk = n - at < TG_CLASSMAP_MAX ? n - at : TG_CLASSMAP_MAX;
		rc = tg_classifier_apply(classifier, entries + at, chunk, &index);
		if (rc == -EINVAL)
			return tg_wire_refuse(
				error, rc, at + index, "entry %u: no such class", at + index);
		if (rc != 0)
			return tg_wire_refuse(
				error, rc, TG_NONE, "no room for %u more addresses", n);
		tg_classifier_reclaim(classifier);
	}
	return 0;
}

static void note_install(
	struct tg_engine *engine, const struct tg_candidate *candidate, uint64_t delta_sequence)
{
	engine->delta_sequence = delta_sequence;
	engine->applied_at = tg_clock_ms(CLOCK_REALTIME);
	engine->image_size = candidate->size;
	engine->image_checksum = candidate->image.header->checksum;
	engine->flags &= ~(TG_STATE_NO_RULESET | TG_STATE_FROM_CHECKPOINT);
	store_state(engine);
	count(engine, &engine->config.stats->header->rulesets_applied);
}

int tg_engine_install(struct tg_engine *engine, struct tg_candidate *candidate,
	uint64_t delta_sequence, const struct tg_classmap_entry *entries, uint32_t n,
	uint32_t *swap_us, struct tg_wire_error *error)
{
	uint64_t from = tg_clock_us(CLOCK_MONOTONIC);
	struct tg_generation *fresh;
	struct retired old = {0};
	bool clean, held;
	int rc;

	rc = check_install(engine, candidate, delta_sequence, error);
	if (rc == 0)
		rc = apply_all(candidate->classifier, entries, n, error);
	if (rc != 0)
		return rc;
	fresh = tg_generation_create(
		candidate->classifier, candidate->image.header->generation, engine->epoch + 1);
	if (fresh == NULL)
		return tg_wire_refuse(error, -ENOMEM, TG_NONE, "no memory for a generation");
	held = hold(engine);
	engine->epoch++;
	old.generation = tg_datapath_publish(engine->config.datapath, fresh);
	old.classifier = engine->classifier;
	engine->classifier = candidate->classifier;
	engine->reclaim = false; /* what waited belongs to the old one */
	candidate->classifier = NULL;
	clean = retire(engine, old);
	held = revoke(engine, held, NULL, 0);
	*swap_us = (uint32_t)(tg_clock_us(CLOCK_MONOTONIC) - from);
	note_install(engine, candidate, delta_sequence);
	return outcome(engine, clean, held, error);
}

/* --- deltas --- */

static int check_delta(const struct tg_engine *engine, const struct tg_msg_classmap *delta,
	struct tg_wire_error *error)
{
	uint64_t in_force = tg_engine_generation(engine);

	if (engine->classifier == NULL)
		return tg_wire_refuse(error, -ENOENT, TG_NONE, "no ruleset is in force");
	if (engine->n_retired == RETIRED_MAX)
		return tg_wire_refuse(
			error, -EBUSY, TG_NONE, "too much is kept for a stuck worker");
	if (delta->generation != in_force)
		return tg_wire_refuse(error, -ESTALE, TG_NONE,
			"for generation %llu, but %llu is in force",
			(unsigned long long)delta->generation, (unsigned long long)in_force);
	if (delta->sequence != engine->delta_sequence + 1)
		return tg_wire_refuse(error, -ESTALE, TG_NONE, "sequence %llu, expected %llu",
			(unsigned long long)delta->sequence,
			(unsigned long long)engine->delta_sequence + 1);
	return 0;
}

static int apply_delta(struct tg_engine *engine, struct tg_generation *gen,
	const struct tg_msg_classmap *delta, struct tg_wire_error *error)
{
	uint32_t index = TG_NONE;
	int rc;

	tg_generation_remap(gen, delta->entries, delta->n_entries);
	rc = tg_classifier_apply(engine->classifier, delta->entries, delta->n_entries, &index);
	if (rc == -EINVAL)
		return tg_wire_refuse(error, rc, index, "entry %u: no such class", index);
	if (rc != 0)
		return tg_wire_refuse(
			error, rc, TG_NONE, "no room for more addresses (address-headroom)");
	engine->epoch = tg_generation_advance(gen);
	return 0;
}

/*
 * A filter that has seen too many addresses hits always: a fresh one, and every connection is
 * judged again once. Without memory for it the old one goes on, which is only slower.
 */
static bool renew(struct tg_engine *engine, struct tg_generation *gen)
{
	struct retired old = {0};
	struct tg_generation *fresh;

	fresh = tg_generation_create(
		engine->classifier, tg_generation_number(gen), engine->epoch + 1);
	if (fresh == NULL)
		return true;
	engine->epoch++;
	old.generation = tg_datapath_publish(engine->config.datapath, fresh);
	return retire(engine, old);
}

int tg_engine_delta(struct tg_engine *engine, const struct tg_msg_classmap *delta,
	uint32_t *swap_us, struct tg_wire_error *error)
{
	struct tg_generation *gen = tg_datapath_generation(engine->config.datapath);
	uint64_t from = tg_clock_us(CLOCK_MONOTONIC);
	bool clean, held;
	int rc;

	rc = check_delta(engine, delta, error);
	if (rc != 0)
		return rc;
	held = hold(engine);
	rc = apply_delta(engine, gen, delta, error);
	if (rc != 0) {
		resume(engine, held);
		return rc;
	}
	engine->reclaim = true;
	engine->reclaim_token = rte_rcu_qsbr_start(engine->config.qsbr);
	clean = wait_grace(engine, engine->reclaim_token);
	if (tg_generation_crowded(gen))
		clean = renew(engine, gen) && clean;
	held = revoke(engine, held, delta->entries, delta->n_entries);
	reap(engine);
	*swap_us = (uint32_t)(tg_clock_us(CLOCK_MONOTONIC) - from);
	engine->delta_sequence = delta->sequence;
	engine->applied_at = tg_clock_ms(CLOCK_REALTIME);
	store_state(engine);
	count(engine, &engine->config.stats->header->deltas_applied);
	return outcome(engine, clean, held, error);
}

/* --- the rest --- */

int tg_engine_create(const struct tg_engine_config *config, struct tg_engine **out)
{
	struct tg_engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
		return -ENOMEM;
	engine->config = *config;
	engine->started_ms = tg_clock_ms(CLOCK_MONOTONIC);
	engine->flags = TG_STATE_NO_RULESET | (config->pickup_ms != 0 ? TG_STATE_PICKUP : 0);
	store_state(engine);
	*out = engine;
	return 0;
}

void tg_engine_free(struct tg_engine *engine)
{
	struct retired last = {0};

	if (engine == NULL)
		return;
	last.generation = tg_datapath_publish(engine->config.datapath, NULL);
	last.classifier = engine->classifier;
	free_retired(engine, &last);
	for (uint32_t i = 0; i < engine->n_retired; i++)
		free_retired(engine, &engine->retired[i]);
	tg_classifier_free(engine->spare);
	free(engine);
}

struct tg_classifier *tg_engine_take_spare(struct tg_engine *engine)
{
	struct tg_classifier *spare = engine->spare;

	engine->spare = NULL;
	return spare;
}

void tg_engine_tick(struct tg_engine *engine)
{
	uint64_t *heartbeat = &engine->config.stats->header->heartbeat;

	reap(engine);
	if ((engine->flags & TG_STATE_STUCK_WORKER) && engine->n_retired == 0 && !engine->reclaim) {
		tg_log_warn("the stuck worker has come round");
		tg_engine_flag(engine, 0, TG_STATE_STUCK_WORKER);
	}
	if ((engine->flags & TG_STATE_PICKUP) &&
		tg_clock_ms(CLOCK_MONOTONIC) - engine->started_ms >= engine->config.pickup_ms)
		tg_engine_flag(engine, 0, TG_STATE_PICKUP);
	if ((engine->flags & TG_STATE_STUCK_HARDWARE) && revoke(engine, false, NULL, 0)) {
		tg_log_warn("the NICs have removed what is denied");
		tg_engine_flag(engine, 0, TG_STATE_STUCK_HARDWARE);
	}
	tg_stats_begin(engine->config.stats);
	__atomic_store_n(heartbeat, tg_clock_ms(CLOCK_REALTIME), __ATOMIC_RELAXED);
	tg_stats_end(engine->config.stats);
}

const struct tg_classifier *tg_engine_classifier(const struct tg_engine *engine)
{
	return engine->classifier;
}

uint32_t tg_engine_flags(const struct tg_engine *engine)
{
	return engine->flags;
}

uint64_t tg_engine_generation(const struct tg_engine *engine)
{
	const struct tg_generation *gen = tg_datapath_generation(engine->config.datapath);

	return gen != NULL ? tg_generation_number(gen) : 0;
}

uint64_t tg_engine_sequence(const struct tg_engine *engine)
{
	return engine->delta_sequence;
}

uint32_t tg_engine_epoch(const struct tg_engine *engine)
{
	return engine->epoch;
}

void tg_engine_state(const struct tg_engine *engine, struct tg_msg_state *out)
{
	const struct tg_stats_header *h = engine->config.stats->header;

	out->major = TG_PROTO_MAJOR;
	out->minor = TG_PROTO_MINOR;
	out->flags = engine->flags;
	out->generation = tg_engine_generation(engine);
	out->delta_sequence = engine->delta_sequence;
	out->epoch = engine->epoch;
	out->n_workers = h->n_workers;
	out->n_ports = h->n_ports;
	out->slot_capacity = h->slot_capacity;
	out->image_checksum = engine->image_checksum;
	out->reserved = 0;
	out->checkpoint_at = engine->checkpoint_at;
	out->stats_size = engine->config.stats->size;
}
