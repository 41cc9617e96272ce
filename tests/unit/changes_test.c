/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rulesets and deltas into force, in-process: what is refused leaves everything as it was, what is
 * acknowledged is in the checkpoint, and nobody waits for a stuck worker.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <sys/stat.h>
#include <cmocka.h>

#include <rte_malloc.h>

#include "changes.h"
#include "../eal.h"
#include "tiny.h"

#define SLOTS 1024u

struct fixture {
	char dir[32];
	struct tg_stats_segment stats;
	struct tg_datapath *dp;
	struct rte_rcu_qsbr *qsbr;
	struct tg_engine *engine;
	struct tg_checkpoint *checkpoint;
	struct tg_changes *changes;
};

static void open_rules(struct fixture *f)
{
	struct tg_engine_config engine = {
		.datapath = f->dp, .qsbr = f->qsbr, .stats = &f->stats, .grace_ms = 20};
	struct tg_changes_config changes = {
		.slot_capacity = SLOTS, .headroom = 1024, .numa = SOCKET_ID_ANY};

	assert_int_equal(tg_checkpoint_open(f->dir, false, &f->checkpoint), 0);
	assert_int_equal(tg_engine_create(&engine, &f->engine), 0);
	changes.engine = f->engine;
	changes.checkpoint = f->checkpoint;
	assert_int_equal(tg_changes_create(&changes, &f->changes), 0);
}

static void close_rules(struct fixture *f)
{
	tg_changes_free(f->changes);
	tg_engine_free(f->engine);
	tg_checkpoint_close(f->checkpoint);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct tg_datapath_config config;

	strcpy(f->dir, "/tmp/tg-changes-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(tg_stats_create(&f->stats, 1, SLOTS, 1, 1), 0);
	tg_datapath_config_default(&config);
	config.slot_capacity = SLOTS;
	config.n_ports = 2;
	config.ports[0] = (struct tg_port_config){.peer = 1, .end = 0, .mtu = 1500};
	config.ports[1] = (struct tg_port_config){.peer = 0, .end = 1, .mtu = 1500};
	assert_int_equal(tg_datapath_create(&config, &f->dp), 0);
	f->qsbr = rte_zmalloc("qsbr", rte_rcu_qsbr_get_memsize(1), 64);
	rte_rcu_qsbr_init(f->qsbr, 1);
	open_rules(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {"", ".lock"};
	struct fixture *f = *state;
	char path[128];

	close_rules(f);
	tg_datapath_free(f->dp);
	rte_free(f->qsbr);
	tg_stats_destroy(&f->stats);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s%s", f->dir, TG_CHECKPOINT_NAME, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->dir), 0); /* no draft was left behind */
	free(f);
	return 0;
}

/* --- requests --- */

union ruleset {
	struct tg_msg_ruleset m;
	uint8_t bytes[TG_MSG_MAX];
};

static void fill(union ruleset *r, uint64_t generation, uint64_t delta_sequence, size_t size,
	const struct tg_classmap_entry *entries, uint32_t n)
{
	memset(r, 0, sizeof(r->m));
	tg_wire_header(&r->m.h, TG_MSG_RULESET, sizeof(r->m) + n * sizeof(*entries), 1);
	r->m.generation = generation;
	r->m.delta_sequence = delta_sequence;
	r->m.size = size;
	r->m.n_entries = n;
	if (n != 0)
		memcpy(r->m.entries, entries, n * sizeof(*entries));
}

static int finish(struct fixture *f)
{
	struct pollfd event = {.fd = tg_changes_event(f->changes), .events = POLLIN};
	struct tg_changes_result result;
	int rc;

	assert_int_equal(poll(&event, 1, -1), 1);
	rc = tg_changes_finish(f->changes, true, &result);
	if (rc != 0)
		assert_string_not_equal(result.error.text, "");
	return rc;
}

static int begin(struct fixture *f, uint64_t generation, uint64_t delta_sequence,
	const struct tg_classmap_entry *entries, uint32_t n)
{
	static union ruleset r;
	struct tg_wire_error error;
	size_t size;
	void *image;
	int rc;

	image = tiny_image(generation, delta_sequence, &size);
	fill(&r, generation, delta_sequence, size, entries, n);
	rc = tg_changes_ruleset(f->changes, &r.m, tiny_memfd(image, size, TINY_SEALS), 7, &error);
	free(image);
	return rc;
}

static int push(struct fixture *f, uint64_t generation, uint64_t delta_sequence,
	const struct tg_classmap_entry *entries, uint32_t n)
{
	int rc = begin(f, generation, delta_sequence, entries, n);

	return rc != 0 ? rc : finish(f);
}

static int delta(
	struct fixture *f, uint64_t generation, uint64_t sequence, struct tg_classmap_entry e)
{
	static union {
		struct tg_msg_classmap m;
		uint8_t bytes[TG_MSG_MAX];
	} d;
	struct tg_wire_error error;
	uint32_t us;

	memset(&d.m, 0, sizeof(d.m));
	d.m.generation = generation;
	d.m.sequence = sequence;
	d.m.n_entries = 1;
	d.m.entries[0] = e;
	return tg_changes_delta(f->changes, &d.m, &us, &error);
}

/* Whether 10.0.0.`last` may talk to 10.0.0.1, by the rules in force. */
static bool allowed(struct fixture *f, uint8_t last)
{
	struct tg_tuple tuple = {.family = 4, .protocol = 6, .dport = 80};
	const struct tg_tuple *const tuples[] = {&tuple};
	struct tg_judgement out;

	tuple.src.v4 = htonl(0x0a000000u | last);
	tuple.dst.v4 = htonl(0x0a000001u);
	tg_classify_burst(tg_engine_classifier(f->engine), tuples, &out, 1);
	return tg_verdict_passes(out.verdict[TG_EGRESS]);
}

static void test_install_and_delta(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_NO_RULESET);
	assert_int_equal(delta(f, 0, 1, tiny_entry(2, 1)), -ENOENT);
	assert_int_equal(push(f, 5, 100, NULL, 0), 0);
	assert_int_equal(tg_engine_flags(f->engine), 0);
	assert_int_equal(tg_engine_generation(f->engine), 5);
	assert_int_equal(tg_engine_sequence(f->engine), 100);
	assert_false(allowed(f, 2));
	assert_int_equal(delta(f, 5, 101, tiny_entry(2, 1)), 0);
	assert_true(allowed(f, 2));
	assert_int_equal(delta(f, 5, 102, tiny_entry(2, TG_NONE)), 0);
	assert_false(allowed(f, 2));
	assert_int_equal(f->stats.header->generation, 5);
	assert_int_equal(f->stats.header->delta_sequence, 102);
	assert_int_equal(f->stats.header->deltas_applied, 2);
	assert_int_equal(f->stats.header->deltas_refused, 1);
	assert_int_equal(f->stats.header->rulesets_applied, 1);
	assert_int_equal(f->stats.header->epoch, tg_engine_epoch(f->engine));
}

static void test_epoch_grows_with_every_change(void **state)
{
	struct fixture *f = *state;
	uint32_t before = 0;

	for (uint64_t i = 0; i < 10; i++) {
		assert_int_equal(push(f, 5 + i, 100 + i, NULL, 0), 0);
		assert_true(tg_engine_epoch(f->engine) > before);
		before = tg_engine_epoch(f->engine);
		assert_int_equal(delta(f, 5 + i, 101 + i, tiny_entry(2, 1)), 0);
		assert_true(tg_engine_epoch(f->engine) > before);
		before = tg_engine_epoch(f->engine);
	}
}

static void test_refusals_change_nothing(void **state)
{
	static union ruleset r;
	struct fixture *f = *state;
	struct tg_classmap_entry bad[] = {tiny_entry(3, 1), tiny_entry(4, TINY_CLASSES)};
	struct tg_wire_error error;
	size_t size;
	void *image;

	assert_int_equal(push(f, 5, 100, NULL, 0), 0);
	assert_int_equal(delta(f, 5, 101, tiny_entry(2, 1)), 0);
	assert_int_equal(delta(f, 5, 101, tiny_entry(2, 2)), -ESTALE);
	assert_int_equal(delta(f, 5, 103, tiny_entry(2, 2)), -ESTALE);
	assert_int_equal(delta(f, 4, 102, tiny_entry(2, 2)), -ESTALE);
	assert_int_equal(delta(f, 5, 102, tiny_entry(9, TINY_CLASSES)), -EINVAL);
	assert_int_equal(push(f, 5, 100, NULL, 0), -ESTALE);
	assert_int_equal(push(f, 4, 100, NULL, 0), -ESTALE);
	assert_int_equal(push(f, 6, 101, bad, 2), -EINVAL);
	/* an image of another generation than the message */
	image = tiny_image(7, 100, &size);
	fill(&r, 8, 100, size, NULL, 0);
	assert_int_equal(tg_changes_ruleset(
				 f->changes, &r.m, tiny_memfd(image, size, TINY_SEALS), 7, &error),
		0);
	assert_int_equal(finish(f), -EINVAL);
	/* a sequence before that of the image */
	fill(&r, 7, 99, size, NULL, 0);
	assert_int_equal(tg_changes_ruleset(
				 f->changes, &r.m, tiny_memfd(image, size, TINY_SEALS), 7, &error),
		0);
	assert_int_equal(finish(f), -EINVAL);
	free(image);
	assert_int_equal(tg_engine_generation(f->engine), 5);
	assert_int_equal(tg_engine_sequence(f->engine), 101);
	assert_true(allowed(f, 2));
	assert_false(allowed(f, 3));
	assert_int_equal(delta(f, 5, 102, tiny_entry(3, 1)), 0);
}

static void test_hostile_images(void **state)
{
	static union ruleset r;
	static const int seals[] = {0, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW,
		F_SEAL_WRITE | F_SEAL_SHRINK, F_SEAL_WRITE | F_SEAL_GROW,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE};
	struct fixture *f = *state;
	struct tg_wire_error error;
	uint8_t *image;
	size_t size;
	int pipes[2];

	assert_int_equal(push(f, 5, 100, NULL, 0), 0);
	image = tiny_image(6, 100, &size);
	fill(&r, 6, 100, size, NULL, 0);
	for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
		assert_int_equal(tg_changes_ruleset(f->changes, &r.m,
					 tiny_memfd(image, size, seals[i]), 7, &error),
			0);
		assert_int_equal(finish(f), -EPERM);
	}
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(tg_changes_ruleset(f->changes, &r.m, pipes[0], 7, &error), 0);
	assert_int_equal(finish(f), -EPERM);
	close(pipes[1]);
	for (size_t wrong = size - 64; wrong <= size + 64; wrong += 128) {
		fill(&r, 6, 100, wrong, NULL, 0);
		assert_int_equal(tg_changes_ruleset(f->changes, &r.m,
					 tiny_memfd(image, size, TINY_SEALS), 7, &error),
			0);
		assert_int_equal(finish(f), -EINVAL);
	}
	fill(&r, 6, 100, size, NULL, 0);
	for (size_t at = 0; at < size; at += 7) {
		image[at] ^= 0x10;
		assert_int_equal(tg_changes_ruleset(f->changes, &r.m,
					 tiny_memfd(image, size, TINY_SEALS), 7, &error),
			0);
		assert_int_not_equal(finish(f), 0);
		image[at] ^= 0x10;
	}
	free(image);
	assert_int_equal(tg_engine_generation(f->engine), 5);
	assert_true(f->stats.header->rulesets_refused > 20);
}

static void test_more_slots_than_counted(void **state)
{
	struct fixture *f = *state;
	struct tg_changes_config small = {.engine = f->engine,
		.slot_capacity = TG_SLOT_FIRST - 1,
		.headroom = 16,
		.numa = SOCKET_ID_ANY};

	tg_changes_free(f->changes);
	assert_int_equal(tg_changes_create(&small, &f->changes), 0);
	assert_int_equal(push(f, 5, 100, NULL, 0), -E2BIG);
	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_NO_RULESET);
}

static void test_one_build_at_a_time(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(begin(f, 5, 100, NULL, 0), 0);
	assert_int_equal(begin(f, 6, 100, NULL, 0), -EBUSY);
	assert_int_equal(finish(f), 0);
	assert_int_equal(begin(f, 6, 100, NULL, 0), 0); /* is left to teardown */
}

static void test_sender_is_gone(void **state)
{
	struct fixture *f = *state;
	struct tg_changes_result result;

	assert_int_equal(begin(f, 5, 100, NULL, 0), 0);
	assert_int_equal(tg_changes_client(f->changes), 7);
	assert_int_equal(tg_changes_finish(f->changes, false, &result), -ECANCELED);
	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_NO_RULESET);
}

/*
 * A delta during a build is in force at once; the ruleset that does not know it is refused, and
 * never gives the address back to its former owner. It comes again with the delta.
 */
static void test_delta_during_build(void **state)
{
	struct fixture *f = *state;
	struct tg_classmap_entry own[] = {tiny_entry(2, 1), tiny_entry(3, 1), tiny_entry(4, 1)};
	struct tg_classmap_entry again[] = {
		tiny_entry(2, 0), tiny_entry(3, TG_NONE), tiny_entry(4, 1), tiny_entry(5, 1)};

	assert_int_equal(push(f, 5, 100, own, 3), 0);
	assert_int_equal(begin(f, 6, 100, own, 3), 0);
	assert_int_equal(delta(f, 5, 101, tiny_entry(2, 0)), 0);
	assert_false(allowed(f, 2));
	assert_int_equal(delta(f, 5, 102, tiny_entry(3, TG_NONE)), 0);
	assert_int_equal(delta(f, 5, 103, tiny_entry(5, 1)), 0);
	assert_true(allowed(f, 5));
	assert_int_equal(finish(f), -ESTALE);
	assert_int_equal(tg_engine_generation(f->engine), 5);
	assert_int_equal(tg_engine_sequence(f->engine), 103);
	assert_false(allowed(f, 2));
	assert_true(allowed(f, 5));
	assert_int_equal(push(f, 6, 103, again, 4), 0);
	assert_int_equal(tg_engine_sequence(f->engine), 103);
	assert_false(allowed(f, 2));
	assert_false(allowed(f, 3));
	assert_true(allowed(f, 4));
	assert_true(allowed(f, 5));
	/* The checkpoint says the same. */
	close_rules(f);
	open_rules(f);
	assert_int_equal(tg_changes_restore(f->changes), 0);
	assert_int_equal(tg_engine_sequence(f->engine), 103);
	assert_false(allowed(f, 2));
	assert_false(allowed(f, 3));
	assert_true(allowed(f, 4));
	assert_true(allowed(f, 5));
}

static void test_restore(void **state)
{
	struct fixture *f = *state;
	struct tg_classmap_entry own[] = {tiny_entry(2, 1), tiny_entry(3, 1)};

	assert_int_equal(tg_changes_restore(f->changes), -ENOENT);
	assert_int_equal(push(f, 5, 100, own, 2), 0);
	assert_int_equal(delta(f, 5, 101, tiny_entry(2, TG_NONE)), 0); /* its pod is gone */
	assert_int_equal(delta(f, 5, 102, tiny_entry(2, 0)), 0);       /* another has it now */
	assert_int_not_equal(f->stats.header->checkpoint_at, 0);
	close_rules(f);
	open_rules(f);
	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_NO_RULESET);
	assert_int_equal(tg_changes_restore(f->changes), 0);
	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_FROM_CHECKPOINT);
	assert_int_equal(tg_engine_generation(f->engine), 5);
	assert_int_equal(tg_engine_sequence(f->engine), 102);
	assert_false(allowed(f, 2));
	assert_true(allowed(f, 3));
	/* and goes on */
	assert_int_equal(delta(f, 5, 103, tiny_entry(4, 1)), 0);
	assert_int_equal(push(f, 6, 103, NULL, 0), 0);
	assert_int_equal(tg_engine_flags(f->engine), 0);
}

static void test_damaged_checkpoint_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[128];
	FILE *file;

	assert_int_equal(push(f, 5, 100, NULL, 0), 0);
	close_rules(f);
	snprintf(path, sizeof(path), "%s/%s", f->dir, TG_CHECKPOINT_NAME);
	file = fopen(path, "r+");
	fseek(file, sizeof(struct tg_checkpoint_header) + 200, SEEK_SET);
	fputc(0x55, file);
	fclose(file);
	open_rules(f);
	assert_int_not_equal(tg_changes_restore(f->changes), 0);
	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_NO_RULESET);
	assert_null(tg_datapath_generation(f->dp));
	/* a new one heals it */
	assert_int_equal(push(f, 6, 100, NULL, 0), 0);
	close_rules(f);
	open_rules(f);
	assert_int_equal(tg_changes_restore(f->changes), 0);
}

/* A checkpoint that cannot be written does not stop enforcement, and is said. */
static void test_checkpoint_fails(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.new", f->dir, TG_CHECKPOINT_NAME);
	assert_int_equal(mkdir(path, 0700), 0); /* in the draft's way, for root too */
	assert_int_equal(push(f, 5, 100, NULL, 0), 0);
	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_CHECKPOINT_FAILED);
	assert_int_equal(f->stats.header->checkpoint_errors, 1);
	assert_int_equal(delta(f, 5, 101, tiny_entry(2, 1)), 0);
	assert_true(allowed(f, 2));
	assert_int_equal(f->stats.header->checkpoint_errors, 2);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(push(f, 6, 101, NULL, 0), 0);
	assert_int_equal(tg_engine_flags(f->engine), 0);
}

static void test_stuck_worker(void **state)
{
	struct fixture *f = *state;
	int rc = 0;

	assert_int_equal(push(f, 5, 100, NULL, 0), 0);
	rte_rcu_qsbr_thread_register(f->qsbr, 0);
	rte_rcu_qsbr_thread_online(f->qsbr, 0);
	assert_int_equal(push(f, 6, 100, NULL, 0), -ETIMEDOUT);
	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_STUCK_WORKER);
	assert_int_equal(tg_engine_generation(f->engine), 6); /* in force for all others */
	assert_int_equal(delta(f, 6, 101, tiny_entry(2, 1)), -ETIMEDOUT);
	assert_true(allowed(f, 2));
	tg_engine_tick(f->engine);
	assert_int_equal(tg_engine_flags(f->engine), TG_STATE_STUCK_WORKER);
	/* What is kept for it is bounded. */
	for (uint64_t i = 7; rc != -EBUSY; i++) {
		rc = push(f, i, 101, NULL, 0);
		assert_true(rc == -ETIMEDOUT || rc == -EBUSY);
		assert_true(i < 100);
	}
	rte_rcu_qsbr_quiescent(f->qsbr, 0);
	tg_engine_tick(f->engine);
	assert_int_equal(tg_engine_flags(f->engine), 0);
	/* A worker that sleeps is not waited for. */
	rte_rcu_qsbr_thread_offline(f->qsbr, 0);
	assert_int_equal(push(f, 200, 101, NULL, 0), 0);
	rte_rcu_qsbr_thread_unregister(f->qsbr, 0);
}

/* So many changed addresses that the filter is renewed, and the headroom used up. */
static void test_many_deltas(void **state)
{
	struct fixture *f = *state;
	uint64_t sequence = 100;
	int rc = 0;

	assert_int_equal(push(f, 5, sequence, NULL, 0), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		struct tg_classmap_entry e = tiny_entry(0, i % 2 == 0 ? 1 : TG_NONE);

		e.addr[1] = (uint8_t)(i >> 9);
		e.addr[2] = (uint8_t)(i >> 1);
		e.addr[3] = 77;
		assert_int_equal(delta(f, 5, ++sequence, e), 0);
	}
	for (uint32_t i = 0; rc == 0; i++) {
		struct tg_classmap_entry e = tiny_entry(1, 1);

		assert_true(i < 1u << 20);
		e.addr[0] = 11;
		e.addr[1] = (uint8_t)(i >> 8);
		e.addr[2] = (uint8_t)i;
		rc = delta(f, 5, ++sequence, e);
	}
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(tg_engine_sequence(f->engine), sequence - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_install_and_delta),
		TEST(test_epoch_grows_with_every_change),
		TEST(test_refusals_change_nothing),
		TEST(test_hostile_images),
		TEST(test_more_slots_than_counted),
		TEST(test_one_build_at_a_time),
		TEST(test_sender_is_gone),
		TEST(test_delta_during_build),
		TEST(test_restore),
		TEST(test_damaged_checkpoint_is_refused),
		TEST(test_checkpoint_fails),
		TEST(test_stuck_worker),
		TEST(test_many_deltas),
	};
#undef TEST

	test_eal_start("256");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
