/* SPDX-License-Identifier: BSD-3-Clause */
/* Each way of going wrong: without the quirk the model does as asked, with it something else. */
#include "lab.h"

#define P4 "10.1.0.1 > 10.2.0.1 "
#define P6 "fd00::1 > fd00::2 "

static struct nicmodel_rules rules(void)
{
	struct nicmodel_rules r;

	nicmodel_rules(lab.port[0], &r);
	return r;
}

/* A rule, and what happens to a packet with and without a quirk. */
static const struct {
	enum tg_nic_hazard_id quirk;
	const char *rule, *packet;
	bool without, with; /* dropped */
} table[] = {
	{TG_NIC_HAZARD_VLAN_BLIND, "ingress : eth / ipv4 / udp dport=2 : drop",
		"vlan=5 " P4 "udp 1>2", false, true},
	{TG_NIC_HAZARD_VLAN_BLIND, "ingress : eth / ipv4 / udp dport=2 : drop",
		"vlan=5 vlan=6 " P4 "udp 1>2", false, true},
	{TG_NIC_HAZARD_VLAN_BLIND, "ingress : eth type=0x0800 / ipv4 / udp dport=2 : drop",
		"vlan=5 " P4 "udp 1>2", false, true},
	{TG_NIC_HAZARD_VLAN_BLIND, "ingress : eth type=0x0800 / ipv4 / udp dport=2 : drop",
		P4 "udp 1>2", true, true},
	{TG_NIC_HAZARD_VLAN_BLIND, "ingress : eth has_vlan=0 / ipv4 / udp dport=2 : drop",
		"vlan=5 " P4 "udp 1>2", false, false},
	{TG_NIC_HAZARD_VLAN_BLIND, "ingress : eth has_vlan=0 / ipv4 / udp dport=2 : drop",
		P4 "udp 1>2", true, true},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, "ingress : eth / ipv4 / udp dport=2 : drop",
		P4 "frag=0+ udp 1>2", false, true},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, "ingress : eth / ipv4 / udp dport=2 : drop",
		P4 "frag=80 udp 1>2", false, false},
	{TG_NIC_HAZARD_FRAGMENT_MATCHED, "ingress : eth / ipv4 frag=0&0x3fff / udp dport=2 : drop",
		P4 "frag=0+ udp 1>2", false, false},
	{TG_NIC_HAZARD_NO_OPTIONS, "ingress : eth / ipv4 / udp dport=2 : drop",
		P4 "opt=01010101 udp 1>2", false, true},
	{TG_NIC_HAZARD_NO_OPTIONS, "ingress : eth / ipv4 ver=5&0x0f / udp dport=2 : drop",
		P4 "opt=01010101 udp 1>2", false, false},
	{TG_NIC_HAZARD_EXTENSIONS, "ingress : eth / ipv6 proto=17 / udp dport=2 : drop",
		P6 "hbh udp 1>2", false, true},
	{TG_NIC_HAZARD_EXTENSIONS, "ingress : eth / ipv6 proto=17 / udp dport=2 : drop",
		P6 "hbh dst udp 1>3", false, false},
	{TG_NIC_HAZARD_EXTENSIONS, "ingress : eth / ipv6 proto=17 / udp dport=2 : drop",
		P6 "frag=0+ udp 1>2", false, false},
	{TG_NIC_HAZARD_PRIORITY_IGNORED, "ingress priority=0 : eth / ipv4 src=10.1.0.1 : drop",
		P4 "udp 1>2", true, false}, /* an older rule of lower priority lets it through */
	{TG_NIC_HAZARD_GROUP_IGNORED, "ingress group=2 : eth / ipv4 src=10.1.0.1 : drop",
		P4 "tcp 1>2 S", false, true},
};

static void switch_quirk(enum tg_nic_hazard_id hazard, bool on)
{
	struct nicmodel_quirks quirks;

	nicmodel_quirks_get(lab.port[0], &quirks);
	quirks.on = on ? 1u << hazard : 0;
	nicmodel_quirks_set(lab.port[0], &quirks);
}

static void packets_tell(void **state)
{
	for (size_t i = 0; i < RTE_DIM(table); i++)
		for (unsigned int on = 0; on < 2; on++) {
			bool expected = on ? table[i].with : table[i].without;

			switch_quirk(table[i].quirk, on);
			lab_rule(0,
				"ingress priority=3 : eth / ipv4 / udp sport=1&0xff00 : queue=0");
			lab_rule(0, table[i].rule);
			if (lab_dropped(0, table[i].packet) != expected)
				fail_msg("%u %s: %s", on, table[i].rule, table[i].packet);
			assert_int_equal(rte_flow_flush(lab.port[0], &lab.error), 0);
		}
}

static void widen_source(struct nicmodel_quirks *quirks)
{
	quirks->on |= 1u << TG_NIC_HAZARD_MASK_WIDENED;
	quirks->widened = 1u << TG_NIC_IPV4_SRC;
}

#define PREFIX "ingress : eth / ipv4 src=10.0.0.0&255.0.0.0 / udp dport=53 : drop"

static void masks_are_widened(void **state)
{
	struct rte_flow *flow = lab_rule(0, PREFIX);

	assert_true(lab_passes(0, "11.1.1.1 > 1.1.1.1 udp 1>53"));
	lab_destroy(0, flow);
	lab_quirks(widen_source);
	flow = lab_rule(0, PREFIX);
	assert_true(lab_dropped(0, "11.1.1.1 > 1.1.1.1 udp 1>53"));
	assert_true(lab_passes(0, "10.1.1.1 > 1.1.1.1 udp 1>54"));
	lab_destroy(0, flow);
	/* Full masks are full, and other fields are not concerned. */
	lab_rule(
		0, "ingress : eth / ipv4 src=10.1.1.1 dst=1.0.0.0&255.0.0.0 / udp dport=53 : drop");
	assert_true(lab_passes(0, "10.1.1.2 > 1.1.1.1 udp 1>53"));
	assert_true(lab_passes(0, "10.1.1.1 > 2.1.1.1 udp 1>53"));
	assert_true(lab_dropped(0, "10.1.1.1 > 1.1.1.1 udp 1>53"));
}

/* The first engine has room for one rule and takes masks; the second one widens them. */
static void engines_fall_back(void **state)
{
	struct tg_nic_hazard *widened = &lab_nic.hazards[TG_NIC_HAZARD_MASK_WIDENED];

	lab_close();
	lab_nic.n_engines = 2;
	lab_nic.engines[1] = lab_nic.engines[0];
	lab_nic.engines[0].capacity = 1;
	*widened = (struct tg_nic_hazard){
		.present = true, .engines = 2, .fields = 1u << TG_NIC_IPV4_SRC};
	lab_open(&lab_nic);
	lab_rule(0, PREFIX);
	assert_true(lab_passes(0, "11.1.1.1 > 1.1.1.1 udp 1>53"));
	lab_refused(0, "ingress : eth / ipv4 src=12.0.0.0&255.0.0.0 / udp dport=53 : drop", ENOSPC,
		RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	lab_quirk(TG_NIC_HAZARD_ENGINE_FALLBACK);
	lab_rule(0, "ingress : eth / ipv4 src=12.0.0.0&255.0.0.0 / udp dport=53 : drop");
	assert_true(lab_dropped(0, "11.1.1.1 > 1.1.1.1 udp 1>53"));
}

static void one_mask_for_all(void **state)
{
	struct rte_flow *flow;

	lab_close();
	lab_nic.engines[0].shapes = TG_NIC_SHAPES_GLOBAL;
	lab_open(&lab_nic);
	flow = lab_rule(0, "ingress : eth / ipv4 dst=10.2.0.1 / udp : drop");
	lab_refused(0, "ingress : eth / ipv4 src=10.1.0.1 / udp : drop", EINVAL,
		RTE_FLOW_ERROR_TYPE_ITEM_MASK);
	lab_rule(0, "ingress : eth / ipv4 dst=10.2.0.2 / tcp : drop"); /* the same masks */
	lab_quirk(TG_NIC_HAZARD_ONE_MASK);
	lab_rule(0, "ingress : eth / ipv4 dst=10.2.0.3 src=10.1.0.1 / udp : drop");
	assert_true(lab_dropped(0, "10.9.9.9 > 10.2.0.3 udp 1>2"));
	lab_destroy(0, flow);
	assert_true(lab_dropped(0, "10.9.9.9 > 10.2.0.3 udp 1>2"));
}

static void first_of_equals_wins(void **state)
{
	static const char *const drop = "ingress : eth / ipv4 src=10.1.0.1 : count / drop";
	struct rte_flow *first = lab_rule(0, drop), *second;

	lab_refused(0, drop, EEXIST, RTE_FLOW_ERROR_TYPE_HANDLE);
	lab_refused(0, "ingress : eth / ipv4 src=10.1.0.1 : queue=0", EEXIST,
		RTE_FLOW_ERROR_TYPE_HANDLE);
	lab_rule(0, "ingress priority=1 : eth / ipv4 src=10.1.0.1 : count / drop");
	lab_quirk(TG_NIC_HAZARD_FIRST_WINS);
	second = lab_rule(0, "ingress : eth / ipv4 src=10.1.0.1 : count / queue=0");
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(lab_hits(0, first), 1);
	assert_int_equal(lab_hits(0, second), 0);
	lab_destroy(0, first);
	assert_true(lab_passes(0, P4 "udp 1>2"));
}

static void ranges_are_ignored(void **state)
{
	static const char *const range = "ingress : eth / ipv4 / udp dport=80..90 : drop";

	lab_refused(0, range, ENOTSUP, RTE_FLOW_ERROR_TYPE_ITEM_LAST);
	lab_quirk(TG_NIC_HAZARD_RANGE_IGNORED);
	lab_rule(0, range);
	assert_true(lab_dropped(0, P4 "udp 1>80"));
	assert_true(lab_passes(0, P4 "udp 1>81"));
}

static void stale(struct nicmodel_quirks *quirks)
{
	quirks->on |= 1u << TG_NIC_HAZARD_STALE_COUNTER;
	quirks->stale_ms = 1000;
}

/* The clock stands somewhere in a period; a whole one later the count is seen. */
static void counters_are_stale(void **state)
{
	struct rte_flow *flow = lab_rule(0, "ingress : eth / ipv4 : count / drop");

	lab_quirks(stale);
	nicmodel_clock_advance((uint32_t)(1000 - nicmodel_clock() % 1000));
	assert_int_equal(lab_hits(0, flow), 0);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(lab_hits(0, flow), 0);
	nicmodel_clock_advance(999);
	assert_int_equal(lab_hits(0, flow), 0);
	nicmodel_clock_advance(1);
	assert_int_equal(lab_hits(0, flow), 1);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	nicmodel_clock_advance(500);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(lab_hits(0, flow), 1);
	nicmodel_clock_advance(500);
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	assert_int_equal(lab_hits(0, flow), 3);
}

static void failing(struct nicmodel_quirks *quirks)
{
	quirks->on |= 1u << TG_NIC_HAZARD_COUNTER_FAILS;
	quirks->fail_every = 3;
}

static void counters_fail(void **state)
{
	static const int expected[] = {0, 0, -EAGAIN, 0, 0, -ENOENT, 0, 0, -EAGAIN};
	struct rte_flow *flow = lab_rule(0, "ingress : eth / ipv4 : count / drop");
	struct rte_flow_query_count count = {0};

	lab_quirks(failing);
	for (size_t i = 0; i < RTE_DIM(expected); i++)
		assert_int_equal(lab_query(0, flow, &count), expected[i]);
	assert_int_equal(rules().query_failures, 3);
}

static void late(struct nicmodel_quirks *quirks)
{
	quirks->on |= 1u << TG_NIC_HAZARD_LATE_INSERT;
	quirks->late_ms = 20;
	quirks->late_packets = 3;
}

static void rules_act_late(void **state)
{
	struct rte_flow *flow;

	lab_quirks(late);
	flow = lab_rule(0, "ingress : eth / ipv4 : drop");
	assert_true(lab_passes(0, P4 "udp 1>2"));
	nicmodel_clock_advance(20);
	assert_true(lab_passes(0, P4 "udp 1>2"));
	assert_true(lab_passes(1, P4 "udp 1>2"));
	assert_true(lab_dropped(0, P4 "udp 1>2"));
	lab_destroy(0, flow);
	assert_true(lab_passes(0, P4 "udp 1>2"));
}

static void full_at_two(struct nicmodel_quirks *quirks)
{
	quirks->capacity = 2;
}

static void tables_are_full(void **state)
{
	struct rte_flow *flow;

	lab_quirks(full_at_two);
	flow = lab_rule(0, "ingress : eth / ipv4 : drop");
	lab_rule(1, "ingress : eth / ipv4 : drop"); /* one NIC */
	lab_refused(0, "ingress : eth / ipv6 : drop", ENOSPC, RTE_FLOW_ERROR_TYPE_UNSPECIFIED);
	lab_destroy(0, flow);
	lab_rule(0, "ingress : eth / ipv6 : drop");
	assert_int_equal(rules().rules, 2);
	assert_int_equal(rules().handles, 2);
}

static void match_malformed(struct nicmodel_quirks *quirks)
{
	quirks->malformed_matched = true;
}

static void malformed_headers_match(void **state)
{
	lab_rule(0, "ingress : eth / ipv4 src=10.1.0.1 : drop");
	assert_true(lab_passes(0, P4 "udp 1>2 set=16:ffff"));
	lab_quirks(match_malformed);
	assert_true(lab_dropped(0, P4 "udp 1>2 set=16:ffff"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, lab_setup_profile, lab_teardown)

int run_quirk_tests(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(packets_tell),
		TEST(masks_are_widened),
		TEST(engines_fall_back),
		TEST(one_mask_for_all),
		TEST(first_of_equals_wins),
		TEST(ranges_are_ignored),
		TEST(counters_are_stale),
		TEST(counters_fail),
		TEST(rules_act_late),
		TEST(tables_are_full),
		TEST(malformed_headers_match),
	};

	return cmocka_run_group_tests_name("quirk", tests, NULL, NULL);
}
