/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules on their way to a driver and back, by both of its interfaces: every end that it can take.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "../eal.h"
#include "flow.h"
#include "flow_driver.h"

#define B(action) (1u << TG_NIC_##action)
#define RULES 1000
#define MANY 100000
#define ANY RTE_FLOW_ERROR_TYPE_UNSPECIFIED

static uint16_t null_port;

/* A NIC that takes everything. */
static void profile_of(struct tg_nic_profile *profile, bool templates)
{
	struct tg_nic_engine *engine = &profile->engines[0];

	*profile = (struct tg_nic_profile){.name = "test", .n_engines = 1, .templates = templates};
	engine->name = "all";
	engine->domains = UINT8_MAX;
	engine->protocols = UINT8_MAX;
	memset(engine->masking, TG_NIC_MASK_ANY, sizeof(engine->masking));
	engine->untagged = engine->miss_to_software = true;
	engine->actions = UINT32_MAX;
	engine->n_groups = engine->n_priorities = 16;
	engine->counters.hits = engine->counters.bytes = true;
	profile->on_stop = TG_NIC_ON_STOP_LOST;
}

static struct tg_nic_rule rule_of(uint32_t address, uint32_t actions)
{
	struct tg_nic_rule rule = {
		.match = {.family = 4, .untagged = true}, .actions = actions, .age_s = 30};

	tg_nic_match_exact(&rule.match, TG_NIC_IPV4_SRC, &address);
	return rule;
}

struct fixture {
	struct tg_nic_profile profile;
	struct tg_flow_config config;
	struct tg_flow_port *port;
};

static void open_with(
	struct fixture *f, bool templates, const struct tg_nic_rule *shapes, uint32_t n)
{
	flow_driver_reset();
	profile_of(&f->profile, templates);
	f->config = (struct tg_flow_config){
		.ethdev = null_port, .profile = &f->profile, .rules_max = RULES, .n_queues = 1};
	assert_int_equal(tg_flow_open(&f->config, shapes, n, &f->port), 0);
}

/* Dropping by one address, counted. */
static void open_port(struct fixture *f, bool templates)
{
	const struct tg_nic_rule shape = rule_of(1, B(COUNT) | B(DROP));

	open_with(f, templates, &shape, 1);
}

/* Nothing is left behind, nothing was used that should not be. */
static void close_port(struct fixture *f)
{
	tg_flow_close(f->port);
	assert_int_equal(flow_driver.handles, 0);
	assert_int_equal(flow_driver.tables, 0);
	assert_int_equal(flow_driver.templates, 0);
	assert_int_equal(flow_driver.stale, 0);
	assert_int_equal(flow_driver.early, 0);
}

static int begin(struct fixture *f, uint32_t address, void *user)
{
	const struct tg_nic_rule rule = rule_of(address, B(COUNT) | B(DROP));

	return tg_flow_insert(f->port, &rule, &f->profile.engines[0], user);
}

/* The only end that there is. */
static struct tg_flow_done end(struct fixture *f)
{
	struct tg_flow_done done[2];
	uint32_t n = 0;

	/* A failed creation is undone before it is told. */
	for (int i = 0; i < 3 && n == 0; i++)
		n = tg_flow_poll(f->port, done, 2);
	assert_int_equal(n, 1);
	return done[0];
}

static struct tg_flow *insert(struct fixture *f, uint32_t address)
{
	struct tg_flow_done done;

	assert_int_equal(begin(f, address, &f->config), 0);
	done = end(f);
	assert_int_equal(done.error, 0);
	assert_false(done.removal);
	assert_ptr_equal(done.user, &f->config);
	assert_non_null(done.flow);
	return done.flow;
}

static int take_out(struct fixture *f, struct tg_flow *flow)
{
	struct tg_flow_done done;

	assert_int_equal(tg_flow_remove(f->port, flow, &f->port), 0);
	done = end(f);
	assert_true(done.removal);
	assert_null(done.flow);
	assert_ptr_equal(done.user, &f->port);
	return done.error;
}

static void nothing_ends(struct fixture *f)
{
	struct tg_flow_done done;

	assert_int_equal(tg_flow_poll(f->port, &done, 1), 0);
}

/* Tests that are the same for both interfaces. */
static void in_and_out(bool templates)
{
	struct tg_flow_count count;
	struct tg_flow *flow;
	struct fixture f;

	open_port(&f, templates);
	nothing_ends(&f);
	flow = insert(&f, 7);
	nothing_ends(&f);
	assert_int_equal(flow_driver.rules, 1);
	flow_driver.hits = 3;
	assert_int_equal(tg_flow_query(f.port, flow, &count), 0);
	assert_int_equal(count.packets, 3);
	assert_int_equal(count.bytes, 300);
	assert_int_equal(take_out(&f, flow), 0);
	nothing_ends(&f);
	assert_int_equal(flow_driver.rules, 0);
	close_port(&f);
}

static void test_in_and_out(void **state)
{
	in_and_out(false);
	in_and_out(true);
}

/* Of what is not counted, or not told, nothing is said. */
static void test_query(void **state)
{
	struct tg_flow_count count = {.packets = 5, .bytes = 5};
	struct tg_flow *flow;
	struct fixture f;

	open_port(&f, false);
	flow = insert(&f, 7);
	flow_driver.hits_set = false;
	assert_int_equal(tg_flow_query(f.port, flow, &count), -ENODATA);
	flow_driver_fail(FLOW_DRIVER_QUERY, 1, ENOENT, ANY);
	assert_true(tg_flow_query(f.port, flow, &count) < 0);
	flow_driver_fail(FLOW_DRIVER_QUERY, 1, EAGAIN, ANY);
	assert_int_equal(tg_flow_query(f.port, flow, &count), -EAGAIN);
	assert_int_equal(count.packets, 5);
	flow_driver.hits_set = true;
	flow_driver.bytes_set = false;
	flow_driver.hits = 9;
	assert_int_equal(tg_flow_query(f.port, flow, &count), 0);
	assert_int_equal(count.packets, 9);
	assert_int_equal(count.bytes, 0);
	close_port(&f);
}

static void test_errors_of_creation(void **state)
{
	static const struct {
		int error;
		enum rte_flow_error_type type;
		int means;
	} rows[] = {
		{ENOSPC, ANY, -ENOSPC},
		{ENOMEM, ANY, -ENOSPC},
		{ENOENT, ANY, -ENOSPC},
		{EEXIST, RTE_FLOW_ERROR_TYPE_HANDLE, -EEXIST},
		{EAGAIN, ANY, -EAGAIN},
		{EBUSY, ANY, -EBUSY},
		{ETIMEDOUT, ANY, -EAGAIN},
		{EIO, ANY, -EIO},
		{ENODEV, ANY, -ENODEV},
		{ENXIO, ANY, -ENODEV},
		{ENOTSUP, ANY, -ENOTSUP},
		{ENOSYS, ANY, -ENOTSUP},
		{EPERM, ANY, -ENOTSUP},
		{EINVAL, RTE_FLOW_ERROR_TYPE_ITEM, -ENOTSUP},
		{EINVAL, RTE_FLOW_ERROR_TYPE_ACTION_CONF, -ENOTSUP},
		/* The rule is blamed for nothing: the hardware failed. */
		{EINVAL, ANY, -EAGAIN},
		{EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE, -EAGAIN},
	};

	for (int templates = 0; templates <= 1; templates++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct fixture f;

			open_port(&f, templates);
			flow_driver_fail(
				templates ? FLOW_DRIVER_ENQUEUE_CREATE : FLOW_DRIVER_CREATE, 1,
				rows[i].error, rows[i].type);
			assert_int_equal(begin(&f, 7, NULL), rows[i].means);
			assert_non_null(strstr(tg_flow_message(f.port), "as told"));
			nothing_ends(&f);
			insert(&f, 7); /* it is as if it had never been asked for */
			close_port(&f);
		}
	}
}

/* What a driver thinks of a kind of rules is asked once. */
static void test_shapes_are_remembered(void **state)
{
	const struct tg_nic_rule other = rule_of(7, B(DROP));
	struct tg_nic_rule prefix = rule_of(7, B(COUNT) | B(DROP));
	const struct tg_nic_engine *engine;
	struct fixture f;

	open_port(&f, false);
	engine = &f.profile.engines[0];
	insert(&f, 7);
	insert(&f, 8);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_VALIDATE].calls, 1);
	/* Another mask is another kind. */
	prefix.match.mask.src[3] = prefix.match.spec.src[3] = 0;
	assert_int_equal(tg_flow_insert(f.port, &prefix, engine, NULL), 0);
	assert_int_equal(end(&f).error, 0);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_VALIDATE].calls, 2);
	/* Refused beside other rules. */
	flow_driver_fail(FLOW_DRIVER_VALIDATE, 1, ENOTSUP, ANY);
	for (int i = 0; i < 3; i++)
		assert_int_equal(tg_flow_insert(f.port, &other, engine, NULL), -ENOTSUP);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_VALIDATE].calls, 3);
	/* Without them it may be otherwise. */
	assert_int_equal(tg_flow_flush(f.port), 0);
	assert_int_equal(tg_flow_insert(f.port, &other, engine, NULL), 0);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_VALIDATE].calls, 4);
	close_port(&f);
}

static void test_refused_alone(void **state)
{
	struct fixture f;

	open_with(&f, false, NULL, 0);
	flow_driver_fail(FLOW_DRIVER_VALIDATE, 1, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_MASK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(begin(&f, 7, NULL), -ENOTSUP);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_VALIDATE].calls, 1);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_CREATE].calls, 0);
	close_port(&f);
}

static void test_unsound(void **state)
{
	const struct tg_nic_rule rule = rule_of(7, B(DROP) | B(DEC_TTL));
	struct fixture f;

	open_with(&f, false, &rule, 1);
	assert_int_equal(tg_flow_insert(f.port, &rule, &f.profile.engines[0], NULL), -ENOTSUP);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_VALIDATE].calls, 0);
	close_port(&f);
}

/* A value that is refused, or a moment, is not the shape. */
static void test_refused_for_now(void **state)
{
	struct fixture f;

	open_with(&f, false, NULL, 0);
	flow_driver_fail(FLOW_DRIVER_VALIDATE, 1, EINVAL, RTE_FLOW_ERROR_TYPE_ITEM_SPEC);
	assert_int_equal(begin(&f, 7, NULL), -ENOTSUP);
	flow_driver_fail(FLOW_DRIVER_VALIDATE, 1, EAGAIN, ANY);
	assert_int_equal(begin(&f, 8, NULL), -EAGAIN);
	insert(&f, 9);
	close_port(&f);
}

static void test_no_rte_flow(void **state)
{
	const struct tg_nic_rule shape = rule_of(1, B(DROP));
	struct fixture f;

	flow_driver_reset();
	profile_of(&f.profile, false);
	f.config = (struct tg_flow_config){
		.ethdev = null_port, .profile = &f.profile, .rules_max = 1, .n_queues = 1};
	flow_driver_fail(FLOW_DRIVER_VALIDATE, 1, ENOSYS, ANY);
	assert_int_equal(tg_flow_open(&f.config, &shape, 1, &f.port), -ENOTSUP);
	f.profile.templates = true;
	flow_driver_fail(FLOW_DRIVER_CONFIGURE, 1, ENOTSUP, ANY);
	assert_int_equal(tg_flow_open(&f.config, &shape, 1, &f.port), -ENOTSUP);
	/* As if it were started. */
	flow_driver_fail(FLOW_DRIVER_CONFIGURE, 1, EINVAL, ANY);
	assert_int_equal(tg_flow_open(&f.config, &shape, 1, &f.port), -EINVAL);
	flow_driver_fail(FLOW_DRIVER_TABLE, 1, ENOMEM, ANY);
	assert_int_equal(tg_flow_open(&f.config, &shape, 1, &f.port), -ENOMEM);
	assert_int_equal(flow_driver.templates, 0);
	f.config.rules_max = 0;
	assert_int_equal(tg_flow_open(&f.config, &shape, 1, &f.port), -EINVAL);
	f.config.rules_max = 1;
	tg_flow_close(NULL); /* what was not opened */
	f.config.ethdev = RTE_MAX_ETHPORTS - 1;
	assert_int_equal(tg_flow_open(&f.config, &shape, 1, &f.port), -EINVAL);
}

static void full(bool templates)
{
	struct tg_flow *flow = NULL;
	struct fixture f;

	open_port(&f, templates);
	for (uint32_t i = 0; i < RULES; i++)
		flow = insert(&f, i);
	assert_int_equal(begin(&f, RULES, NULL), -ENOSPC);
	assert_int_equal(take_out(&f, flow), 0);
	insert(&f, RULES);
	assert_int_equal(begin(&f, RULES + 1, NULL), -ENOSPC);
	assert_int_equal(flow_driver.rules, RULES);
	close_port(&f);

	open_port(&f, templates);
	flow_driver.capacity = 2;
	insert(&f, 1);
	insert(&f, 2);
	assert_int_equal(begin(&f, 3, NULL), -ENOSPC);
	close_port(&f);
}

static void test_full(void **state)
{
	full(false);
	full(true);
}

/* Counters have numbers of their own. */
static void test_counters(void **state)
{
	struct tg_flow *first;
	struct fixture f;
	uint32_t counter;

	open_port(&f, false);
	first = insert(&f, 1);
	counter = flow_driver.counter;
	insert(&f, 2);
	assert_int_not_equal(flow_driver.counter, counter);
	assert_true(flow_driver.counter < RULES);
	assert_int_equal(take_out(&f, first), 0);
	insert(&f, 3);
	assert_int_equal(flow_driver.counter, counter);
	close_port(&f);
}

/* A removal can be tried again, or nothing is known of the rule. */
static void test_failed_removal(void **state)
{
	struct tg_flow *flow, *other;
	struct fixture f;

	open_port(&f, false);
	flow = insert(&f, 7);
	other = insert(&f, 8);
	flow_driver_fail(FLOW_DRIVER_DESTROY, 2, EBUSY, ANY);
	assert_int_equal(tg_flow_remove(f.port, flow, NULL), -EAGAIN);
	assert_int_equal(tg_flow_remove(f.port, flow, NULL), -EAGAIN);
	nothing_ends(&f);
	assert_int_equal(take_out(&f, flow), 0);

	flow_driver_fail(FLOW_DRIVER_DESTROY, 1, EINVAL, RTE_FLOW_ERROR_TYPE_HANDLE);
	assert_int_equal(take_out(&f, other), -EIO);
	assert_int_equal(flow_driver.rules, 1);
	assert_int_equal(tg_flow_flush(f.port), 0);
	assert_int_equal(flow_driver.rules, 0);
	nothing_ends(&f);
	close_port(&f);

	open_port(&f, true);
	flow = insert(&f, 7);
	flow_driver_fail(FLOW_DRIVER_ENQUEUE_DESTROY, 1, EAGAIN, ANY);
	assert_int_equal(tg_flow_remove(f.port, flow, NULL), -EAGAIN);
	flow_driver_fail(FLOW_DRIVER_DESTROYED, 1, EIO, ANY);
	assert_int_equal(take_out(&f, flow), -EIO);
	assert_int_equal(flow_driver.rules, 1);
	assert_int_equal(tg_flow_flush(f.port), 0);
	assert_int_equal(flow_driver.rules, 0);
	close_port(&f);

	/* Whatever the driver says: it may be there. Until all have gone. */
	for (int templates = 0; templates <= 1; templates++) {
		struct tg_flow_done done;

		open_port(&f, templates);
		flow = insert(&f, 7);
		flow_driver_fail(templates ? FLOW_DRIVER_ENQUEUE_DESTROY : FLOW_DRIVER_DESTROY, 1,
			ENODEV, ANY);
		assert_int_equal(take_out(&f, flow), -EIO);
		assert_int_equal(tg_flow_flush(f.port), 0);
		flow = insert(&f, 7);
		flow_driver_fail(templates ? FLOW_DRIVER_ENQUEUE_DESTROY : FLOW_DRIVER_DESTROY, 1,
			ENODEV, ANY);
		assert_int_equal(tg_flow_remove(f.port, flow, &f), 0);
		assert_int_equal(tg_flow_flush(f.port), 0);
		done = end(&f);
		assert_true(done.removal);
		assert_int_equal(done.error, -ENODEV);
		close_port(&f);
	}

	/* The last chance is the end. */
	open_port(&f, false);
	flow = insert(&f, 7);
	flow_driver_fail(FLOW_DRIVER_DESTROY, 1, EIO, ANY);
	assert_int_equal(take_out(&f, flow), -EIO);
	close_port(&f);
}

/* After a flush that failed nothing is taken until one succeeds. */
static void test_failed_flush(void **state)
{
	for (int templates = 0; templates <= 1; templates++) {
		struct fixture f;

		open_port(&f, templates);
		insert(&f, 7);
		flow_driver_fail(FLOW_DRIVER_FLUSH, 1, EIO, ANY);
		assert_int_equal(tg_flow_flush(f.port), -EIO);
		assert_int_equal(begin(&f, 8, NULL), -EIO);
		assert_int_equal(tg_flow_flush(f.port), 0);
		insert(&f, 8);
		close_port(&f);
	}
}

/* A driver without flush: one by one. */
static void test_no_flush(void **state)
{
	struct fixture f;

	open_port(&f, false);
	for (uint32_t i = 0; i < 10; i++)
		insert(&f, i);
	flow_driver_fail(FLOW_DRIVER_FLUSH, UINT32_MAX, ENOSYS, ANY);
	flow_driver_fail(FLOW_DRIVER_DESTROY, 1, EIO, ANY);
	assert_int_equal(tg_flow_flush(f.port), -EIO);
	assert_int_equal(flow_driver.rules, 1);
	assert_int_equal(tg_flow_flush(f.port), 0);
	assert_int_equal(flow_driver.rules, 0);
	nothing_ends(&f);
	close_port(&f);
}

/* What was begun ends, what there was is void. */
static void lost(bool templates, enum tg_nic_on_stop on_stop)
{
	struct tg_flow_done done[4];
	struct fixture f;

	open_port(&f, templates);
	f.profile.on_stop = on_stop;
	insert(&f, 1);
	assert_int_equal(tg_flow_remove(f.port, insert(&f, 2), &f.port), 0);
	assert_int_equal(begin(&f, 3, &f.profile), 0);
	tg_flow_lost(f.port);
	assert_int_equal(
		flow_driver.op[FLOW_DRIVER_FLUSH].calls, on_stop != TG_NIC_ON_STOP_FLUSHED);
	if (on_stop == TG_NIC_ON_STOP_FLUSHED)
		flow_driver_stop();
	assert_int_equal(flow_driver.rules, 0);
	assert_int_equal(tg_flow_poll(f.port, done, 4), 2);
	for (int i = 0; i < 2; i++) {
		assert_null(done[i].flow);
		assert_ptr_equal(
			done[i].user, done[i].removal ? (void *)&f.port : (void *)&f.profile);
		assert_true(done[i].removal ? done[i].error == 0 : done[i].error == -ENODEV);
	}
	insert(&f, 1);
	assert_int_equal(flow_driver.rules, 1);
	close_port(&f);
}

static void test_lost(void **state)
{
	for (int templates = 0; templates <= 1; templates++) {
		lost(templates, TG_NIC_ON_STOP_LOST);
		lost(templates, TG_NIC_ON_STOP_FLUSHED);
		lost(templates, TG_NIC_ON_STOP_KEPT);
	}
}

/* What a driver kept although it was told not to is still there. */
static void test_kept_beyond_flush(void **state)
{
	struct fixture f;

	open_port(&f, false);
	f.profile.on_stop = TG_NIC_ON_STOP_KEPT;
	insert(&f, 1);
	flow_driver_fail(FLOW_DRIVER_FLUSH, 1, EIO, ANY);
	tg_flow_lost(f.port);
	assert_int_equal(begin(&f, 8, NULL), -EIO);
	assert_int_equal(tg_flow_flush(f.port), 0);
	insert(&f, 8);
	close_port(&f);
}

/* The queue holds so much and no more; ends are in no order. */
static void test_queue(void **state)
{
	struct tg_flow_done done[FLOW_DRIVER_QUEUE];
	uint64_t seen = 0;
	struct fixture f;

	open_port(&f, true);
	for (uintptr_t i = 0; i < FLOW_DRIVER_QUEUE; i++)
		assert_int_equal(begin(&f, (uint32_t)i, (void *)i), 0);
	assert_int_equal(begin(&f, 77, NULL), -EAGAIN);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_ENQUEUE_CREATE].calls, FLOW_DRIVER_QUEUE);
	assert_int_equal(tg_flow_poll(f.port, done, 5), 5);
	for (uintptr_t i = 0; i < 5; i++)
		assert_int_equal(begin(&f, 100 + (uint32_t)i, (void *)(32 + i)), 0);
	for (uint32_t i = 0; i < 5; i++)
		seen |= UINT64_C(1) << (uintptr_t)done[i].user;
	for (uint32_t n = 0; n < FLOW_DRIVER_QUEUE;) {
		uint32_t got = tg_flow_poll(f.port, done, FLOW_DRIVER_QUEUE);

		assert_int_not_equal(got, 0);
		for (uint32_t i = 0; i < got; i++)
			seen |= UINT64_C(1) << (uintptr_t)done[i].user;
		n += got;
	}
	assert_int_equal(seen, (UINT64_C(1) << 37) - 1);
	nothing_ends(&f);
	/* Removals share it. */
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(tg_flow_remove(f.port, done[i].flow, NULL), 0);
	assert_int_equal(tg_flow_poll(f.port, done, FLOW_DRIVER_QUEUE), 2);
	assert_int_equal(flow_driver.rules, 35);
	close_port(&f);
}

/* The handle of a creation that failed is given back before it is told. */
static void test_failed_result(void **state)
{
	struct tg_flow_done done;
	struct fixture f;

	open_port(&f, true);
	flow_driver_fail(FLOW_DRIVER_CREATED, 1, ENOSPC, ANY);
	assert_int_equal(begin(&f, 7, &f), 0);
	done = end(&f);
	assert_int_equal(done.error, -EAGAIN);
	assert_ptr_equal(done.user, &f);
	assert_null(done.flow);
	assert_int_equal(flow_driver.handles, 0);

	/* Also if there is no room for that just then. */
	flow_driver_fail(FLOW_DRIVER_CREATED, 1, ENOSPC, ANY);
	flow_driver_fail(FLOW_DRIVER_ENQUEUE_DESTROY, 2, EAGAIN, ANY);
	assert_int_equal(begin(&f, 7, &f), 0);
	for (int i = 0; i < 2; i++)
		nothing_ends(&f);
	done = end(&f);
	assert_int_equal(done.error, -EAGAIN);
	assert_int_equal(flow_driver.handles, 0);
	insert(&f, 7);
	close_port(&f);
}

/* Results from before the port was lost are nobody's. */
static void test_late_results(void **state)
{
	struct tg_flow_done done[4];
	struct tg_flow *flow;
	struct fixture f;

	open_port(&f, true);
	f.profile.on_stop = TG_NIC_ON_STOP_FLUSHED;
	flow = insert(&f, 1);
	flow_driver.stuck = true;
	assert_int_equal(tg_flow_remove(f.port, flow, NULL), 0);
	assert_int_equal(begin(&f, 2, NULL), 0);
	tg_flow_lost(f.port);
	flow_driver_stop();
	assert_int_equal(tg_flow_poll(f.port, done, 4), 2);
	assert_int_equal(done[0].error, -ENODEV);
	assert_int_equal(done[1].error, -ENODEV);
	flow_driver.stuck = false;
	insert(&f, 3);
	nothing_ends(&f);

	/* Also if they come before it was told how it ended. */
	flow_driver.stuck = true;
	assert_int_equal(begin(&f, 4, NULL), 0);
	assert_int_equal(tg_flow_poll(f.port, done, 4), 0);
	tg_flow_lost(f.port);
	flow_driver_stop();
	flow_driver.stuck = false;
	assert_int_equal(tg_flow_poll(f.port, done, 4), 1);
	assert_int_equal(done[0].error, -ENODEV);
	for (uint32_t i = 0; i < 2 * FLOW_DRIVER_QUEUE; i++)
		insert(&f, i);
	nothing_ends(&f);
	close_port(&f);
}

/* Operations that never end do not hold up a flush for ever, but it is no success. */
static void test_flush_of_what_does_not_end(void **state)
{
	struct tg_flow_done done;
	struct fixture f;

	open_port(&f, true);
	flow_driver.stuck = true;
	assert_int_equal(begin(&f, 2, NULL), 0);
	assert_int_equal(tg_flow_flush(f.port), -EIO);
	assert_int_equal(tg_flow_poll(f.port, &done, 1), 1);
	assert_int_equal(done.error, -ENODEV);
	assert_int_equal(begin(&f, 2, NULL), -EIO);
	flow_driver.stuck = false;
	assert_int_equal(tg_flow_flush(f.port), 0);
	insert(&f, 2);
	close_port(&f);
}

/* Rules of shapes that were not asked for have no template; what is reserved. */
static void test_templates(void **state)
{
	struct tg_nic_rule shapes[3] = {rule_of(1, B(COUNT) | B(DROP)),
		rule_of(1, B(COUNT) | B(AGE) | B(FORWARD) | B(DEC_TTL) | B(SET_MAC)),
		rule_of(2, B(COUNT) | B(DROP))}; /* the first one's shape */
	struct fixture f;

	shapes[1].priority = 3;
	shapes[1].guarded = UINT8_MAX;
	shapes[1].domain = TG_NIC_TRANSFER;
	shapes[1].to = 1;
	open_with(&f, true, shapes, 3);
	assert_int_equal(flow_driver.tables, 2);
	assert_int_equal(flow_driver.table_rules, RULES);
	assert_int_equal(flow_driver.configured.nb_counters, RULES);
	assert_int_equal(flow_driver.configured.nb_aging_objects, RULES);
	assert_int_equal(flow_driver.attr.priority, 3);
	assert_true(flow_driver.masks_fit);
	shapes[1].priority = 4;
	assert_int_equal(tg_flow_insert(f.port, &shapes[1], &f.profile.engines[0], NULL), -ENOTSUP);
	shapes[1].priority = 3;
	assert_int_equal(tg_flow_insert(f.port, &shapes[1], &f.profile.engines[0], NULL), 0);
	close_port(&f);

	/* What is the same for all rules is masked. */
	flow_driver_reset();
	f.profile.engines[0].modify_field = true;
	shapes[2].actions = B(JUMP);
	shapes[2].jump = 2;
	assert_int_equal(tg_flow_open(&f.config, shapes, 3, &f.port), 0);
	assert_int_equal(flow_driver.tables, 3);
	assert_true(flow_driver.masks_fit);
	close_port(&f);

	/* More counters than there are, are not asked for. */
	flow_driver_reset();
	f.config.rules_max = 6000;
	assert_int_equal(tg_flow_open(&f.config, shapes, 1, &f.port), 0);
	assert_int_equal(flow_driver.configured.nb_counters, 5000);
	assert_int_equal(flow_driver.configured.nb_aging_objects, 0);
	close_port(&f);

	/* A shape that is refused leaves nothing behind, and the others their room. */
	flow_driver_reset();
	flow_driver_fail(FLOW_DRIVER_TABLE, 1, ENOTSUP, ANY);
	assert_int_equal(tg_flow_open(&f.config, shapes, 3, &f.port), 0);
	assert_int_equal(flow_driver.tables, 2);
	assert_int_equal(flow_driver.templates, 4);
	assert_int_equal(begin(&f, 7, NULL), -ENOTSUP);
	close_port(&f);
}

/* How a packet is left to software is found out; never so that another rule acts on it. */
static void test_software(void **state)
{
	static const uint64_t queue = UINT64_C(1) << RTE_FLOW_ACTION_TYPE_QUEUE;
	static const uint64_t rss = UINT64_C(1) << RTE_FLOW_ACTION_TYPE_RSS;
	static const struct {
		uint16_t n_queues;
		uint32_t n_priorities;
		uint64_t refused;
		int word; /* -1: none */
	} rows[] = {
		{1, 1, 0, RTE_FLOW_ACTION_TYPE_QUEUE},
		{4, 1, 0, RTE_FLOW_ACTION_TYPE_RSS},
		{1, 1, queue, RTE_FLOW_ACTION_TYPE_PASSTHRU},
		{4, 1, rss, RTE_FLOW_ACTION_TYPE_PASSTHRU},
		{3, 1, 0, RTE_FLOW_ACTION_TYPE_PASSTHRU},
		{3, 2, 0, -1},
		{1, 2, queue, -1},
		{4, 2, rss, -1},
	};

	for (int templates = 0; templates <= 1; templates++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const struct tg_nic_rule rule = rule_of(7, B(SOFTWARE));
			struct fixture f;

			flow_driver_reset();
			flow_driver.words = rows[i].refused;
			profile_of(&f.profile, templates);
			f.profile.engines[0].n_priorities = rows[i].n_priorities;
			f.profile.engines[0].n_groups = 1;
			f.config = (struct tg_flow_config){.ethdev = null_port,
				.profile = &f.profile,
				.rules_max = RULES,
				.n_queues = rows[i].n_queues};
			assert_int_equal(tg_flow_open(&f.config, &rule, 1, &f.port), 0);
			assert_int_equal(tg_flow_insert(f.port, &rule, &f.profile.engines[0], NULL),
				rows[i].word < 0 ? -ENOTSUP : 0);
			if (rows[i].word >= 0)
				assert_int_equal(flow_driver.last_action, rows[i].word);
			close_port(&f);
		}
	}
}

/* The switch's rules go to its manager, and are not flushed with those of other ports. */
static void test_switch(void **state)
{
	struct tg_nic_rule rule = rule_of(7, B(COUNT) | B(FORWARD));
	struct tg_flow_done done[4];
	struct tg_flow *flow;
	struct fixture f;

	rule.domain = TG_NIC_TRANSFER;
	rule.port = null_port;
	rule.to = 1;
	rule.guarded = UINT8_MAX;
	flow_driver_reset();
	profile_of(&f.profile, false);
	flow_driver.proxy = 7;
	f.config = (struct tg_flow_config){
		.ethdev = null_port, .profile = &f.profile, .rules_max = RULES, .n_queues = 1};
	assert_int_equal(tg_flow_open(&f.config, &rule, 1, &f.port), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(tg_flow_insert(f.port, &rule, &f.profile.engines[0], NULL), 0);
	assert_int_equal(flow_driver.port, 7);
	assert_true(flow_driver.attr.transfer);
	assert_int_equal(tg_flow_poll(f.port, done, 4), 3);
	flow = done[0].flow;
	flow_driver_fail(FLOW_DRIVER_DESTROY, 1, EIO, ANY);
	assert_int_equal(take_out(&f, flow), -EIO);
	assert_int_equal(flow_driver.port, 7);
	/* That one is tried again, and fails, and again. */
	flow_driver_fail(FLOW_DRIVER_DESTROY, 1, EIO, ANY);
	assert_int_equal(tg_flow_flush(f.port), -EIO);
	assert_int_equal(flow_driver.rules, 1);
	assert_int_equal(tg_flow_flush(f.port), 0);
	assert_int_equal(flow_driver.rules, 0);
	assert_int_equal(flow_driver.op[FLOW_DRIVER_FLUSH].calls, 0);
	rule.actions |= B(AGE);
	assert_int_equal(tg_flow_insert(f.port, &rule, &f.profile.engines[0], NULL), -ENOTSUP);
	close_port(&f);

	/* Its templates are made by its manager alone. */
	rule.actions = B(COUNT) | B(FORWARD);
	f.profile.templates = true;
	assert_int_equal(tg_flow_open(&f.config, &rule, 1, &f.port), 0);
	assert_int_equal(tg_flow_insert(f.port, &rule, &f.profile.engines[0], NULL), -ENOTSUP);
	assert_int_equal(flow_driver.tables, 0);
	close_port(&f);
	flow_driver.proxy = null_port;
	assert_int_equal(tg_flow_open(&f.config, &rule, 1, &f.port), 0);
	assert_int_equal(flow_driver.tables, 1);
	assert_int_equal(tg_flow_insert(f.port, &rule, &f.profile.engines[0], NULL), 0);
	close_port(&f);
}

/* Idle rules are told by their users; not those that are gone, nor what was never there. */
static void test_aged(void **state)
{
	const struct tg_nic_rule rule = rule_of(7, B(AGE) | B(DROP));
	struct tg_flow_done done[4];
	struct fixture f;
	void *users[4];

	open_with(&f, false, &rule, 1);
	for (uintptr_t i = 0; i < 3; i++)
		assert_int_equal(
			tg_flow_insert(f.port, &rule, &f.profile.engines[0], (void *)(i + 1)), 0);
	assert_int_equal(tg_flow_poll(f.port, done, 4), 3);
	assert_int_equal(tg_flow_aged(f.port, users, 4), 0);
	flow_driver_age(1);
	flow_driver_age_stranger();
	flow_driver_age(0);
	assert_int_equal(take_out(&f, done[0].flow), 0);
	assert_int_equal(tg_flow_insert(f.port, &rule, &f.profile.engines[0], (void *)9), 0);
	assert_int_equal(tg_flow_poll(f.port, done, 4), 1); /* in the record of the first */
	assert_int_equal(tg_flow_remove(f.port, done[2].flow, NULL), 0);
	flow_driver_age(2); /* it has gone, but that was not told yet */
	assert_int_equal(tg_flow_aged(f.port, users, 4), 1);
	assert_ptr_equal(users[0], (void *)2);
	assert_int_equal(tg_flow_aged(f.port, users, 4), 0);
	close_port(&f);
}

/* Ends that nobody takes are not piled up without limit. */
static void test_untaken_ends(void **state)
{
	struct tg_flow_done done[64];
	uint32_t begun = 0, taken = 0, n;
	struct fixture f;

	open_port(&f, false);
	for (uint32_t i = 0; i < 10 * RULES; i++) {
		if (begin(&f, i, NULL) != 0)
			break;
		begun++;
		tg_flow_flush(f.port); /* ends it */
	}
	assert_true(begun < 10 * RULES);
	assert_int_equal(begin(&f, 1, NULL), -EAGAIN);
	while ((n = tg_flow_poll(f.port, done, 64)) != 0)
		taken += n;
	assert_int_equal(taken, begun);
	insert(&f, 1);
	close_port(&f);
}

/* Many rules come and go in any order. */
static void many(bool templates)
{
	struct tg_flow **flows = calloc(MANY, sizeof(*flows));
	struct tg_flow_done done[64];
	uint32_t there = 0, begun = 0, under_way = 0, n;
	uint64_t seed = 1;
	struct fixture f;
	const struct tg_nic_rule shape = rule_of(1, B(COUNT) | B(DROP));

	flow_driver_reset();
	profile_of(&f.profile, templates);
	f.config = (struct tg_flow_config){
		.ethdev = null_port, .profile = &f.profile, .rules_max = MANY, .n_queues = 1};
	assert_int_equal(tg_flow_open(&f.config, &shape, 1, &f.port), 0);
	while (begun < FLOW_DRIVER_RULES - 1000 || under_way > 0) {
		if (begun < FLOW_DRIVER_RULES - 1000 && begin(&f, begun, NULL) == 0) {
			begun++;
			under_way++;
		}
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		if (there > 50000 || (there > 0 && seed >> 62 == 0)) {
			uint32_t i = (uint32_t)(seed >> 32) % there;

			if (tg_flow_remove(f.port, flows[i], NULL) == 0) {
				flows[i] = flows[--there];
				under_way++;
			}
		}
		n = tg_flow_poll(f.port, done, 1 + (uint32_t)(seed >> 40) % 64);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(done[i].error, 0);
			if (!done[i].removal)
				flows[there++] = done[i].flow;
		}
		under_way -= n;
	}
	assert_int_equal(flow_driver.rules, there);
	assert_int_equal(flow_driver.handles, there);
	assert_int_not_equal(there, 0);
	close_port(&f);
	free(flows);
}

static void test_many(void **state)
{
	many(false);
	many(true);
}

static int start(void **state)
{
	const struct rte_eth_conf conf = {0};

	test_eal_start("64");
	if (rte_eal_hotplug_add("vdev", "net_null0", "") != 0 ||
		rte_eth_dev_get_port_by_name("net_null0", &null_port) != 0)
		return -1;
	return rte_eth_dev_configure(null_port, 1, 1, &conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_and_out),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_errors_of_creation),
		cmocka_unit_test(test_shapes_are_remembered),
		cmocka_unit_test(test_refused_alone),
		cmocka_unit_test(test_unsound),
		cmocka_unit_test(test_refused_for_now),
		cmocka_unit_test(test_no_rte_flow),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_failed_removal),
		cmocka_unit_test(test_failed_flush),
		cmocka_unit_test(test_no_flush),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_kept_beyond_flush),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_failed_result),
		cmocka_unit_test(test_late_results),
		cmocka_unit_test(test_flush_of_what_does_not_end),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_software),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_aged),
		cmocka_unit_test(test_untaken_ends),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
