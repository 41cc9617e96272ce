/* SPDX-License-Identifier: BSD-3-Clause */
/* Templates, tables, queues. */
#include "lab.h"

#include <string.h>

#define P4 "10.1.0.1 > 10.2.0.1 "
#define SIZE 8

static struct rte_flow_pattern_template *pattern;
static struct rte_flow_actions_template *action;
static struct rte_flow_template_table *table;

static void configure(uint32_t flags)
{
	struct rte_flow_port_attr attr = {
		.nb_counters = 64, .nb_aging_objects = 64, .flags = flags};
	struct rte_flow_queue_attr queue = {.size = SIZE};
	const struct rte_flow_queue_attr *queues[] = {&queue, &queue};

	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_int_equal(rte_flow_configure(lab.port[0], &attr, 2, queues, &lab.error), 0);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
}

/* Templates of a rule in words; the masks say what of the actions is the same for all rules. */
static void templates(const char *rule, const char *masks, uint32_t n_rules)
{
	struct rte_flow_pattern_template_attr pattern_attr = {.ingress = 1};
	struct rte_flow_actions_template_attr actions_attr = {.ingress = 1};
	struct rte_flow_template_table_attr table_attr = {.nb_flows = n_rules};
	struct words w = {.context = NULL}, m = {.context = NULL};

	words_read(&w, rule);
	words_read(&m, masks);
	table_attr.flow_attr = w.attr;
	for (unsigned int i = 0; m.actions[i].type != RTE_FLOW_ACTION_TYPE_END; i++)
		if (m.actions[i].conf != NULL)
			memset(m.of_action[i], m.of_action[i][0] != 0 ? 0xff : 0, WORDS_BYTES);
	pattern = rte_flow_pattern_template_create(lab.port[0], &pattern_attr, w.items, &lab.error);
	assert_non_null(pattern);
	action = rte_flow_actions_template_create(
		lab.port[0], &actions_attr, w.actions, m.actions, &lab.error);
	assert_non_null(action);
	table = rte_flow_template_table_create(
		lab.port[0], &table_attr, &pattern, 1, &action, 1, &lab.error);
	assert_non_null(table);
}

static struct rte_flow *create(unsigned int queue, const char *rule, bool postpone, void *user)
{
	struct rte_flow_op_attr op = {.postpone = postpone};
	struct words w = {.context = NULL};

	words_read(&w, rule);
	return rte_flow_async_create(
		lab.port[0], queue, &op, table, w.items, 0, w.actions, 0, user, &lab.error);
}

static int destroy(unsigned int queue, struct rte_flow *flow, void *user)
{
	struct rte_flow_op_attr op = {0};

	return rte_flow_async_destroy(lab.port[0], queue, &op, flow, user, &lab.error);
}

static int pull(unsigned int queue, struct rte_flow_op_result *results, uint16_t n)
{
	return rte_flow_pull(lab.port[0], queue, results, n, &lab.error);
}

static struct nicmodel_rules rules(void)
{
	struct nicmodel_rules r;

	nicmodel_rules(lab.port[0], &r);
	return r;
}

#define DROP_PORT(n) "ingress : eth / ipv4 / udp dport=" #n " : count / drop"

static void rules_come_and_go(void **state)
{
	struct rte_flow_op_result results[4];
	struct rte_flow *flow;
	int a, b;

	configure(0);
	templates(DROP_PORT(1), DROP_PORT(1), 64);
	flow = create(0, DROP_PORT(2), false, &a);
	assert_non_null(flow);
	assert_int_equal(pull(0, results, 4), 1);
	assert_ptr_equal(results[0].user_data, &a);
	assert_int_equal(results[0].status, RTE_FLOW_OP_SUCCESS);
	assert_int_equal(pull(0, results, 4), 0);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_true(lab_passes(0, P4 "udp 1>3"));
	assert_int_equal(lab_hits(0, flow), 1);
	assert_int_equal(destroy(1, flow, &b), 0);
	assert_int_equal(pull(0, results, 4), 0);
	assert_int_equal(pull(1, results, 4), 1);
	assert_ptr_equal(results[0].user_data, &b);
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_int_equal(rules().handles, 0);
	assert_int_equal(rules().early_destroys, 0);
}

static void postponed_until_pushed(void **state)
{
	struct rte_flow_op_result results[4];

	configure(0);
	templates(DROP_PORT(1), DROP_PORT(1), 64);
	assert_non_null(create(0, DROP_PORT(2), true, NULL));
	assert_non_null(create(0, DROP_PORT(3), true, NULL));
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_int_equal(pull(0, results, 4), 0);
	assert_int_equal(rte_flow_push(lab.port[0], 0, &lab.error), 0);
	assert_int_equal(pull(0, results, 1), 1);
	assert_int_equal(pull(0, results, 4), 1);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_true(lab_dropped(0, P4 "udp 1>3"));
	/* One that is not postponed takes the others with it. */
	assert_non_null(create(0, DROP_PORT(4), true, NULL));
	assert_non_null(create(0, DROP_PORT(5), false, NULL));
	assert_int_equal(pull(0, results, 4), 2);
	assert_true(lab_dropped(0, P4 "udp 1>4"));
}

static void queues_fill_up(void **state)
{
	struct rte_flow_op_result results[SIZE];
	static const char *const text = DROP_PORT(2);
	struct rte_flow *flow = NULL;

	configure(0);
	templates(DROP_PORT(1), DROP_PORT(1), 64);
	flow = create(0, text, false, NULL);
	for (unsigned int i = 1; i < SIZE; i++)
		assert_non_null(create(0, DROP_PORT(9), true, NULL));
	assert_null(create(0, DROP_PORT(3), false, NULL));
	assert_int_equal(rte_errno, ENOMEM);
	assert_int_equal(destroy(0, flow, NULL), -ENOMEM);
	assert_non_null(create(1, DROP_PORT(3), false, NULL)); /* the other queue */
	rte_flow_push(lab.port[0], 0, &lab.error);
	assert_int_equal(pull(0, results, SIZE), SIZE);
	/* The second of equal rules, and all after it. */
	assert_int_equal(results[1].status, RTE_FLOW_OP_SUCCESS);
	for (unsigned int i = 2; i < SIZE; i++)
		assert_int_equal(results[i].status, RTE_FLOW_OP_ERROR);
	assert_int_equal(destroy(0, flow, NULL), 0);
}

static void failed_rules_have_handles(void **state)
{
	struct rte_flow_op_result results[2];
	struct rte_flow *flow;

	configure(0);
	templates(DROP_PORT(1), DROP_PORT(1), 64);
	nicmodel_fail(lab.port[0], NICMODEL_ASYNC_CREATE, EIO, 0, 1);
	flow = create(0, DROP_PORT(2), false, NULL);
	assert_non_null(flow);
	assert_int_equal(pull(0, results, 2), 1);
	assert_int_equal(results[0].status, RTE_FLOW_OP_ERROR);
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_int_equal(rules().handles, 1);
	assert_int_equal(destroy(0, flow, NULL), 0);
	assert_int_equal(rules().handles, 0);
	assert_int_equal(pull(0, results, 2), 1);
	assert_int_equal(results[0].status, RTE_FLOW_OP_SUCCESS);
}

static void misuse_is_noticed(void **state)
{
	struct rte_flow_op_result results[SIZE];
	struct rte_flow *flow;

	configure(0);
	templates(DROP_PORT(1), DROP_PORT(1), 64);
	flow = create(0, DROP_PORT(2), false, NULL);
	assert_int_equal(destroy(0, flow, NULL), 0); /* its result was not pulled */
	assert_int_equal(rules().early_destroys, 1);
	assert_int_equal(destroy(0, flow, NULL), -EINVAL);
	assert_int_equal(rules().stale_handles, 1);
	assert_int_equal(pull(0, results, SIZE), 2);
	assert_int_equal(pull(7, results, SIZE), -EINVAL);
	assert_null(create(7, DROP_PORT(2), false, NULL));
	assert_null(create(0, "ingress : eth / ipv4 / tcp dport=2 : count / drop", false, NULL));
	assert_null(create(0, "ingress : eth / ipv4 / udp dport=2 : count / queue=0", false, NULL));
	assert_null(create(0, "ingress : eth / ipv4 / udp : count / drop", false, NULL));
	assert_int_equal(rte_errno, EINVAL);
}

static void tables_have_sizes(void **state)
{
	struct rte_flow_op_result results[4];
	struct rte_flow *flow;

	configure(0);
	templates(DROP_PORT(1), DROP_PORT(1), 3);
	flow = create(0, DROP_PORT(2), false, NULL);
	assert_non_null(create(0, DROP_PORT(3), false, NULL));
	assert_non_null(create(0, DROP_PORT(4), false, NULL));
	assert_non_null(create(0, DROP_PORT(5), false, NULL)); /* a power of two */
	assert_null(create(0, DROP_PORT(6), false, NULL));
	assert_int_equal(rte_errno, ENOSPC);
	assert_int_equal(pull(0, results, 4), 4);
	assert_int_equal(destroy(0, flow, NULL), 0);
	assert_non_null(create(0, DROP_PORT(6), false, NULL));
	assert_int_equal(rte_flow_template_table_destroy(lab.port[0], table, &lab.error), -EBUSY);
	assert_int_equal(
		rte_flow_pattern_template_destroy(lab.port[0], pattern, &lab.error), -EBUSY);
	assert_int_equal(rte_flow_flush(lab.port[0], &lab.error), 0);
	assert_int_equal(rte_flow_template_table_destroy(lab.port[0], table, &lab.error), 0);
	assert_int_equal(rte_flow_pattern_template_destroy(lab.port[0], pattern, &lab.error), 0);
	assert_int_equal(rte_flow_actions_template_destroy(lab.port[0], action, &lab.error), 0);
}

/* A mask of ones: the template's value holds; zeros: the rule's. */
static void values_are_constant_or_not(void **state)
{
	struct lab_seen seen;

	configure(0);
	templates("ingress : eth / ipv4 / udp dport=1 : mark=7 / queue=0",
		"ingress : eth : mark=1 / queue=0", 8);
	assert_non_null(
		create(0, "ingress : eth / ipv4 / udp dport=2 : mark=9 / queue=1", false, NULL));
	lab_send(0, P4 "udp 1>2", &seen);
	assert_true(seen.marked);
	assert_int_equal(seen.mark, 7);
	assert_int_equal(seen.queue, 1);
}

static void masks_are_the_templates(void **state)
{
	configure(0);
	templates("ingress : eth / ipv4 src=0&255.255.0.0 / udp : drop", "ingress : eth : drop", 8);
	assert_non_null(create(0, "ingress : eth / ipv4 src=10.1.2.3 / udp : drop", false, NULL));
	assert_true(lab_dropped(0, "10.1.9.9 > 10.2.0.1 udp 1>2"));
	assert_true(lab_passes(0, "10.2.2.3 > 10.2.0.1 udp 1>2"));
}

static void relaxed_items_say_nothing(void **state)
{
	struct rte_flow_pattern_template_attr relaxed = {.ingress = 1, .relaxed_matching = 1};
	struct rte_flow_template_table_attr attr = {.flow_attr = {.ingress = 1}, .nb_flows = 8};
	struct words w = {.context = NULL};

	configure(0);
	templates("ingress : eth / ipv4 src=10.1.0.1 / udp : drop", "ingress : eth : drop", 8);
	words_read(&w, "ingress : eth / ipv4 src=10.1.0.1 / udp : drop");
	pattern = rte_flow_pattern_template_create(lab.port[0], &relaxed, w.items, &lab.error);
	table = rte_flow_template_table_create(
		lab.port[0], &attr, &pattern, 1, &action, 1, &lab.error);
	assert_non_null(table);
	assert_non_null(create(0, "ingress : eth / ipv4 src=10.1.0.1 / udp : drop", false, NULL));
	assert_true(lab_dropped(0, P4 "tcp 1>2 S"));
}

static void stops_end_what_is_under_way(void **state)
{
	struct rte_flow_op_result results[4];
	struct nicmodel_quirks quirks;
	struct rte_flow *flow;

	configure(0);
	templates(DROP_PORT(1), DROP_PORT(1), 64);
	nicmodel_quirks_get(lab.port[0], &quirks);
	quirks.on |= 1u << TG_NIC_HAZARD_LOST_ON_STOP;
	quirks.flushed_on_stop = true;
	nicmodel_quirks_set(lab.port[0], &quirks);
	flow = create(0, DROP_PORT(2), true, NULL);
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_int_equal(pull(0, results, 4), 1);
	assert_int_equal(results[0].status, RTE_FLOW_OP_ERROR);
	assert_int_equal(destroy(0, flow, NULL), -EINVAL);
	assert_null(create(0, DROP_PORT(2), false, NULL));
	assert_int_equal(rte_errno, ENODEV);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
	assert_non_null(create(0, DROP_PORT(2), false, NULL));
	assert_true(lab_dropped(0, P4 "udp 1>2"));
}

static void ages_are_told_by_queue(void **state)
{
	struct rte_flow *flow;
	void *contexts[2];

	configure(RTE_FLOW_PORT_FLAG_STRICT_QUEUE);
	templates("ingress : eth / ipv4 / udp dport=1 : age=1 / drop",
		"ingress : eth : age=0 / drop", 8);
	flow = create(1, "ingress : eth / ipv4 / udp dport=2 : age=5 / drop", false, NULL);
	assert_non_null(flow);
	nicmodel_clock_advance(6000);
	assert_int_equal(rte_flow_get_aged_flows(lab.port[0], contexts, 2, &lab.error), -EINVAL);
	assert_int_equal(rte_flow_get_q_aged_flows(lab.port[0], 0, contexts, 2, &lab.error), 0);
	assert_int_equal(rte_flow_get_q_aged_flows(lab.port[0], 1, contexts, 2, &lab.error), 1);
	assert_ptr_equal(contexts[0], flow);
}

static void profiles_have_templates_or_not(void **state)
{
	struct rte_flow_pattern_template_attr attr = {.ingress = 1};
	struct rte_flow_port_info info;
	struct rte_flow_queue_info queue_info;
	struct tg_nic_profile profile;
	struct words w = {.context = NULL};

	words_read(&w, DROP_PORT(1));
	assert_int_equal(rte_flow_info_get(lab.port[0], &info, &queue_info, &lab.error), 0);
	assert_true(info.max_nb_queues >= 2 && queue_info.max_size >= SIZE);
	lab_close();
	lab_profile(&profile);
	lab_open(&profile);
	assert_int_equal(rte_flow_info_get(lab.port[0], &info, &queue_info, &lab.error), -ENOTSUP);
	assert_null(rte_flow_pattern_template_create(lab.port[0], &attr, w.items, &lab.error));
	lab_close();
	profile.templates = true;
	lab_open(&profile);
	lab_rule(0, DROP_PORT(1));
	assert_int_equal(rte_flow_flush(lab.port[0], &lab.error), 0);
	configure(0);
	lab_refused(0, DROP_PORT(1), ENOTSUP, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	templates(DROP_PORT(1), DROP_PORT(1), 64);
	assert_non_null(create(0, DROP_PORT(2), false, NULL));
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	lab_close();
	lab_open(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)

int run_async_tests(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(rules_come_and_go),
		TEST(postponed_until_pushed),
		TEST(queues_fill_up),
		TEST(failed_rules_have_handles),
		TEST(misuse_is_noticed),
		TEST(tables_have_sizes),
		TEST(values_are_constant_or_not),
		TEST(masks_are_the_templates),
		TEST(relaxed_items_say_nothing),
		TEST(stops_end_what_is_under_way),
		TEST(ages_are_told_by_queue),
		TEST(profiles_have_templates_or_not),
	};

	return cmocka_run_group_tests_name("async", tests, NULL, NULL);
}
