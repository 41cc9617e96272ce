/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to rules: time, stops, resets, failures, handles that are none. */
#include "lab.h"

#include <string.h>

#define P4 "10.1.0.1 > 10.2.0.1 "
#define DROP "ingress : eth / ipv4 / udp dport=2 : count / drop"

static int told;

static int tell(uint16_t port, enum rte_eth_event_type event, void *arg, void *ret)
{
	told++;
	return 0;
}

static void hear(enum rte_eth_event_type event)
{
	told = 0;
	assert_int_equal(rte_eth_dev_callback_register(lab.port[0], event, tell, NULL), 0);
}

static void unhear(enum rte_eth_event_type event)
{
	assert_int_equal(rte_eth_dev_callback_unregister(lab.port[0], event, tell, NULL), 0);
}

static struct nicmodel_rules rules(void)
{
	struct nicmodel_rules r;

	nicmodel_rules(lab.port[0], &r);
	return r;
}

static int aged(void **contexts, uint32_t n)
{
	return rte_flow_get_aged_flows(lab.port[0], contexts, n, &lab.error);
}

static struct rte_flow_query_age age_of(struct rte_flow *flow)
{
	struct rte_flow_action actions[] = {
		{.type = RTE_FLOW_ACTION_TYPE_AGE}, {.type = RTE_FLOW_ACTION_TYPE_END}};
	struct rte_flow_query_age age;

	assert_int_equal(rte_flow_query(lab.port[0], flow, actions, &age, &lab.error), 0);
	return age;
}

/* --- ages -------------------------------------------------------------------------------- */

static void rules_age(void **state)
{
	struct rte_flow *flow = lab_rule(0, "ingress : eth / ipv4 / udp dport=2 : age=10 / drop");
	void *contexts[4];

	hear(RTE_ETH_EVENT_FLOW_AGED);
	nicmodel_clock_advance(9000);
	assert_int_equal(aged(NULL, 0), 0);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	nicmodel_clock_advance(5000);
	assert_int_equal(age_of(flow).sec_since_last_hit, 5);
	assert_false(age_of(flow).aged);
	assert_int_equal(told, 0);
	nicmodel_clock_advance(6000);
	assert_int_equal(told, 1);
	assert_true(age_of(flow).aged);
	assert_int_equal(aged(NULL, 0), 1);
	assert_int_equal(aged(contexts, 4), 1);
	assert_ptr_equal(contexts[0], flow); /* no context was given */
	assert_int_equal(aged(contexts, 4), 0);
	/* Aged is not removed. */
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	lab_destroy(0, flow);
	nicmodel_clock_advance(60000);
	assert_int_equal(told, 1);
	assert_int_equal(rules().aged, 1);
	unhear(RTE_ETH_EVENT_FLOW_AGED);
}

static void ages_have_contexts(void **state)
{
	struct words w = {.context = &lab};
	void *contexts[1];

	words_read(&w, "ingress : eth / ipv4 : age=3 / drop");
	assert_non_null(rte_flow_create(lab.port[0], &w.attr, w.items, w.actions, &lab.error));
	w.context = &w;
	words_read(&w, "ingress : eth / ipv6 : age=1 / drop");
	assert_non_null(rte_flow_create(lab.port[0], &w.attr, w.items, w.actions, &lab.error));
	nicmodel_clock_advance(5000);
	assert_int_equal(aged(contexts, 1), 1);
	assert_ptr_equal(contexts[0], &w); /* it was due first */
	assert_int_equal(aged(contexts, 1), 1);
	assert_ptr_equal(contexts[0], &lab);
}

/* Longer than the wheel has slots, and all at once after that. */
static void long_ages(void **state)
{
	struct rte_flow *flow = lab_rule(0, "ingress : eth / ipv4 : age=100000 / drop");

	lab_rule(0, "ingress : eth / ipv6 : age=1 / drop");
	nicmodel_clock_advance(99999 * 1000u);
	assert_int_equal(aged(NULL, 0), 1);
	assert_false(age_of(flow).aged);
	nicmodel_clock_advance(2000);
	assert_true(age_of(flow).aged);
}

static void ages_are_shared(void **state)
{
	struct rte_flow_indir_action_conf conf = {.ingress = 1};
	struct rte_flow_action_age age = {.timeout = 10};
	struct rte_flow_action action = {.type = RTE_FLOW_ACTION_TYPE_AGE, .conf = &age};
	struct rte_flow_update_age update = {.timeout_valid = 1, .timeout = 30};
	struct rte_flow_query_age query;
	struct rte_flow *flow;
	void *contexts[1];

	words_indirect[0] = rte_flow_action_handle_create(lab.port[0], &conf, &action, &lab.error);
	assert_non_null(words_indirect[0]);
	lab_rule(0, "ingress : eth / ipv4 / udp dport=2 : indirect=0 / drop");
	flow = lab_rule(0, "ingress : eth / ipv4 / udp dport=3 : indirect=0 / drop");
	nicmodel_clock_advance(8000);
	assert_true(lab_dropped(0, P4 "udp 1>3"));
	nicmodel_clock_advance(8000);
	assert_false(age_of(flow).aged);
	assert_int_equal(
		rte_flow_action_handle_update(lab.port[0], words_indirect[0], &update, &lab.error),
		0);
	nicmodel_clock_advance(20000);
	assert_false(age_of(flow).aged);
	nicmodel_clock_advance(3000);
	assert_true(age_of(flow).aged);
	assert_int_equal(aged(contexts, 1), 1);
	assert_ptr_equal(contexts[0], words_indirect[0]);
	update = (struct rte_flow_update_age){.touch = 1};
	assert_int_equal(
		rte_flow_action_handle_update(lab.port[0], words_indirect[0], &update, &lab.error),
		0);
	assert_int_equal(
		rte_flow_action_handle_query(lab.port[0], words_indirect[0], &query, &lab.error),
		0);
	assert_false(query.aged);
	assert_int_equal(query.sec_since_last_hit, 0);
}

/* --- stops ------------------------------------------------------------------------------- */

static void restart(void)
{
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
}

static bool keeps(void)
{
	struct rte_eth_dev_info info;

	assert_int_equal(rte_eth_dev_info_get(lab.port[0], &info), 0);
	return (info.dev_capa & RTE_ETH_DEV_CAPA_FLOW_RULE_KEEP) != 0;
}

static void stop_keeps(void **state)
{
	struct rte_flow *flow = lab_rule(0, DROP);

	assert_true(keeps());
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_non_null(lab_try(0, "ingress : eth / ipv4 / udp dport=3 : drop"));
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_true(lab_dropped(0, P4 "udp 1>3"));
	assert_int_equal(lab_hits(0, flow), 2);
}

static void stop_loses(void **state)
{
	struct rte_flow_query_count count = {0};
	struct rte_flow *flow;

	lab_quirk(TG_NIC_HAZARD_LOST_ON_STOP);
	assert_false(keeps());
	flow = lab_rule(0, DROP);
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	lab_refused(0, DROP, ENODEV, RTE_FLOW_ERROR_TYPE_STATE);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_int_equal(lab_query(0, flow, &count), -ENOENT);
	assert_int_equal(rules().leaked, 1);
	assert_int_equal(rules().gone, 1);
	lab_destroy(0, flow);
	assert_int_equal(rules().gone, 0);
	assert_int_equal(rules().stale_handles, 0);
	lab_rule(0, DROP);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
}

static void flushed_on_stop(struct nicmodel_quirks *quirks)
{
	quirks->on |= 1u << TG_NIC_HAZARD_LOST_ON_STOP;
	quirks->flushed_on_stop = true;
}

static void stop_flushes(void **state)
{
	struct rte_flow_query_count count = {0};
	struct rte_flow *flow, *next;

	lab_quirks(flushed_on_stop);
	flow = lab_rule(0, DROP);
	restart();
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_int_equal(rules().handles, 0);
	assert_int_equal(rules().leaked, 0);
	/* The number is somebody else's now; the handle still is not. */
	next = lab_rule(0, DROP);
	assert_int_equal(rte_flow_destroy(lab.port[0], flow, &lab.error), -EINVAL);
	assert_int_equal(lab.error.type, RTE_FLOW_ERROR_TYPE_HANDLE);
	assert_int_equal(lab_query(0, flow, &count), -EINVAL);
	assert_int_equal(rules().stale_handles, 2);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	lab_destroy(0, next);
}

/* Rules of the switch that were made by a port that is stopped, rte_flow.rst. */
static void stopped_ports_rules_do_not_act(void **state)
{
	char rule[128];

	snprintf(rule, sizeof(rule), "transfer : from=%u / eth : drop", lab.port[1]);
	lab_rule(0, rule);
	assert_true(lab_dropped(1, P4 "udp 1>2"));
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_true(lab_passes(1, P4 "udp 1>2"));
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
	assert_true(lab_dropped(1, P4 "udp 1>2"));
}

static void handles_are_checked(void **state)
{
	struct rte_flow *flow = lab_rule(0, DROP);

	assert_int_equal(rte_flow_destroy(lab.port[1], flow, &lab.error), -EINVAL);
	lab_destroy(0, flow);
	assert_int_equal(rte_flow_destroy(lab.port[0], flow, &lab.error), -EINVAL);
	assert_int_equal(rte_flow_destroy(lab.port[0], NULL, &lab.error), -EINVAL);
	assert_int_equal(rules().stale_handles, 3);
}

static void flush_is_by_port(void **state)
{
	lab_rule(0, DROP);
	lab_rule(0, "ingress : eth / ipv6 : drop");
	lab_rule(1, DROP);
	assert_int_equal(rte_flow_flush(lab.port[0], &lab.error), 0);
	assert_int_equal(rules().rules, 1);
	assert_int_equal(rules().destroyed, 2);
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_true(lab_dropped(1, P4 "udp 1>2"));
}

static void isolation(void **state)
{
	struct nicmodel_stats stats;

	assert_int_equal(rte_flow_isolate(lab.port[0], 1, &lab.error), -EBUSY);
	assert_int_equal(rte_eth_dev_stop(lab.port[0]), 0);
	assert_int_equal(rte_flow_isolate(lab.port[0], 1, &lab.error), 0);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
	lab_rule(0, "ingress : eth / ipv4 / udp dport=2 : queue=0");
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_true(lab_dropped(0, P4 "udp 1>3"));
	nicmodel_stats(lab.port[0], &stats);
	assert_int_equal(stats.isolated, 1);
}

/* --- trouble ----------------------------------------------------------------------------- */

static void operations_fail_on_demand(void **state)
{
	struct rte_flow_query_count count = {0};
	struct rte_flow *flow;

	nicmodel_fail(lab.port[0], NICMODEL_CREATE, EIO, 1, 2);
	flow = lab_rule(0, DROP);
	lab_refused(0, "ingress : eth / ipv6 : drop", EIO, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	lab_refused(0, "ingress : eth / ipv6 : drop", EIO, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	lab_rule(0, "ingress : eth / ipv6 : drop");
	nicmodel_fail(lab.port[0], NICMODEL_QUERY, EAGAIN, 0, 1);
	assert_int_equal(lab_query(0, flow, &count), -EAGAIN);
	assert_int_equal(lab_query(0, flow, &count), 0);
	nicmodel_fail(lab.port[0], NICMODEL_DESTROY, EBUSY, 0, 1);
	assert_int_equal(rte_flow_destroy(lab.port[0], flow, &lab.error), -EBUSY);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	lab_destroy(0, flow);
	nicmodel_fail(lab.port[0], NICMODEL_FLUSH, EIO, 0, 1);
	assert_int_equal(rte_flow_flush(lab.port[0], &lab.error), -EIO);
	assert_int_equal(rules().rules, 1);
}

static void links_flap(void **state)
{
	struct rte_eth_link link;

	hear(RTE_ETH_EVENT_INTR_LSC);
	lab_rule(0, DROP);
	nicmodel_link(lab.port[0], false);
	nicmodel_link(lab.port[0], false);
	assert_int_equal(told, 1);
	assert_int_equal(rte_eth_link_get_nowait(lab.port[0], &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
	nicmodel_link(lab.port[0], true);
	assert_int_equal(told, 2);
	assert_int_equal(rte_eth_link_get_nowait(lab.port[0], &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_UP);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	unhear(RTE_ETH_EVENT_INTR_LSC);
}

static void devices_reset(void **state)
{
	struct rte_flow *flow = lab_rule(0, DROP);

	hear(RTE_ETH_EVENT_INTR_RESET);
	nicmodel_reset(lab.port[0]);
	assert_int_equal(told, 1);
	assert_true(lab_passes(0, P4 "udp 1>2"));
	lab_refused(0, DROP, EIO, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	assert_int_equal(rte_eth_dev_reset(lab.port[0]), 0);
	lab_configure(0);
	assert_int_equal(rte_eth_dev_start(lab.port[0]), 0);
	lab_rule(0, DROP);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(rte_flow_destroy(lab.port[0], flow, &lab.error), -EINVAL);
	assert_int_equal(rules().stale_handles, 1);
	unhear(RTE_ETH_EVENT_INTR_RESET);
}

static void proxies_and_dumps(void **state)
{
	struct rte_flow *flow = lab_rule(0, DROP);
	char text[256] = "";
	uint16_t proxy = 77;
	FILE *file = fmemopen(text, sizeof(text), "w");

	assert_int_equal(rte_flow_pick_transfer_proxy(lab.port[0], &proxy, &lab.error), 0);
	assert_int_equal(proxy, lab.port[0]);
	assert_int_equal(rte_flow_dev_dump(lab.port[0], flow, file, &lab.error), 0);
	fclose(file);
	assert_non_null(strstr(text, "group 0 priority 0"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)

int run_life_tests(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(rules_age),
		TEST(ages_have_contexts),
		TEST(long_ages),
		TEST(ages_are_shared),
		TEST(stop_keeps),
		TEST(stop_loses),
		TEST(stop_flushes),
		TEST(stopped_ports_rules_do_not_act),
		TEST(handles_are_checked),
		TEST(flush_is_by_port),
		TEST(isolation),
		TEST(operations_fail_on_demand),
		TEST(links_flap),
		TEST(devices_reset),
		TEST(proxies_and_dumps),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
